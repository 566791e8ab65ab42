// The process of the command under faults of its surroundings: output that cannot be written (F-W04), nobody to ask
// (F-W05), faults that nobody foresaw (F-W08), switches of Node that would dump memory (F-W09). Longer than 250 lines, so
// that the harm of each switch stands beside its cure.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn } from '../cli/checked-in.ts'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { isSession } from './commands.ts'
import { type Fault, underFault } from './criteria.ts'

const canary = 'canary-in-a-fault-5519'
let there: CheckedIn
let silent: Server
let silentUrl: string
beforeAll(async () => {
  there = await CheckedIn.make()
  // Takes a request and never answers.
  silent = createServer()
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
})
afterAll(async () => {
  silent.closeAllConnections()
  silent.close()
  await there.remove()
})

const ask = (): Promise<Ran> => there.home.run(['credential-process', 'prod'])

function files(): unknown {
  return readdirSync(there.home.folder, { recursive: true }).map(String).sort()
}

function fault(act: () => Promise<Ran>, more: Partial<Fault<Ran>> = {}): Fault<Ran> {
  return {
    act,
    mend: () => {},
    again: ask,
    isRight: isSession,
    kept: files,
    canaries: {
      'secret access key': Buffer.from(there.secretAccessKey),
      passphrase: Buffer.from('correct horse'),
      'text of a fault': Buffer.from(canary),
    },
    marker: there.home.folder,
    ...more,
  }
}

/** Runs the command with standard output where the shell puts it: `redirection` is a piece of sh. */
async function redirected(redirection: string, words = 'credential-process prod'): Promise<Ran> {
  const script = `exec "$0" "$1" ${words} ${redirection}`
  const environment = there.home.environment()
  const options = { cwd: there.home.folder, env: environment, stdio: 'pipe', detached: true } as const
  return await ended(spawn('sh', ['-c', script, process.execPath, commandFile], options))
}

describe('a session that cannot be written', () => {
  it.each([
    [
      'a full disk',
      '>/dev/full',
      /^hardkey: error: standard output cannot be written \(ENOSPC\)\nhardkey: hint: .*\n$/,
    ],
    ['a file that may not grow', '>limited', /^hardkey: error: standard output cannot be written \(EFBIG\)\n/],
    ['a descriptor for reading', '1</dev/null', /^hardkey: error: standard output cannot be written \(EBADF\)\n/],
  ])('F-W04: to %s fails with one error', async (_what, redirection, message) => {
    const limit = redirection === '>limited' ? 'ulimit -f 0; ' : ''
    const act = () => (limit === '' ? redirected(redirection) : limited(limit))
    const { error } = await underFault(fault(act, { kept: undefined }))
    expect(error).toMatchObject({ status: 1, stderr: expect.stringMatching(message) })
  })

  async function limited(limit: string): Promise<Ran> {
    const script = `${limit}exec "$0" "$1" credential-process prod >limited`
    const options = { cwd: there.home.folder, env: there.home.environment(), stdio: 'pipe', detached: true } as const
    return await ended(spawn('sh', ['-c', script, process.execPath, commandFile], options))
  }

  it('F-W04: to a reader that has gone away ends in silence, and not with status 0', async () => {
    const act = async () => {
      const child = there.home.start(['credential-process', 'prod'])
      child.stdout?.destroy()
      return await ended(child)
    }
    const { error } = await underFault(fault(act))
    expect(error).toEqual({ status: 141, stdout: '', stderr: '' })
  })

  it('F-W04: to a pipe that is full waits for its reader, and is whole', async () => {
    const act = () => redirected(`| (sleep 0.5; cat)`, `request prod GET ${there.sts.url} --service sts --dry-run`)
    const { answer } = await underFault(fault(act, { isRight: ({ status }) => status === 0, again: act }))
    expect(answer?.stdout).toMatch(/Authorization: AWS4-HMAC-SHA256 .*Signature=[0-9a-f]{64}\n/i)
  })

  it('F-W04: is written though nobody reads standard error', async () => {
    const { answer } = await underFault(fault(() => redirected('2>/dev/full', 'credential-process prod --verbose')))
    expect(answer?.status).toBe(0)
  })
})

describe('a question that nobody can answer', () => {
  const embedded = ['import', 'two', '--to', 'embedded', '--offline']
  const id = ['--access-key-id', 'AKIAIOSFODNN7EXAMPLE']

  it.each([
    ['the secret', [...embedded, ...id], /there is no terminal/],
    ['the access key ID', embedded, /there is no terminal/],
    ['a passphrase', ['whoami', 'prod', '--pin-source', 'prompt:'], /there is no terminal/],
    [
      'an MFA code',
      ['credential-process', 'prod', '--mfa-serial', 'arn:aws:iam::111122223333:mfa/me'],
      /there is no terminal/,
    ],
    ['a yes', ['forget', 'prod', '--from-device'], /there is no terminal/],
  ])('F-W05: %s fails at once, though standard input stays open', async (_what, words, message) => {
    // Standard input is neither written nor closed: who waited for it would wait for ever.
    const act = async () => await ended(there.home.start(words))
    const { error } = await underFault(fault(act, { withinMilliseconds: 30_000 }))
    expect(error).toMatchObject({ stderr: expect.stringMatching(message) })
    expect(error).toMatchObject({ stderr: expect.stringMatching(/^hardkey: hint: \S/m) })
  })

  it('F-W05: a secret from a standard input that is closed fails at once', async () => {
    const act = () => redirected('<&-', ['import two --to embedded --offline --from stdin', ...id].join(' '))
    const { error } = await underFault(fault(act))
    expect(error).toMatchObject({ status: 2, stderr: expect.stringMatching(/^hardkey: error: \S/) })
  })
})

/** The command while it waits for STS, with a script in it that does `body` at SIGUSR2. */
async function whileAsking(body: string, nodeOptions = ''): Promise<ChildProcess> {
  const path = there.home.write('preload/at-signal.cjs', `process.on('SIGUSR2', () => { ${body} })`)
  const asked = once(silent, 'request')
  const environment = { NODE_OPTIONS: `${body === '' ? '' : `--require ${path} `}${nodeOptions}` }
  const child = there.home.start(['credential-process', 'prod', '--endpoint-url', silentUrl], { environment })
  await asked
  return child
}

async function atSignal(body: string, nodeOptions = ''): Promise<Ran> {
  const child = await whileAsking(body, nodeOptions)
  const end = ended(child)
  child.kill('SIGUSR2')
  return await end
}

describe('a fault that nobody foresaw', () => {
  beforeAll(() => void there.home.write('preload/at-signal.cjs', ''))

  it.each([
    ['an unhandled rejection', `Promise.reject(new Error('${canary}'))`, 'Error'],
    ['an exception', `throw new TypeError('${canary}')`, 'TypeError'],
    ['a thrown text', `throw '${canary}'`, 'string'],
    ['a thrown nothing', 'throw null', 'object'],
    ['a thrown object', `throw { secret: '${canary}' }`, 'object'],
    ['an error with a cause', `throw new Error('x', { cause: '${canary}' })`, 'Error'],
  ])('F-W08: %s ends the command with status 1 and one line, without its text', async (_what, body, name) => {
    const { error } = await underFault(fault(() => atSignal(body)))
    const lines = `hardkey: error: a fault in hardkey itself (${name})\nhardkey: hint: please report it with the command and the output of hardkey --version --json\n`
    expect(error).toEqual({ status: 1, stdout: '', stderr: lines })
  })

  it('F-W08: a heap that is full ends the command without a dump, and without a byte of a secret', async () => {
    const body = 'const all = []; for (;;) all.push(new Array(1000).fill({}))'
    const act = async () => {
      const ran = await atSignal(body, '--max-old-space-size=64')
      // V8 ends the process by itself, with a text of its own that no program can keep back.
      expect(ran.stderr).toContain('JavaScript heap out of memory')
      return { ...ran, stderr: `hardkey: error: ${JSON.stringify(ran.stderr)}\n` }
    }
    const { error } = await underFault(fault(act))
    expect(error).not.toMatchObject({ status: 0 })
  })
})

describe('switches of Node that show memory', () => {
  it.each([
    ['--report-on-signal --report-signal=SIGUSR2'],
    ['--heapsnapshot-signal=SIGUSR2'],
    ['--report-uncaught-exception'],
    ['--report-on-fatalerror'],
  ])('F-W09: %s is warned of, and writes no file', async (switches) => {
    const act = async () => {
      const body = switches.startsWith('--report-unc') ? `throw new Error('${canary}')` : ''
      const child = await whileAsking(body, switches)
      const end = ended(child)
      child.kill('SIGUSR2')
      child.kill('SIGTERM')
      return await end
    }
    const { error } = await underFault(fault(act))
    expect(error).toMatchObject({
      stderr: expect.stringMatching(/^hardkey: warning: NODE_OPTIONS has --(report|heap)/),
    })
  })

  it('F-W09: --inspect is warned of, and the debugger is closed before a key is opened', async () => {
    const child = await whileAsking('', '--inspect=127.0.0.1:0')
    let errors = ''
    child.stderr?.on('data', (piece) => {
      errors += piece
    })
    const end = ended(child)
    const listening = portsOf(child.pid ?? 0)
    child.kill('SIGTERM')
    await end
    expect(errors).toContain('hardkey: warning: NODE_OPTIONS has --inspect')
    const port = Number(/ws:\/\/127\.0\.0\.1:([0-9]+)/.exec(errors)?.[1])
    expect(port).toBeGreaterThan(0)
    expect(listening).not.toContain(port)
  })
})

describe('the switches do their harm to a program that takes nothing back', () => {
  const waiting = 'process.stdout.write("ready"); setInterval(() => {}, 1000)'
  const start = async (switches: string): Promise<ChildProcess> => {
    const environment = there.home.environment({ NODE_OPTIONS: switches })
    const child = spawn(process.execPath, ['-e', waiting], { cwd: there.home.folder, env: environment, stdio: 'pipe' })
    await once(child.stdout ?? child, 'data')
    return child
  }

  it.each(['--report-on-signal --report-signal=SIGUSR2', '--heapsnapshot-signal=SIGUSR2'])(
    'F-W09: %s writes a file',
    async (switches) => {
      const before = files()
      const child = await start(switches)
      child.kill('SIGUSR2')
      await until(() => !isDeepStrictEqual(files(), before))
      const end = once(child, 'exit')
      child.kill('SIGKILL')
      await end
    },
  )

  it('F-W09: --inspect leaves a port open', async () => {
    const child = await start('--inspect=127.0.0.1:0')
    const text = String(await once(child.stderr ?? child, 'data'))
    expect(portsOf(child.pid ?? 0)).toContain(Number(/ws:\/\/127\.0\.0\.1:([0-9]+)/.exec(text)?.[1]))
    const end = once(child, 'exit')
    child.kill('SIGKILL')
    await end
  })

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
  }
})

/** The TCP ports at which a process listens, on Linux. The table is that of all processes. */
function portsOf(pid: number): readonly number[] {
  const files = readdirSync(`/proc/${pid}/fd`).flatMap((name) => readLink(`/proc/${pid}/fd/${name}`))
  const sockets = readFileSync(`/proc/${pid}/net/tcp`, 'latin1').split('\n').slice(1)
  const listening = sockets.map((line) => line.trim().split(/ +/)).filter(([, , , state]) => state === '0A')
  const own = listening.filter((columns) => files.includes(`socket:[${columns[9]}]`))
  return own.map(([, address]) => Number.parseInt(address?.split(':')[1] ?? '', 16))
}

/** Nothing where it was closed meanwhile. */
function readLink(path: string): readonly string[] {
  try {
    return [readlinkSync(path)]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
