// `hardkey exec` in a terminal: keys that send signals, job control, a shell of one's own, a window that is closed.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from './checked-in.ts'
import { commandFile } from './hardkey.ts'
import { inTerminal, type PtyRan, type PtyStep, programInTerminal } from './pty.ts'

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
  there.home.write('bashrc', `PS1='[$HARDKEY_NAME]> '\nalias hk='${process.execPath} ${commandFile}'\n`)
})
afterAll(() => there.remove())

/** Counts each signal, and tells of all of them at SIGTERM or once `SIGHUP` came. */
const counts = `const seen = {}
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGWINCH']) process.on(name, () => {
    seen[name] = (seen[name] ?? 0) + 1
    console.log('got ' + name)
  })
  process.on('SIGTERM', () => { console.log(JSON.stringify(seen)); process.exit(3) })
  console.log('ready')
  setInterval(() => {}, 1000)`

const inShell = (steps: readonly PtyStep[]): Promise<PtyRan> =>
  programInTerminal(there.home, ['/bin/bash', '--rcfile', 'bashrc', '-i'], steps, { environment: { TERM: 'dumb' } })

describe('a program in the terminal', () => {
  it('gets ^C, ^\\\\ and a new size once each, and hardkey lives on', async () => {
    const steps: PtyStep[] = [
      { expect: 'ready' },
      { send: '\u0003' },
      { expect: 'got SIGINT' },
      { send: '\u001c' },
      { expect: 'got SIGQUIT' },
      { resize: [40, 100] },
      { expect: 'got SIGWINCH' },
      { signal: 'SIGTERM' },
    ]
    const ran = await inTerminal(there.home, ['exec', 'prod', '--', process.execPath, '-e', counts], steps)
    expect(ran.terminal).toContain('{"SIGINT":1,"SIGQUIT":1,"SIGWINCH":1}')
    expect(ran.status).toBe(3)
  })

  it('ends by ^C with status 130 where it does not catch it', async () => {
    const program = ['--', 'sh', '-c', 'echo ready; exec sleep 100']
    const ran = await inTerminal(there.home, ['exec', 'prod', ...program], [{ expect: 'ready' }, { send: '\u0003' }])
    expect(ran.status).toBe(130)
    expect(ran.terminal).not.toContain('error')
  })

  it('is stopped by ^Z with hardkey and goes on in the foreground', async () => {
    const ran = await inShell([
      { expect: '[]> ' },
      { send: "hk exec prod -- sh -c 'echo ready; cat'\r" },
      { expect: 'ready\r\n' },
      { send: 'one\r' },
      { expect: 'one\r\none' },
      { send: '\u001a' },
      { expect: 'Stopped' },
      { expect: '[]> ' },
      { send: 'fg\r' },
      { expect: "echo ready; cat'\r\n" },
      { send: 'two\r' },
      { expect: 'two\r\ntwo' },
      { send: '\u0004' },
      { expect: '[]> ' },
      { send: 'exit $?\r' },
    ])
    expect(ran.status).toBe(0)
  })

  it('reads what is typed after the passphrase, which was asked for before it started', async () => {
    const steps: PtyStep[] = [
      { expect: 'passphrase of' },
      { sample: 'hidden', unless: true },
      { send: 'correct horse\r' },
      { expect: 'ready' },
      { sample: 'shown', unless: false },
      { send: 'hello\r' },
    ]
    const program = ['--', 'sh', '-c', 'echo ready; read x; echo "got $x"']
    const ran = await inTerminal(there.home, ['exec', 'prod', '--pin-source', 'prompt:', ...program], steps)
    expect(ran.terminal).toContain('hello\r\ngot hello\r\n')
    expect(ran.echo).toMatchObject({ hidden: false, shown: true })
    expect(ran.status).toBe(0)
  })

  it('F-W07: gets SIGHUP when the window is closed', async () => {
    const told = 'trap "echo yes >hung-up; exit 4" HUP; echo ready; while :; do sleep 0.1; done'
    const words = ['exec', 'prod', '--', 'sh', '-c', told]
    const { status } = await inTerminal(there.home, words, [{ expect: 'ready' }, { hangup: true }])
    expect(there.home.read('hung-up')).toBe('yes\n')
    expect(status).toBe(4)
  })
})

describe('exec without a program', () => {
  it('is the shell of the user, with jobs, which says what it has and how to leave', async () => {
    const steps: PtyStep[] = [
      { expect: 'hardkey: note: this shell has the credentials of prod, renewed as' },
      { expect: 'as it runs; leave it with Ctrl-D' },
      { expect: '[prod]> ' },
      { send: 'sleep 100 & jobs\r' },
      { expect: 'Running' },
      { expect: '[prod]> ' },
      { send: "kill %1; sh -c 'echo re''dy; exec cat'\r" },
      { expect: 'redy' },
      { send: '\u0003' },
      { expect: '[prod]> ' },
      { send: 'echo "status $?"\r' },
      { expect: 'status 130' },
      // Before it the shell does not read a key as such.
      { expect: '[prod]> ' },
      { send: '\u0004' },
    ]
    // Without --rcfile bash takes HOME/.bashrc.
    there.home.write('.bashrc', there.home.read('bashrc'))
    const environment = { SHELL: '/bin/bash', TERM: 'dumb' }
    const ran = await inTerminal(there.home, ['exec', 'prod'], steps, { environment })
    expect(ran.terminal).not.toContain('job control')
    expect(ran.echo.afterwards).toBe(true)
  })

  it('says until when with --env', async () => {
    const steps: PtyStep[] = [
      { expect: 'credentials of prod, until 20' },
      { expect: '; leave it' },
      { send: 'exit 6\r' },
    ]
    const environment = { SHELL: '/bin/sh', TERM: 'dumb' }
    expect((await inTerminal(there.home, ['exec', 'prod', '--env'], steps, { environment })).status).toBe(6)
  })

  it('comes back to the shell around it, whose jobs work as before', async () => {
    const ran = await inShell([
      { expect: '[]> ' },
      { send: 'SHELL=/bin/bash hk exec prod\r' },
      { expect: '[prod]> ' },
      { send: 'hk exec prod\r' },
      { expect: 'leave that shell first' },
      { expect: '[prod]> ' },
      { send: 'exit 5\r' },
      { expect: '[]> ' },
      { send: `sh -c 'echo "status $0"; exec cat' $?\r` },
      { expect: 'status 5\r\n' },
      { send: '\u0003' },
      { expect: '[]> ' },
      { send: 'exit 0\r' },
    ])
    expect(ran.status).toBe(0)
  })
})

describe('a terminal where credentials would be shown', () => {
  it.each([
    ['process', 'AWS tools call hardkey credential-process themselves'],
    ['env', 'eval "$(hardkey export … --format env)" takes them over'],
  ])('B-102: export --format %s says so', async (format, instead) => {
    const ran = await inTerminal(there.home, ['export', 'prod', '--format', format], [])
    expect(ran.terminal).toContain(`hardkey: warning: this shows credentials on the terminal; ${instead}\r\n`)
  })
})
