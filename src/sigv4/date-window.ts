// Which dates may be signed, and how long what was derived for a date is kept.
// In: "YYYYMMDD" as it stands in the credential scope, and the clock. Out: nothing, or ERR_DATE_REFUSED.
// A DateKey of a future day is good for whoever has it until the access key is deactivated, and the "date" 11111111
// gives the permanent password for SES SMTP. So a device is asked for yesterday, today and tomorrow (UTC) alone.

import { HardkeyError } from '../errors.ts'

const dayMilliseconds = 86_400_000

/** ECMA-262, "Time Values and Time Range": no Date is further from 1970, and toISOString refuses. */
const furthestTime = 8.64e15

/** AWS accepts a request up to 15 minutes after its time, so a key of the day before is of use until 00:15. */
const graceMilliseconds = 15 * 60_000

/** Outside these years the clock itself is wrong: an empty battery starts at 1970, 32 unsigned bits of seconds end in 2106. */
const firstYear = 2000
const lastYear = 2100

const clockHint = 'yesterday, today and tomorrow (UTC) are signed, by the clock of this machine; check that it is right'

/**
 * The start of a day in milliseconds since 1970.
 *
 * @throws ERR_DATE_REFUSED where the text is not eight digits or names no real date
 */
export function startOfDate(date: string): number {
  if (/^\d{8}$/.test(date)) {
    const start = Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6)))
    // Date.UTC reads the years 0 to 99 as 1900 to 1999, and carries 31 April over into May.
    if (timeText(start).startsWith(date)) return start
  }
  throw new HardkeyError('ERR_DATE_REFUSED', 'the date to sign is not a real one', {
    hint: 'a date is eight digits, "YYYYMMDD"',
  })
}

/**
 * Lets yesterday, today and tomorrow through, counted in UTC. `now` in milliseconds since 1970.
 *
 * @throws ERR_DATE_REFUSED for every other date, and for any date while the clock stands outside 2000 to 2100
 */
export function refuseDistantDate(date: string, now: number): void {
  const start = startOfDate(date)
  const year = Number(date.slice(0, 4))
  const daysAhead = Math.floor(start / dayMilliseconds) - Math.floor(now / dayMilliseconds)
  // Written so that a clock that gives no number is refused too.
  if (daysAhead >= -1 && daysAhead <= 1 && year >= firstYear && year <= lastYear) return
  throw new HardkeyError('ERR_DATE_REFUSED', `the date ${date} is not signed`, { hint: clockHint })
}

/** True from the day before until 00:15 UTC of the day after: so long may be kept what was derived for the date. */
export function isKept(start: number, now: number): boolean {
  return now >= start - dayMilliseconds && now < keptUntil(start)
}

/** When what was derived for the day that starts then is dropped, in milliseconds since 1970. */
export function keptUntil(start: number): number {
  return start + dayMilliseconds + graceMilliseconds
}

/** "YYYYMMDDTHHMMSSZ" of an instant, as X-Amz-Date has it. @throws ERR_DATE_REFUSED for no time, or not four digits of year */
export function timeText(instant: number): string {
  const text = Math.abs(instant) <= furthestTime ? new Date(instant).toISOString() : ''
  if (text.length === 24)
    return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
  throw new HardkeyError('ERR_DATE_REFUSED', 'the time to sign is not a time between the years 0 and 9999', {
    hint: 'give a valid Date, or none for the present time',
  })
}

/** The clock in milliseconds since 1970. Default: that of the machine. */
export function clockOf(now: (() => Date) | undefined): () => number {
  return now === undefined ? Date.now : () => now().getTime()
}

/** The instant that a caller's `date` names. @throws ERR_REQUEST_INVALID for what is no Date: the text of one, a number */
export function instantOf(date: Date): number {
  // A Date of another realm is no instance of ours.
  if (typeof date.getTime === 'function') return date.getTime()
  throw new HardkeyError('ERR_REQUEST_INVALID', 'date is not a Date', {
    hint: "write new Date('2026-12-01T00:00:00Z')",
  })
}
