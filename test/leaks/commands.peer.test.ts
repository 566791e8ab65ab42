// Every command and failure, watched from outside: what it prints, the programs that it starts, what they can be seen to
// be started with, every byte that is written, and every file that is left. L-1, L-3, L-4.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { everyCommand, pinVariable, type Step } from './commands.ts'
import { leakCount } from './counts.ts'
import { type Call, recorded } from './recorded.ts'
import { type Hit, Scanner } from './scanner.ts'
import { contentOf, kinds, permanentItems, Situation } from './situation.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 })

const seen = (hits: readonly Hit[], where: string): string[] =>
  hits.map((hit) => `${hit.item} (${hit.encoding}) in ${where}`)

describe.each(kinds)('a key in a %s', (kind) => {
  const printedCount = leakCount(`L-1 ${kind}: standard output and error of every command`)
  const startedCount = leakCount(`L-3 ${kind}: arguments and environments of every process`)
  const writtenCount = leakCount(`L-4 ${kind}: every write`)
  const filesCount = leakCount(`L-4 ${kind}: files afterwards`)
  let at: Situation
  let steps: readonly Step[]
  let scanner: Scanner
  let sessions: Scanner
  beforeAll(async () => {
    at = await Situation.make(kind)
    steps = await everyCommand(at)
    scanner = new Scanner(at.items())
    sessions = new Scanner(sessionItems(steps))
  })
  afterAll(() => at.remove())

  const commandOf = ({ calls }: Step): number => calls[0]?.process ?? 0

  it('ends every command as it should', () => {
    const code = ({ stderr, status }: Step) =>
      /^hardkey: code: (\w+)$/m.exec(stderr)?.[1] ?? (status === 0 ? '' : status)
    expect(steps.map((step) => [step.step, code(step)])).toEqual(steps.map(({ step, expected }) => [step, expected]))
  })

  it('L-1: no command shows a permanent secret, a PIN or a derived key, whatever is logged', () => {
    const found = steps.flatMap(({ step, stdout, stderr }) => [
      ...seen(printedCount.look(scanner, stdout), `the output of ${step}`),
      ...seen(printedCount.look(scanner, stderr), `the standard error of ${step}`),
    ])
    expect(found).toEqual([])
    expect(steps.map(({ stderr }) => stderr).join('')).toContain('HTTP')
  })

  it('L-1: a session is on the standard output of credential-process alone', () => {
    expect(sessions.items.length).toBe(4)
    const found = steps.flatMap(({ step, stdout, stderr }) => [
      ...(step.startsWith('session') ? [] : seen(printedCount.look(sessions, stdout), `the output of ${step}`)),
      ...seen(printedCount.look(sessions, stderr), `the standard error of ${step}`),
    ])
    expect(found).toEqual([])
  })

  it('L-3: no program is started with a secret in its arguments or environment', () => {
    const found = steps.flatMap((step) =>
      step.calls
        .filter((call, index) => call.name === 'execve' && !(index === 0 && step.step === 'PIN from a variable'))
        .flatMap((call) => seen(startedCount.look(scanner, call.bytes), `execve of ${step.step}`)),
    )
    expect(found).toEqual([])
  })

  it('L-3: no process shows a secret in /proc, looked at a hundred times a second', () => {
    const found = steps.flatMap(({ step, commandLines, childEnvironments }) =>
      [...commandLines, ...childEnvironments].flatMap((bytes) =>
        seen(startedCount.look(scanner, bytes), `/proc of ${step}`),
      ),
    )
    expect(found).toEqual([])
    expect(Math.min(...steps.map(({ looks }) => looks))).toBeGreaterThan(0)
  })

  if (kind === 'token')
    it('L-3: the process of the module was seen with its environment, without the PIN variable', () => {
      const environments = steps.flatMap(({ childEnvironments }) => childEnvironments).join('\n')
      expect(environments).toContain('SOFTHSM2_CONF')
      expect(environments).not.toMatch(new RegExp(`${pinVariable}|AWS_|HARDKEY_|NODE_`))
    })

  it('L-4: no secret is written but to the process of the module, through its own socket', () => {
    const found = steps.flatMap((step) =>
      step.calls.filter(isWrite).flatMap((call) => {
        const hits = writtenCount.look(scanner, call.bytes)
        const isAllowed = (hit: Hit): boolean => kind === 'token' && isOwnChannel(hit, call, commandOf(step))
        writtenCount.allow(hits.filter(isAllowed).length)
        return seen(
          hits.filter((hit) => !isAllowed(hit)),
          `${call.name} to ${call.target} by ${step.step}`,
        )
      }),
    )
    expect(found).toEqual([])
  })

  it('L-4: a session is written to standard output alone', () => {
    const found = steps.flatMap((step) =>
      step.calls
        .filter((call) => isWrite(call) && !(call.process === commandOf(step) && call.descriptor === 1))
        .flatMap((call) => seen(writtenCount.look(sessions, call.bytes), `${call.name} by ${step.step}`)),
    )
    expect(found).toEqual([])
  })

  it('L-4: nothing is written past the system calls that are watched', () => {
    const hidden = steps.flatMap(({ calls }) =>
      calls.filter(isHiddenWrite).map(({ name, shape }) => `${name} ${shape}`),
    )
    expect(hidden).toEqual([])
  })

  it('L-4: no file that is left holds a secret', () => {
    const files = at.files()
    expect(files.length).toBeGreaterThan(3)
    const found = files.flatMap((path) =>
      [scanner, sessions].flatMap((one) => seen(filesCount.look(one, contentOf(path)), path)),
    )
    expect(found).toEqual([])
  })
})

describe('the search itself', () => {
  const count = leakCount('L-1, L-3, L-4: control, a program that shows its secret everywhere')
  it('L-1, L-3, L-4: finds a secret that is printed, passed on, written and left', async () => {
    const at = await Situation.make('keyset')
    const scanner = new Scanner(permanentItems(at.key.secretAccessKey))
    const ran = await recorded(['-e', careless], {
      environment: at.home.environment(),
      folder: at.home.folder,
      input: at.key.secretAccessKey,
      program: [process.execPath],
    })
    const places = {
      printed: [Buffer.from(ran.stdout)],
      started: ran.calls.filter(({ name }) => name === 'execve').map(({ bytes }) => bytes),
      looked: [...ran.commandLines, ...ran.childEnvironments],
      written: ran.calls.filter((call) => isWrite(call) && call.target.includes('left')).map(({ bytes }) => bytes),
      files: at.files().map(contentOf),
    }
    await at.remove()
    const hits = Object.values(places).map((all) => all.flatMap((bytes) => count.control(scanner, bytes)).length > 0)
    expect(hits).toEqual([true, true, true, true, true])
  })
})

const careless = `const fs = require('fs'), run = require('child_process').spawnSync
  const secret = fs.readFileSync(0, 'utf8')
  console.log(Buffer.from(secret).toString('base64'))
  run('sleep', ['0.3', secret.slice(4, 24)], { env: { LEAK: secret } })
  run('sleep', ['0.3'], { env: { LEAK: secret } })
  fs.writeFileSync('left', Buffer.from(secret).toString('hex'))`

function sessionItems(steps: readonly Step[]): Record<string, Uint8Array> {
  const items = steps
    .filter(({ step }) => step.startsWith('session'))
    .flatMap(({ step, stdout }) => {
      const session: unknown = JSON.parse(stdout)
      return ['SecretAccessKey', 'SessionToken'].map((name): [string, Uint8Array] => [
        `${name} of ${step}`,
        Buffer.from(String(Reflect.get(Object(session), name))),
      ])
    })
  return Object.fromEntries(items)
}

const isWrite = ({ name }: Call): boolean => /^(p?write(v|64)?|send(to|msg))$/.test(name)

/** The PIN and the key go to the module's process, and its answer, kDate, comes back. */
function isOwnChannel({ item }: Hit, { target, process }: Call, command: number): boolean {
  if (!target.startsWith('UNIX-STREAM')) return false
  return process === command ? item === 'secret' || item === 'PIN' : item === 'kDate'
}

/** Memory without a file, and files that are written through memory. */
function isHiddenWrite({ name, shape }: Call): boolean {
  if (name === 'memfd_create') return true
  return name === 'mmap' && /PROT_WRITE/.test(shape) && /MAP_SHARED/.test(shape) && !/MAP_ANONYMOUS/.test(shape)
}
