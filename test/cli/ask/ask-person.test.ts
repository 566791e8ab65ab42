// How a person is asked where there is no terminal, or another way is named: askpass, pinentry, and none at all. The programs
// are scripts; GnuPG's own pinentry is asked in pinentry.peer.test.ts.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { askSecret, canAsk } from '../../../src/cli/ask/ask-person.ts'
import type { CommandContext } from '../../../src/cli/command.ts'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'
import { HardkeyError } from '../../../src/errors.ts'
import { CheckedIn } from '../checked-in.ts'
import { CommandHome, type Ran } from '../hardkey.ts'
import { pinentryScript, script } from '../programs.ts'

const home = new CommandHome()
const programs = {
  ours: script(home, 'ours', ['echo from ours']),
  ssh: script(home, 'ssh', ['echo from ssh']),
  pinentry: pinentryScript(home, 'bin/pinentry', { GETPIN: `printf 'D from pin%%65ntry\\nOK\\n'` }),
}
afterAll(() => home.remove())

const unavailable = new HardkeyError('ERR_PIN_REQUIRED', 'nobody can be asked')
const question = { question: 'PIN of token "prod"', prompt: 'PIN', unavailable }

/** Only these members are read. */
function contextOf(variables: Record<string, string>, isThere: boolean, signal = new AbortController().signal) {
  const PATH = `${home.folder}/bin:/usr/bin:/bin`
  return {
    environment: readEnvironment({ PATH, ...variables }, 'linux', () => home.folder),
    terminal: { isThere: () => isThere, secret: async () => Buffer.from('from terminal') },
    signal,
  } as unknown as CommandContext
}

type Source = Parameters<typeof askSecret>[2]
const asked = async (variables: Record<string, string>, isThere = false, source?: Source): Promise<string> =>
  Buffer.from(await askSecret(contextOf(variables, isThere), question, source)).toString()

describe('somebody is asked', () => {
  const { ours, ssh, pinentry } = programs
  it.each([
    [{ HARDKEY_ASKPASS: ours, DISPLAY: ':0' }, false, 'ours'],
    [{ HARDKEY_ASKPASS: ours }, true, 'ours'],
    [{ HARDKEY_PINENTRY: pinentry }, true, 'pinentry'],
    [{ SSH_ASKPASS: ssh, DISPLAY: ':0' }, false, 'ssh'],
    [{ SSH_ASKPASS: ssh, DISPLAY: ':0' }, true, 'terminal'],
    [{ SSH_ASKPASS: ssh, DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'prefer' }, true, 'ssh'],
    [{ SSH_ASKPASS: ssh, SSH_ASKPASS_REQUIRE: 'prefer' }, true, 'terminal'],
    [{ SSH_ASKPASS: ssh, SSH_ASKPASS_REQUIRE: 'force' }, true, 'ssh'],
    [{ SSH_ASKPASS: ssh, SSH_ASKPASS_REQUIRE: 'never', DISPLAY: ':0' }, false, 'pinentry'],
    [{ SSH_ASKPASS: ssh, DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'maybe' }, true, 'terminal'],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, false, 'pinentry'],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, true, 'terminal'],
  ] as const)('with %j and a terminal %s by %s', async (variables, isThere, way) => {
    expect(await asked(variables, isThere)).toBe(`from ${way}`)
    expect(canAsk(contextOf(variables, isThere))).toBe(true)
  })

  it('by the way that the pin-source names, whatever else is there', async () => {
    expect(await asked({}, true, 'pinentry:')).toBe('from pinentry')
    expect(await asked({ HARDKEY_PINENTRY: pinentry, SSH_ASKPASS: ssh }, true, 'askpass:')).toBe('from ssh')
  })

  it.each([{}, { GPG_TTY: '/dev/pts/0' }, { SSH_ASKPASS: ssh }])('nowhere with %j alone', async (variables) => {
    expect(canAsk(contextOf(variables, false))).toBe(false)
    await expect(asked(variables)).rejects.toBe(unavailable)
  })

  it('not by an askpass: that nothing names', async () => {
    await expect(asked({}, true, 'askpass:')).rejects.toThrow('askpass: is named, but no program for it')
  })
})

describe('an askpass program that', () => {
  it.each([
    ['ends with a status', ['exit 1'], 'ended with status 1'],
    ['prints nothing', ['true'], 'gives nothing'],
    ['prints two lines', ['echo 12', 'echo 34'], 'prints more than one line'],
    ['prints without end', ['exec yes 1234'], 'prints more than 16384 bytes'],
  ] as const)('%s is an error that names it', async (_, lines, fault) => {
    const program = script(home, 'faulty', lines)
    await expect(asked({ HARDKEY_ASKPASS: program })).rejects.toMatchObject({
      code: 'ERR_PIN_REQUIRED',
      message: `the askpass program "${program}" ${fault}`,
    })
  })

  it('is not there is an error too', async () => {
    await expect(asked({ HARDKEY_ASKPASS: '/nowhere/askpass' })).rejects.toThrow('cannot run')
  })

  it('waits ends with the command, though what it started holds its output', async () => {
    const program = script(home, 'waiting', ['(until [ -e "$0.end" ]; do sleep 0.1; done)', 'echo 1234'])
    onTestFinished(() => void home.write('waiting.end', ''))
    const stop = AbortSignal.timeout(200)
    const answer = askSecret(contextOf({ HARDKEY_ASKPASS: program }, false, stop), question)
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('gets the question as its one argument', async () => {
    const program = script(home, 'asked', ['echo "$# $1"'])
    expect(await asked({ HARDKEY_ASKPASS: program })).toBe('1 PIN of token "prod": ')
  })

  it('keeps the spaces of an answer', async () => {
    const program = script(home, 'spaces', ["printf ' 12 34 \\r\\n'"])
    expect(await asked({ HARDKEY_ASKPASS: program })).toBe(' 12 34 ')
  })
})

describe('a pinentry', () => {
  const pin = (name: string, answers: Record<string, string>, greeting?: string): string =>
    pinentryScript(home, name, answers, greeting)
  const getpin = `printf 'D 1234\\nOK\\n'`

  it('is told where and what to ask, each on one line', async () => {
    const program = pin('told', { GETPIN: getpin })
    await asked({ HARDKEY_PINENTRY: program, GPG_TTY: '/dev/pts/9', TERM: 'xterm', LC_ALL: 'C.UTF-8' })
    expect(home.read('told.told').split('\n')).toEqual([
      'OPTION ttyname=/dev/pts/9',
      'OPTION ttytype=xterm',
      'OPTION lc-ctype=C.UTF-8',
      'SETTITLE hardkey',
      'SETDESC PIN of token "prod"',
      'SETPROMPT PIN:',
      'GETPIN',
      ...(home.read('told.told').includes('BYE') ? ['BYE', ''] : ['']),
    ])
  })

  it('may refuse options', async () => {
    const program = pin('windows', { OPTION: 'echo ERR 83886254 Unknown option', GETPIN: getpin })
    expect(await asked({ HARDKEY_PINENTRY: program, TERM: 'xterm' })).toBe('1234')
  })

  it('may give an answer on several lines', async () => {
    const program = pin('lines', { GETPIN: `printf 'S X\\nD 12\\n# y\\nD 34\\nOK\\n'` })
    expect(await asked({ HARDKEY_PINENTRY: program })).toBe('1234')
  })

  it.each([
    [
      'cancelled',
      { GETPIN: 'echo ERR 83886179 Operation cancelled' },
      'no answer was given to the question for the PIN',
    ],
    ['timed out', { GETPIN: 'echo ERR 83886142 Timeout' }, 'no answer was given'],
    ['without a terminal', { GETPIN: 'echo ERR 83918950 Inappropriate ioctl' }, 'could not ask: Inappropriate ioctl'],
    ['that shows no text', { SETDESC: 'echo ERR 83886355 Unknown' }, 'could not ask: Unknown (275)'],
    ['that ends early', { GETPIN: 'exit 0' }, 'cannot run, or ended before it asked'],
    ['that talks nonsense', { GETPIN: 'echo D %zz' }, 'the pinentry gave a percent sign without two digits'],
    ['without end', { GETPIN: `while printf 'D %0900d\\n' 1; do :; done` }, 'the pinentry gave more than 4096 bytes'],
  ])('%s is an error', async (name, answers, message) => {
    const refusal = await asked({ HARDKEY_PINENTRY: pin(`fault ${name}`, answers) }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ERR_PIN_REQUIRED', message: expect.stringContaining(message) })
  })

  it('that is none, or not there, is an error', async () => {
    await expect(asked({ HARDKEY_PINENTRY: '/bin/false' })).rejects.toThrow('cannot run, or ended before it asked')
    await expect(asked({ HARDKEY_PINENTRY: '/nowhere/pinentry' })).rejects.toThrow('cannot run')
    const greeting = 'HTTP/1.1 400 Bad Request'
    await expect(asked({ HARDKEY_PINENTRY: pin('web', {}, greeting) })).rejects.toThrow('an answer that is none')
  })

  it('that waits for ever ends with the command', async () => {
    const stop = AbortSignal.timeout(200)
    const program = pin('silent', { GETPIN: 'exec sleep 60' })
    const answer = askSecret(contextOf({ HARDKEY_PINENTRY: program }, false, stop), question)
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('a command without a terminal', () => {
  let there: CheckedIn
  beforeAll(async () => {
    there = await CheckedIn.make()
  })
  afterAll(() => there.remove())
  const run = (source: string, environment: Record<string, string>): Promise<Ran> =>
    there.home.run(['credential-process', 'prod', '--pin-source', source], { environment })

  it('takes a passphrase from an askpass program, and prints credentials alone', async () => {
    const program = script(home, 'right', ['echo correct horse'])
    const ran = await run('prompt:', { HARDKEY_ASKPASS: program })
    expect({ ...ran, stdout: JSON.parse(ran.stdout).Version }).toEqual({ status: 0, stdout: 1, stderr: '' })
  })

  it('takes it from a pinentry that the key URI names', async () => {
    const program = pinentryScript(home, 'right-pinentry', { GETPIN: `printf 'D correct horse\\nOK\\n'` })
    const ran = await run('pinentry:', { HARDKEY_PINENTRY: program })
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(home.read('right-pinentry.told')).toMatch(/^SETDESC passphrase of keyset "/m)
  })

  it('F-W05: says at once that nobody can be asked, and names the ways', async () => {
    const ran = await run('prompt:', { SSH_ASKPASS: '/bin/true' })
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr).toMatch(/^hardkey: error: there is no terminal to ask for the passphrase of keyset "/)
    expect(ran.stderr).toMatch(/--pin-source file:PATH, fd:N, credential:NAME or keyring:NAME, or set HARDKEY_ASKPASS/)
  })

  it('lets no key URI say which program runs', async () => {
    const ran = await run('askpass:/bin/sh', {})
    expect(ran.stderr).toContain('hardkey: error: pin-source=askpass: takes nothing behind it')
    expect(ran.status).toBe(2)
  })
})
