// One session for all callers. In: a way to get a new one. Out: credentials that are good now, a copy for each caller.
// 1. However many callers wait, one renewal is under way at a time; a failed one is dropped.
// 2. Ahead of the end a renewal runs in the background, and the old session goes on being served with its true end. With less
// left than callers need they wait for the new one; where none can be had the old one is served on.
// 3. What is left is judged by the clock of the endpoint and by a clock that nobody sets; the stricter wins. No timer
// is trusted: a machine that slept past the end finds out at the next call.

import type { TemporaryCredentials } from '../sts/answer.ts'

/** A session as it was got. */
export interface FreshSession {
  readonly credentials: TemporaryCredentials
  /** The clock of the endpoint that gave it. */
  readonly clock: () => Date
  /** Milliseconds that it lasted when the endpoint gave it. Default: what is left now. */
  readonly whole?: number | undefined
}

export interface KeeperOptions {
  readonly monotonic: () => number
  readonly refreshAheadSeconds: number
  /** `refreshAheadSeconds` is no more than this share of the life of a session. */
  readonly mostAhead: number
  /** With less left, a caller waits for a new session. Of a session that is too short for that, nine tenths of its time ahead. */
  readonly leastSeconds: number
  /** With less left, a session is not given even where no new one can be had. */
  readonly lastSeconds: number
  /** False where each renewal asks a person for an MFA code: nobody is asked while the old session is good. */
  readonly inBackground: boolean
  /** Told with the session that is served on. */
  readonly onRefreshFailed: (error: unknown, old: TemporaryCredentials) => void
}

interface HeldSession extends FreshSession {
  readonly whole: number
  /** Milliseconds that were left and the monotonic time when it came here. */
  readonly lasts: number
  readonly since: number
}

/** A renewal has this share of its time ahead in which nobody waits for it. */
const backgroundShare = 0.1

/** After a failed renewal the old session is served this long before the next try. */
const quietMilliseconds = 30_000

export class SessionKeeper {
  readonly #options: KeeperOptions
  #held: HeldSession | undefined
  #renewal: Promise<HeldSession> | undefined
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** True while it has a session that may be given. */
  get isHolding(): boolean {
    return this.#held !== undefined && this.#lasts(this.#held)
  }

  /** Good credentials: the held ones, or those that `fetch` gets. `force` has new ones got in any case. */
  async get(fetch: () => Promise<FreshSession>, force: boolean): Promise<TemporaryCredentials> {
    const held = this.#held
    if (held === undefined || force) return copyOf(await this.#renew(fetch))
    const left = this.#left(held)
    const { refreshAheadSeconds, mostAhead, leastSeconds, inBackground } = this.#options
    const ahead = Math.min(refreshAheadSeconds * 1000, held.whole * mostAhead)
    const least = Math.min(leastSeconds * 1000, ahead * (1 - backgroundShare))
    const isQuiet = this.#options.monotonic() - this.#failedAt < quietMilliseconds
    if (left > ahead || (isQuiet && this.#lasts(held))) return copyOf(held)
    if (left <= least) return copyOf(await this.#newOrStillGood(this.#renew(fetch), held))
    // A failure was reported where it happened, and the old session is good.
    if (inBackground) this.#renew(fetch).catch(() => undefined)
    return copyOf(held)
  }

  /** The old session serves on where no new one can be had. */
  async #newOrStillGood(renewal: Promise<HeldSession>, held: HeldSession): Promise<HeldSession> {
    try {
      return await renewal
    } catch (error) {
      if (this.#lasts(held)) return held
      throw error
    }
  }

  #lasts(held: HeldSession): boolean {
    return this.#left(held) > Math.min(this.#options.lastSeconds * 1000, held.whole / 2)
  }

  #left({ credentials, clock, lasts, since }: HeldSession): number {
    const byClock = credentials.expiration.getTime() - clock().getTime()
    const byAge = lasts - (this.#options.monotonic() - since)
    return Math.min(byClock, byAge)
  }

  #renew(fetch: () => Promise<FreshSession>): Promise<HeldSession> {
    this.#renewal ??= this.#fetched(fetch).finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #fetched(fetch: () => Promise<FreshSession>): Promise<HeldSession> {
    try {
      const fresh = await fetch()
      const lasts = fresh.credentials.expiration.getTime() - fresh.clock().getTime()
      this.#held = { ...fresh, whole: fresh.whole ?? lasts, lasts, since: this.#options.monotonic() }
      this.#failedAt = Number.NEGATIVE_INFINITY
      return this.#held
    } catch (error) {
      this.#failedAt = this.#options.monotonic()
      if (this.#held !== undefined && this.#lasts(this.#held)) {
        this.#options.onRefreshFailed(error, this.#held.credentials)
      }
      throw error
    }
  }
}

/** The AWS SDK writes into the credentials that it is given. */
function copyOf({ credentials }: HeldSession): TemporaryCredentials {
  return { ...credentials, expiration: new Date(credentials.expiration) }
}
