// Whether to try again, and when. In: what an attempt came to. Out: a pause, or none left.
// The AWS SDKs' "standard" mode: full jitter, a budget of 500 that retries share, throttling told by code, not by
// status, since STS throttles with HTTP 400. In a long outage an empty budget lets one call in 30 s through.

import { HardkeyError } from '../errors.ts'

/** How an attempt failed: told to slow down, by something that passes, or for good. */
export type Failing = 'throttled' | 'transient' | 'final'

const throttlingCodes: readonly string[] = [
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
]

/** What a refusal means for trying again. 429 is throttling whatever its code; 500, 502, 503 and 504 pass. */
export function failingOf(status: number, code: string | undefined): Failing {
  if (status === 429 || (code !== undefined && throttlingCodes.includes(code))) return 'throttled'
  return [500, 502, 503, 504].includes(status) || code?.startsWith('RequestTimeout') === true ? 'transient' : 'final'
}

const longestPause = 20_000

/**
 * Milliseconds before attempt `next` (2, 3, …): between none and a bound that doubles from 100, or 500 where throttled.
 * `Retry-After` (seconds) makes it longer, by at most five seconds.
 */
export function pauseBefore(next: number, failing: Failing, random: number, retryAfter: string | undefined): number {
  const first = failing === 'throttled' ? 500 : 100
  const pause = random * Math.min(longestPause, first * 2 ** (next - 2))
  const asked = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0
  return Math.max(pause, Math.min(asked, pause + 5000))
}

const fullBudget = 500
const cost = 5
const holdMilliseconds = 30_000

/** What the retries of all calls of a client have in common. */
export class RetryBudget {
  readonly #title: string
  #left = fullBudget
  #lastFailure: { readonly at: number; readonly error: unknown } | undefined

  /** `title`: the service as a person knows it. */
  constructor(title: string) {
    this.#title = title
  }

  /** @throws ERR_STS_UNREACHABLE in an outage that has used up the budget, but for one call in 30 s */
  enter(now: Date): void {
    if (this.#left >= cost || this.#lastFailure === undefined) return
    const { at, error } = this.#lastFailure
    const since = now.getTime() - at
    if (since >= 0 && since < holdMilliseconds) {
      throw new HardkeyError(
        'ERR_STS_UNREACHABLE',
        `${this.#title} keeps failing, the last time ${Math.floor(since / 1000)} s ago`,
        { hint: 'it is asked once in 30 s until it answers again', cause: error },
      )
    }
    // This is the one call, until it is answered counted as failed: whoever comes meanwhile is refused.
    this.#lastFailure = { at: now.getTime(), error }
  }

  /** Takes the cost of one retry; false where nothing is left. */
  take(): boolean {
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }

  /** An answer came, be it a refusal: what its retries took comes back, and a little more. */
  answered(retries: number): void {
    this.#left = Math.min(fullBudget, this.#left + Math.max(1, retries * cost))
    this.#lastFailure = undefined
  }

  failed(now: Date, error: unknown): void {
    this.#lastFailure = { at: now.getTime(), error }
  }
}
