// Every command and failure, watched from outside: what it prints, the programs that it starts, what they can be seen to
// be started with, every byte that is written, and every file that is left. L-1, L-3, L-4.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exchange } from '../peers/service-proxy.ts'
import { accountFile, everyCommand, pinVariable, type Step } from './commands.ts'
import { leakCount } from './counts.ts'
import { tokenFile } from './life-steps.ts'
import { type Call, isWrite } from './recorded.ts'
import { type Hit, Scanner } from './scanner.ts'
import { Services, sessionItems, signInItems, tokenItems } from './services.ts'
import { contentOf, kinds, Situation } from './situation.ts'

const seen = (hits: readonly Hit[], where: string): string[] =>
  hits.map((hit) => `${hit.item} (${hit.encoding}) in ${where}`)

describe.each([...kinds, 'service' as const])('a key in a %s', (kind) => {
  const printedCount = leakCount(`L-1 ${kind}: standard output and error of every command`)
  const startedCount = leakCount(`L-3 ${kind}: arguments and environments of every process`)
  const writtenCount = leakCount(`L-4 ${kind}: every write`)
  const filesCount = leakCount(`L-4 ${kind}: files afterwards`)
  const networkCount = leakCount(`L-5 ${kind}: requests to IAM and STS, and their answers`)
  const signInCount = leakCount(`L-5 ${kind}: requests to the sign-in endpoint, and their answers`)
  let at: Situation
  let services: Services
  let steps: readonly Step[]
  /** What nobody may see. */
  let scanner: Scanner
  /** What goes to its caller alone: sessions, the link that signs in, tokens of endpoints. */
  let sessions: Scanner
  let link: Scanner
  let tokens: Scanner
  beforeAll(async () => {
    at = await Situation.make(kind)
    services = await Services.start()
    steps = await everyCommand(at, services)
    scanner = new Scanner({ ...at.items(), ...services.items() })
    sessions = new Scanner(sessionItems(at.sts.exchanges))
    link = new Scanner(signInItems)
    tokens = new Scanner(tokenItems(steps, tokenFile(at)))
  })
  afterAll(async () => {
    await services?.close()
    await at?.remove()
  })

  const commandOf = ({ calls }: Step): number => calls[0]?.process ?? 0

  it('ends every command as it should', () => {
    const code = ({ stderr, status }: Step) =>
      /^hardkey: code: (\w+)$/m.exec(stderr)?.[1] ?? (status === 0 ? '' : String(status))
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

  it('L-1: a session, a link and a token are on the standard output of the commands that give them alone', () => {
    expect([sessions, link, tokens].map(({ items }) => items.length)).toEqual([expect.toSatisfy(isSeveral), 1, 3])
    const found = steps.flatMap(({ step, stdout, stderr, gives }) =>
      Object.entries({ session: sessions, link, token: tokens }).flatMap(([given, one]) => [
        ...(gives === given ? [] : seen(printedCount.look(one, stdout), `the output of ${step}`)),
        ...seen(printedCount.look(one, stderr), `the standard error of ${step}`),
      ]),
    )
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

  it('L-3: the program of exec has the token of its endpoint in its environment, and nobody has a session', () => {
    const withToken = steps.flatMap(({ step, calls, childEnvironments }) =>
      [...calls.filter(({ name }) => name === 'execve').map(({ bytes }) => bytes), ...childEnvironments].flatMap(
        (bytes) => [
          ...startedCount.look(sessions, bytes).map(({ item }) => `${item} at ${step}`),
          ...startedCount.look(tokens, bytes).map(({ item }) => `${item} at ${step}`),
        ],
      ),
    )
    startedCount.allow(withToken.length)
    expect(new Set(withToken)).toEqual(new Set(['token of exec at exec']))
  })

  if (kind === 'token')
    it('L-3: the process of the module was seen with its environment, without the PIN variable', () => {
      const modules = steps.filter(({ step }) => step !== 'exec').flatMap(({ childEnvironments }) => childEnvironments)
      const environments = modules.join('\n')
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

  it('L-4: a session is written to its caller, the sign-in endpoint and files in memory alone', () => {
    const found = steps.flatMap((step) =>
      step.calls.filter(isWrite).flatMap((call) => {
        const hits = [sessions, link].flatMap((one) => writtenCount.look(one, call.bytes))
        const isOwn = call.process === commandOf(step) && call.descriptor === 1 && step.gives !== undefined
        const isAllowed = isOwn || call.target.startsWith(at.runtime) || isLoopback(call)
        if (isAllowed) writtenCount.allow(hits.length)
        return isAllowed ? [] : seen(hits, `${call.name} to ${call.target} by ${step.step}`)
      }),
    )
    expect(found).toEqual([])
  })

  it('L-4: the token of an endpoint is written to its file or its caller, and sent by clients alone', () => {
    const found = steps.flatMap((step) =>
      step.calls.filter(isWrite).flatMap((call) => {
        const hits = writtenCount.look(tokens, call.bytes)
        const isOwn = call.process === commandOf(step) && call.descriptor === 1 && step.gives === 'token'
        const isClient = step.step === 'exec' && call.process !== commandOf(step) && isLoopback(call)
        const isAllowed = isOwn || isClient || call.target.startsWith(at.runtime)
        if (isAllowed) writtenCount.allow(hits.length)
        return isAllowed ? [] : seen(hits, `${call.name} to ${call.target} by ${step.step}`)
      }),
    )
    expect(found).toEqual([])
  })

  it('L-4: nothing is written past the system calls that are watched', () => {
    const hidden = steps.flatMap(({ calls }) =>
      calls.filter(isHiddenWrite).map(({ name, shape }) => `${name} ${shape}`),
    )
    expect(hidden).toEqual([])
  })

  it('L-4: no file that is left holds a secret, and none outside the folder in memory a session or token', () => {
    const files = at.files()
    expect(files.length).toBeGreaterThan(3)
    const found = files.flatMap((path) =>
      (path.startsWith(at.runtime) ? [scanner] : [scanner, sessions, link, tokens]).flatMap((one) =>
        seen(filesCount.look(one, contentOf(path)), path),
      ),
    )
    expect(found).toEqual([])
    expect(readFileSync(accountFile(at), 'utf8').split('\n').length).toBeGreaterThan(10)
  })

  it('L-5: a permanent secret crosses the network in the answer alone by which IAM gives it out', () => {
    const exchanges = [...services.exchanges, ...at.sts.exchanges]
    const sent = exchanges.flatMap((exchange) =>
      seen(networkCount.look(scanner, `${headOf(exchange)}\n${exchange.body}`), 'a request'),
    )
    expect(sent).toEqual([])
    const answered = exchanges.flatMap(({ answer }) => networkCount.look(scanner, answer?.body ?? ''))
    networkCount.allow(answered.length)
    const given = services.iam.given.map((_, index) => `secret ${index + 1} of IAM`)
    expect(given.length).toBeGreaterThan(1)
    expect(answered.map(({ item }) => item)).toEqual(given)
  })

  it('L-5: the sign-in endpoint is sent one session, in a body alone, and gives the token of the link in its answer', () => {
    const items = (one: Scanner, place: Uint8Array | string): string[] =>
      signInCount.look(one, place).map(({ item }) => item)
    const found = services.signIns.map((exchange) => {
      const places = [headOf(exchange), exchange.body, exchange.answer?.body ?? '']
      return [scanner, sessions, link, tokens].map((one) => places.map((place) => items(one, place)))
    })
    const sent = [expect.stringMatching(/^SecretAccessKey/), expect.stringMatching(/^SessionToken/)]
    const none = [[], [], []]
    expect(found).toEqual([[none, [[], sent, []], [[], [], signInItem], none]])
    signInCount.allow(sent.length + signInItem.length)
  })
})

const signInItem = Object.keys(signInItems)

const headOf = ({ method, path, headers }: Exchange): string => [method, path, JSON.stringify(headers)].join('\n')

const isSeveral = (count: number): boolean => count >= 4
const isLoopback = ({ target }: Call): boolean => /^TCP:\[127\.0\.0\.1/.test(target)

/** The PIN and the key go to the module's process, and its answer, kDate, comes back. */
function isOwnChannel({ item }: Hit, { target, process }: Call, command: number): boolean {
  if (!target.startsWith('UNIX-STREAM')) return false
  return process === command ? /^(secret|PIN)/.test(item) : /^kDate/.test(item)
}

/** Memory without a file, and files that are written through memory. */
function isHiddenWrite({ name, shape }: Call): boolean {
  if (name === 'memfd_create') return true
  return name === 'mmap' && /PROT_WRITE/.test(shape) && /MAP_SHARED/.test(shape) && !/MAP_ANONYMOUS/.test(shape)
}
