// The one judge of every injected fault: criteria N1 to N8 of the security plan, section 2.0. In: what is done while the
// fault is there, how it is taken away, and how to look. Out: what came of it, and a failed test that names each criterion
// that was broken. No test of a fault judges these by itself.
//
// N1 nothing of a device or on disk is destroyed          N5 at most one PIN or passphrase is tried
// N2 the right answer or an error, never other bytes       N6 no secret in any output, and no line of another kind
// N3 no other identity is used or handed out               N7 it ends, and nothing is left: descriptors, timers, processes
// N4 a session that is still good stays served             N8 once the fault is gone, the next call works

import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { type Canaries, expectNoCanary } from '../contract/canary.ts'
import { countTimers, resources, surplus } from './resources.ts'

export interface Fault<Answer> {
  /** What is done while the fault is there: an answer, what a command printed (`Ran`), or a failure. */
  readonly act: () => Promise<Answer>
  /** Takes the fault away. */
  readonly mend: () => void | Promise<void>
  /** N8: what must work then, without a restart. Default: `act` again. */
  readonly again?: (() => Promise<Answer>) | undefined
  /** N2: true for the one right answer. */
  readonly isRight: (answer: Answer) => boolean
  /** N1, N4: what must stay as it was: objects of a device, records, keysets, sessions. Compared as values. */
  readonly kept?: (() => unknown) | undefined
  /** N3: the only access key ID that may be used, and those that were. */
  readonly identity?: { readonly only: string; readonly used: () => readonly string[] } | undefined
  /** N5: PINs and passphrases tried so far, across all processes. */
  readonly tries?: (() => number) | undefined
  /** N6: secrets by label. */
  readonly canaries: Canaries
  /** N7: the deadline with room for a slow machine: a guard against a hang, not a measurement. */
  readonly withinMilliseconds?: number | undefined
  /** N7: how long what was used may take to be given back. */
  readonly settleMilliseconds?: number | undefined
  /** N7: text in the environment of every process that a command may leave behind, as its home folder. */
  readonly marker?: string | undefined
}

/** What came of `act`: one of the two. A command with another status than 0 counts as an error. */
export interface Outcome<Answer> {
  readonly answer?: Answer
  readonly error?: unknown
}

/** What a command printed; any value with these three members is judged as one. */
interface Printed {
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

const hangMilliseconds = 60_000
const defaultSettleMilliseconds = 30_000

/** Goes through a fault and expects every criterion to hold. Gives what came of it, for the test to look at the code. */
export async function underFault<Answer>(fault: Fault<Answer>): Promise<Outcome<Answer>> {
  const { outcome, broken } = await brokenCriteria(fault)
  expect(broken).toEqual([])
  return outcome
}

/** Goes through a fault and names the criteria that do not hold, each as a sentence. */
export async function brokenCriteria<Answer>(
  fault: Fault<Answer>,
): Promise<{ readonly outcome: Outcome<Answer>; readonly broken: readonly string[] }> {
  const before = { resources: resources(fault.marker), kept: await fault.kept?.(), tries: fault.tries?.() ?? 0 }
  const timers = countTimers()
  const { marker, settleMilliseconds = defaultSettleMilliseconds } = fault
  const left = async () => {
    const held = await surplus(before.resources, timers.count, { marker, settleMilliseconds })
    return held.map((sentence) => `N7: ${sentence}`)
  }
  const outcome = await outcomeOf(() => timers.within(fault.act), fault)
  const triesMeanwhile = (fault.tries?.() ?? 0) - before.tries
  const leftMeanwhile = await left()
  await fault.mend()
  const triesMended = fault.tries?.() ?? 0
  const again = await outcomeOf(() => timers.within(fault.again ?? fault.act), fault)
  const leftAfterwards = await left()
  timers.end()
  const broken = [
    ...wrongAnswer(fault, outcome),
    ...otherIdentity(fault, outcome),
    ...manyTries('under the fault', triesMeanwhile),
    ...manyTries('after the fault', (fault.tries?.() ?? 0) - triesMended),
    ...shownSecrets(fault, outcome),
    ...shownSecrets(fault, again),
    ...foreignLines(outcome),
    ...new Set([...leftMeanwhile, ...leftAfterwards]),
    ...(isDeepStrictEqual(before.kept, await fault.kept?.()) ? [] : ['N1, N4: something that must stay was changed']),
    ...(isAnswer(again) && fault.isRight(again.answer) ? [] : [`N8: the next call fails: ${shown(again)}`]),
  ]
  return { outcome, broken }
}

class DidNotEnd extends Error {}

async function outcomeOf<Answer>(act: () => Promise<Answer>, fault: Fault<Answer>): Promise<Outcome<Answer>> {
  const timer = new AbortController()
  const limit = fault.withinMilliseconds ?? hangMilliseconds
  const hang = sleep(limit, undefined, { signal: timer.signal }).then(
    () => {
      throw new DidNotEnd(`no end within ${limit} ms`)
    },
    () => undefined,
  )
  try {
    // The act ends first, or `hang` throws.
    const answer = (await Promise.race([act(), hang])) as Answer
    return isPrinted(answer) && answer.status !== 0 ? { error: answer } : { answer }
  } catch (error) {
    return { error }
  } finally {
    timer.abort()
  }
}

function isAnswer<Answer>(outcome: Outcome<Answer>): outcome is { readonly answer: Answer } {
  return 'answer' in outcome
}

function isPrinted(value: unknown): value is Printed {
  return typeof value === 'object' && value !== null && ['status', 'stdout', 'stderr'].every((name) => name in value)
}

function shown(outcome: Outcome<unknown>): string {
  const value = 'error' in outcome ? outcome.error : outcome.answer
  return value instanceof Error ? `${value.message}` : inspect(value)
}

function wrongAnswer<Answer>({ isRight }: Fault<Answer>, outcome: Outcome<Answer>): string[] {
  if (isAnswer(outcome)) return isRight(outcome.answer) ? [] : ['N2: another answer than the right one']
  if (outcome.error instanceof DidNotEnd) return [`N7: ${outcome.error.message}`]
  const wrote = isPrinted(outcome.error) && outcome.error.stdout !== ''
  return wrote ? ['N2: something on standard output, though the command failed'] : []
}

function otherIdentity<Answer>({ identity }: Fault<Answer>, outcome: Outcome<Answer>): string[] {
  if (identity === undefined) return []
  const isOther = (id: string): boolean => id !== identity.only
  const used = identity.used().filter(isOther)
  // A link of the chain of providers that came after ours would be another identity (tryNextLink is the SDK's word).
  const passes = outcome.error instanceof Error && 'tryNextLink' in outcome.error && outcome.error.tryNextLink !== false
  return [
    ...(used.length === 0 ? [] : [`N3: another identity was used: ${used[0]}`]),
    ...(passes ? ['N3: the error lets the SDK go on to the next provider'] : []),
  ]
}

function manyTries(when: string, tries: number): string[] {
  return tries > 1 ? [`N5: ${tries} PINs or passphrases tried ${when}`] : []
}

function shownSecrets<Answer>({ canaries, isRight }: Fault<Answer>, outcome: Outcome<Answer>): string[] {
  // The right answer of a command is its result, which may be credentials; its standard error may hold none.
  const isResult = isAnswer(outcome) && isRight(outcome.answer)
  if (isResult && !isPrinted(outcome.answer)) return []
  const value = isResult && isPrinted(outcome.answer) ? outcome.answer.stderr : (outcome.error ?? outcome.answer)
  const texts = isPrinted(value) ? [value.stdout, value.stderr] : [value]
  try {
    for (const text of texts) expectNoCanary(text, canaries)
    return []
  } catch (error) {
    return [`N6: ${error instanceof Error ? error.message.split('\n')[0] : 'a secret is seen'}`]
  }
}

const lineKinds = /^hardkey: (error|hint|warning|note|step|next|waiting|code|service code|http status|request id): \S/

/** What a module, Node or a stack would print. */
function foreignLines(outcome: Outcome<unknown>): string[] {
  const printed = outcome.answer ?? outcome.error
  if (!isPrinted(printed)) return []
  const lines = printed.stderr.split('\n').filter((line) => line !== '' && !lineKinds.test(line))
  return lines.length === 0 ? [] : [`N6: a line that is not ours: ${lines[0]}`]
}
