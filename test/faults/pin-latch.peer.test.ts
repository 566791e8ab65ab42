// A wrong PIN is tried once by all processes, wherever they keep their sessions, and tried again when its source has changed or
// a person says so. In: the built command over SoftHSM as it is, and over one that tells of no wrong PIN. Logins are counted at
// the module.

import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pkcs11Tool } from '../backends/pkcs11/pkcs11-tool.ts'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { testPin } from '../peers/softhsm.ts'
import { FaultyCommand, isSession } from './commands.ts'
import { asSecondUser, secondUser } from './second-user.ts'

const wrong = 'not-the-pin-8431'
const notAgain = 'it is not tried again'
let command: FaultyCommand
let folder: string
beforeAll(async () => {
  command = await FaultyCommand.make()
})
afterAll(() => command?.remove())
beforeEach(() => {
  folder = folderInMemory()
  give(wrong)
  command.device.shim.forget()
})
afterEach(async () => {
  command.device.shim.order()
  rmSync(join(command.home.folder, '.local'), { recursive: true, force: true })
  rmSync(folder, { recursive: true })
  // The right PIN takes the flag of the token away.
  await pkcs11Tool(command.device.hsm, '--list-objects')
})

/** Puts a PIN into the file that the record names. */
const give = (pin: string): string => command.home.write('pin', pin)
const run = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  command.run(words, { environment: { HARDKEY_CACHE_DIR: folder, ...environment } })
const ask = (environment?: Readonly<Record<string, string>>): Promise<Ran> =>
  run(['credential-process', 'prod'], environment)
const clear = (): Promise<Ran> => run(['doctor', 'prod', '--clear-latch', '--offline'])
const logins = (): number => command.device.shim.calls().filter((call) => call.startsWith('C_Login pin')).length
/** CKF_USER_PIN_COUNT_LOW, by which SoftHSM would tell of the first try: a token that does not count. */
const telling = (...more: string[]): void => command.device.shim.order('C_GetTokenInfo * clear 0x10000', ...more)

/** Several starts, each of which says that the PIN was refused; the first alone has tried it. */
async function expectOneTry(starts: readonly (() => Promise<Ran>)[]): Promise<void> {
  for (const [index, start] of starts.entries()) {
    const { stderr, status, stdout } = await start()
    expect({ status, stdout, isAgain: stderr.includes(notAgain) }).toEqual({
      status: 1,
      stdout: '',
      isAgain: index > 0,
    })
  }
  expect(logins()).toBe(1)
}

describe('where nothing of a session is kept, a wrong PIN', () => {
  beforeEach(() => telling())
  const four = (environment: Readonly<Record<string, string>>) => [1, 2, 3, 4].map(() => () => ask(environment))

  it('F-P01: is tried once with HARDKEY_CACHE_DIR=none', () => expectOneTry(four({ HARDKEY_CACHE_DIR: 'none' })))

  it('F-P01: is tried once with a folder of sessions for each start', () =>
    expectOneTry(
      ['a', 'b', 'c'].map((name) => () => run(['credential-process', 'prod', '--cache-dir', join(folder, name)])),
    ))

  it('F-P01: is tried once by a service that systemd starts again, whose runtime folder goes at each stop', async () => {
    const state = join(command.home.folder, 'state-of-service')
    const starts = ['a', 'b', 'c'].map((name) => () => {
      const environment = { HARDKEY_CACHE_DIR: '', RUNTIME_DIRECTORY: join(folder, name), STATE_DIRECTORY: state }
      return ask(environment)
    })
    await expectOneTry(starts)
    const { stderr } = await ask({ STATE_DIRECTORY: state })
    expect(stderr).toContain(`STATE_DIRECTORY=${state} hardkey doctor --clear-latch`)
  })

  it('F-P01: is tried once where the home folder takes no file, by what the runtime folder keeps', async () => {
    command.home.write('.local', '')
    await expectOneTry(four({ HARDKEY_CACHE_DIR: '', RUNTIME_DIRECTORY: join(folder, 'run') }))
  })

  it('F-P01: is warned of where no folder can keep that', async () => {
    const places = { XDG_STATE_HOME: '/proc/none', HARDKEY_CACHE_DIR: 'none', HOME: '/proc/none' }
    const elsewhere = spawnSync('unshare', ['--mount', 'true']).status === 0
    if (!elsewhere) throw Object.assign(new Error('no mount of our own can be made'), { name: 'PeerMissing' })
    const script = 'mount -t proc proc /dev/shm; mkdir -p /run/user; mount -t proc proc /run/user; exec "$0" "$@"'
    const words = [process.execPath, commandFile, 'credential-process', 'prod']
    const environment = { ...command.home.environment({ ...command.environment, ...places }) }
    const child = spawn('unshare', ['--mount', 'sh', '-c', script, ...words], { env: environment, detached: true })
    expect((await ended(child)).stderr).toContain('no folder can keep that the PIN was refused')
  })
})

describe('a wrong PIN whose source', () => {
  it.each([
    ['a token that does not count', true],
    ['SoftHSM', false],
  ])('F-P01, F-P04: was corrected is tried again, at %s', async (_device, tellsNothing) => {
    if (tellsNothing) telling()
    await expectOneTry([ask, ask])
    give(testPin)
    expect(isSession(await ask())).toBe(true)
    expect(logins()).toBe(2)
  })

  it.each([
    ['a token that does not count', true],
    ['SoftHSM', false],
  ])('F-P01: is written again and again costs one more try, at %s', async (_device, tellsNothing) => {
    if (tellsNothing) telling()
    const messages: string[] = []
    for (let starts = 0; starts < 5; starts++) {
      messages.push((await ask()).stderr)
      utimesSync(join(command.home.folder, 'pin'), starts, starts)
    }
    expect(logins()).toBe(2)
    expect(messages.at(-1)).toContain('once it is corrected, run hardkey doctor --clear-latch')
    give(testPin)
    expect((await ask()).stderr).toContain(notAgain)
    expect((await clear()).status).toBe(0)
    expect(isSession(await ask())).toBe(true)
  })

  it('F-P01: is a pipe, another one at each start, is tried once', async () => {
    telling()
    const script = `printf %s "$PIN" | "$0" "$@" --pin-source fd:0`
    const start = (): Promise<Ran> => {
      const environment = { ...command.environment, HARDKEY_CACHE_DIR: folder, PIN: wrong }
      const words = ['-c', script, process.execPath, commandFile, 'credential-process', 'prod']
      return ended(spawn('sh', words, { env: command.home.environment(environment), detached: true }))
    }
    await expectOneTry([start, start, start])
  })

  it('F-P01, F-P04: was right before, and is wrong since, is tried once', async () => {
    give(testPin)
    expect(isSession(await ask())).toBe(true)
    give(wrong)
    command.device.shim.forget()
    const start = () => run(['whoami', 'prod'])
    await expectOneTry([start, start])
  })
})

describe('SoftHSM that had a wrong PIN', () => {
  const byAnother = async (): Promise<void> => {
    give(testPin)
    await expect(pkcs11Tool(command.device.hsm, '--pin', wrong, '--list-objects')).rejects.toThrow()
    command.device.shim.forget()
  }

  it('F-P04: of another program is given none of a file, until a person says so', async () => {
    await byAnother()
    const { stderr } = await ask()
    expect(stderr).toContain('none was tried again')
    expect(stderr).toContain('hardkey doctor --clear-latch')
    expect(logins()).toBe(0)
    expect(await clear()).toMatchObject({ status: 0, stderr: expect.stringContaining('forgotten: 1') })
    expect(isSession(await ask())).toBe(true)
  })

  it('F-P04: is given one that a person cleared once and not again', async () => {
    await ask()
    await clear()
    expect(logins()).toBe(2)
    await expect(ask()).resolves.toMatchObject({ stderr: expect.stringContaining(notAgain) })
    expect(logins()).toBe(2)
  })

  it('F-P03: and has one try left is given none, whatever changed and whoever cleared it', async () => {
    await ask()
    command.device.shim.order('C_GetTokenInfo * set 0x20000')
    give(testPin)
    expect((await ask()).stderr).toContain('would lock')
    expect((await clear()).stdout).toContain('would lock')
    expect((await ask()).stderr).toContain('would lock')
    expect(logins()).toBe(1)
  })
})

describe('another user of the machine', () => {
  // The second user is the victim here, so that the names of root stay as they are.
  const taken = `/dev/shm/hardkey-${secondUser.uid}`
  const owned = (uid: number, gid: number): void => {
    const folders = [command.home.folder, dirname(command.device.hsm.tokens), dirname(command.device.shim.module)]
    spawnSync('chown', ['-R', `${uid}:${gid}`, ...folders])
  }
  beforeEach(() => {
    telling()
    owned(secondUser.uid, secondUser.gid)
    writeFileSync(taken, '')
  })
  afterEach(() => {
    owned(0, 0)
    const left = readdirSync('/dev/shm').filter((name) => name.startsWith(`hardkey-${secondUser.uid}`))
    for (const name of left) rmSync(join('/dev/shm', name), { recursive: true })
  })

  it.each([
    ['the home folder', ''],
    ['the folder in memory, where the home folder takes no file,', '/proc/none'],
  ])('F-P01, T-1: who has taken every name first stops no latch: %s has it', async (_place, state) => {
    const places = { XDG_STATE_HOME: state, HARDKEY_CACHE_DIR: '' }
    const environment = command.home.environment({ ...command.environment, ...places })
    const start = () => asSecondUser('"$@"', [process.execPath, commandFile, 'credential-process', 'prod'], environment)
    await expectOneTry([start, start, start])
  })
})
