// The SigningKeys of one signer, by day. In: a DateKeySource, region, service. Out: signatures of texts.
// AWS Signature Version 4, "Derive the signing key".
// 1. A SigningKey is kept until 00:15 UTC of the next day, three at most, and wiped when it leaves.
// 2. From the moment a key is there until its signature nothing waits, so that nobody wipes it meanwhile.

import type { DateKeySource } from './date-key.ts'
import { DayCache } from './day-cache.ts'
import { SigningKey } from './signing-key.ts'

export class SigningKeys {
  readonly #source: DateKeySource
  readonly #region: string
  readonly #service: string
  readonly #now: () => number
  readonly #kept: DayCache<SigningKey>

  /** `now` gives milliseconds since 1970. */
  constructor(source: DateKeySource, region: string, service: string, now: () => number) {
    this.#source = source
    this.#region = region
    this.#service = service
    this.#now = now
    this.#kept = new DayCache<SigningKey>(now, (key) => key.wipe())
  }

  /** The key of a date ("YYYYMMDD") if it is there; to be used before anything waits. `now` in milliseconds since 1970. */
  kept(date: string, now: number): SigningKey | undefined {
    return this.#kept.get(date, now)
  }

  /** The signature of a text, 64 hex digits. @throws what the source of DateKeys throws */
  async sign(date: string, text: string, signal: AbortSignal | undefined): Promise<string> {
    const there = this.#kept.get(date, this.#now())
    if (there !== undefined) return there.sign(text)
    const dateKey = await this.#source.dateKey(date, { signal })
    // Another caller may have kept the key meanwhile.
    const kept = this.#kept.get(date, this.#now())
    if (kept !== undefined) return kept.sign(text)
    const key = SigningKey.derive(dateKey, this.#region, this.#service)
    const signature = key.sign(text)
    if (!this.#kept.keep(date, key)) key.wipe()
    return signature
  }
}
