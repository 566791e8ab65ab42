// What was derived for a day, kept until 00:15 UTC of the next.
// In: a date "YYYYMMDD" and a value. Out: the same value while its day lasts; afterwards it is dropped and wiped.
// 1. At most three values are there at a time, since only yesterday (until 00:15), today and tomorrow are kept.
// 2. Each use looks at the clock, so a machine that slept through midnight drops what is old before it answers.
// 3. A timer drops it where nobody asks again. It keeps neither the process nor the cache alive.

import { isKept, keptUntil, startOfDate } from './date-window.ts'

interface Entry<Value> {
  readonly start: number
  readonly value: Value
}

/** Values by date. `now` gives milliseconds since 1970; `drop` is called once for each value that leaves. */
export class DayCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #now: () => number
  readonly #drop: (value: Value) => void
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => number, drop: (value: Value) => void) {
    this.#now = now
    this.#drop = drop
  }

  /** The value of the date, or undefined. `now` in milliseconds since 1970. */
  get(date: string, now: number): Value | undefined {
    const entry = this.#entries.get(date)
    if (entry === undefined) return undefined
    if (isKept(entry.start, now)) return entry.value
    this.#dropOld()
    return undefined
  }

  /** Keeps the value if its day is near; false where it is not, and the value then stays the caller's to wipe. */
  keep(date: string, value: Value): boolean {
    this.#dropOld()
    const start = startOfDate(date)
    if (!isKept(start, this.#now())) return false
    const replaced = this.#entries.get(date)
    this.#entries.set(date, { start, value })
    if (replaced !== undefined) this.#drop(replaced.value)
    this.#wakeAtNextDrop()
    return true
  }

  #dropOld(): void {
    const now = this.#now()
    for (const [date, entry] of this.#entries) {
      if (isKept(entry.start, now)) continue
      this.#entries.delete(date)
      this.#drop(entry.value)
    }
    this.#wakeAtNextDrop()
  }

  #wakeAtNextDrop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#entries.size === 0) return
    const next = Math.min(...Array.from(this.#entries.values(), (entry) => keptUntil(entry.start)))
    const weak = new WeakRef(this)
    // The timer holds the registry, the registry ends the timer: a cache that was thrown away leaves nothing behind.
    const ending = new FinalizationRegistry<NodeJS.Timeout>((timer) => clearTimeout(timer))
    const wake = (_held: typeof ending): void => {
      const cache = weak.deref()
      if (cache !== undefined) cache.#dropOld()
    }
    this.#timer = setTimeout(wake, Math.max(1000, next - this.#now()), ending).unref()
    ending.register(this, this.#timer)
  }
}
