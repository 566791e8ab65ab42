// One call of a key service, attempts and all. In: how to make the request, and how to read the answer. Out: what was read,
// or the last failure within the deadline.
// 1. What passes (throttling, 5xx, a lost connection) is tried again after a pause with full jitter, as in the AWS SDKs'
//    "standard" mode: three attempts, or as many as the deadline has room for. A refusal is never tried again (F-K01, F-K02).
// 2. An answer that was damaged on its way is asked for once more (F-K07).
// 3. The bodies of answers are wiped here: they may hold the keyset.

import { setTimeout as pause } from 'node:timers/promises'
import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer, HttpClient, OutgoingRequest } from '../../http/client.ts'
import { deadlineFailure, withDeadline } from '../../http/deadline.ts'

/** What calls are made with. */
export interface ServiceParts {
  readonly http: HttpClient
  readonly now: () => Date
  /** Jitter of the pauses: at least 0, less than 1. */
  readonly random: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** For one call with all its attempts. */
  readonly timeoutMilliseconds: number
}

/** The parts with the real clock, randomness and timer where nothing else is given. */
export function serviceParts(
  http: HttpClient,
  given: { readonly [Name in keyof Omit<ServiceParts, 'http'>]?: ServiceParts[Name] | undefined },
): ServiceParts {
  return {
    http,
    now: given.now ?? (() => new Date()),
    random: given.random ?? Math.random,
    sleep: given.sleep ?? (async (milliseconds, signal) => await pause(milliseconds, undefined, { signal })),
    timeoutMilliseconds: given.timeoutMilliseconds ?? 30_000,
  }
}

/** How an attempt failed: told to slow down, by something that passes, damaged on its way, or for good. */
export type Failing = 'throttled' | 'passing' | 'damaged' | 'final'

/** What an answer came to. */
export type Verdict<T> = { readonly value: T } | { readonly error: HardkeyError; readonly failing: Failing }

/** A call of a service. */
export interface ServiceCall<T> {
  /** Who is asked, for messages: a host. */
  readonly where: string
  /** What to do about a certificate of an unknown root, where it is not AWS_CA_BUNDLE. */
  readonly caHint?: string | undefined
  /** 3 for the clouds; Infinity where the deadline alone ends it. */
  readonly mostAttempts: number
  /** Made anew for each attempt: a signature has a time. */
  readonly request: (signal: AbortSignal) => Promise<OutgoingRequest>
  readonly read: (answer: HttpAnswer) => Verdict<T>
}

const longestPause = 20_000

/** @throws ERR_DEVICE_UNAVAILABLE, ERR_TIMEOUT, ERR_DEVICE_FAILED, what `request` throws and `read` gives; the signal's reason */
export async function callService<T>(parts: ServiceParts, call: ServiceCall<T>, signal?: AbortSignal): Promise<T> {
  const what = `no answer from ${call.where}`
  let last: unknown
  let deadline: AbortSignal | undefined
  try {
    return await withDeadline(signal === undefined ? [] : [signal], parts.timeoutMilliseconds, what, (either) => {
      deadline = either
      return untilAnswered(parts, call, either, (error) => {
        last = error
      })
    })
  } catch (error) {
    signal?.throwIfAborted()
    // What kept failing says more than that the time is over.
    throw deadline?.aborted === true && last !== undefined ? last : error
  }
}

/** `what` as it is given; ERR_TIMEOUT names it where the time of the call ends first. `signal`: that of `request`. */
export async function givenInTime<T>(
  what: string,
  given: Promise<T>,
  { timeoutMilliseconds }: ServiceParts,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await given
  } catch (error) {
    const isLate = error instanceof HardkeyError && error.code === 'ERR_TIMEOUT' && error === signal?.reason
    throw isLate ? deadlineFailure(`no ${what}`, timeoutMilliseconds) : error
  }
}

async function untilAnswered<T>(
  parts: ServiceParts,
  call: ServiceCall<T>,
  signal: AbortSignal,
  note: (error: unknown) => void,
): Promise<T> {
  let wasDamaged = false
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptOnce(parts.http, call, signal)
    if ('value' in outcome) return outcome.value
    const { error, failing, retryAfter } = outcome
    note(error)
    const isLast = failing === 'final' || attempt >= call.mostAttempts || (failing === 'damaged' && wasDamaged)
    if (isLast) throw error
    wasDamaged ||= failing === 'damaged'
    await parts.sleep(pauseBefore(attempt + 1, failing, parts.random(), retryAfter), signal)
  }
}

async function attemptOnce<T>(
  http: HttpClient,
  call: ServiceCall<T>,
  signal: AbortSignal,
): Promise<Verdict<T> & { readonly retryAfter?: string | undefined }> {
  const request = await call.request(signal)
  let answer: HttpAnswer
  try {
    answer = await http.send(request, { signal })
  } catch (error) {
    if (signal.aborted || !(error instanceof HardkeyError)) throw error
    const told = connectionFailure(error, call.caHint)
    return { error: told, failing: told.tryAgain ? 'passing' : 'final' }
  }
  try {
    return { ...call.read(answer), retryAfter: answer.headers['retry-after'] }
  } finally {
    answer.body.fill(0)
  }
}

/** Milliseconds before attempt `next` (2, 3, …): a bound that doubles from 100, or 500 where throttled, with full jitter. */
function pauseBefore(next: number, failing: Failing, random: number, retryAfter: string | undefined): number {
  const first = failing === 'throttled' ? 500 : 100
  const most = Math.min(longestPause, first * 2 ** Math.min(next - 2, 16))
  const asked = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0
  return Math.max(random * most, Math.min(asked, random * most + 5000))
}

/** A failure of the connection in the words of a device. */
function connectionFailure(error: HardkeyError, caHint: string | undefined): HardkeyError {
  const { message, cause, serviceCode, tryAgain } = error
  if (error.code === 'ERR_STS_UNREACHABLE') {
    const aboutRoot = error.hint?.includes('AWS_CA_BUNDLE') === true ? caHint : undefined
    const aboutName = error.hint?.includes('region') === true ? 'check the key URI and the name servers' : undefined
    const hint = aboutRoot ?? aboutName ?? error.hint
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', message, { cause, serviceCode, tryAgain, hint })
  }
  if (error.code !== 'ERR_STS_RESPONSE_INVALID') return error
  return new HardkeyError('ERR_DEVICE_FAILED', message, { cause, serviceCode })
}
