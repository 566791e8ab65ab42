// The days that a policy pins. In: dates, or the base64 prefixes of a policy. Out: the other, and words for a person.
// A policy compares `input` as text, where an asterisk at the end stands for any rest: three bytes are four characters of
// base64, so `MjAyNjEx*` is every input that begins with 202611, the November of 2026.

/** A month, as "2026-11". */
export type Month = string

/** The months from that of `from` on, `count` of them, in UTC. */
export function monthsFrom(from: Date, count: number): readonly Month[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + index, 1)).toISOString().slice(0, 7),
  )
}

/** The value of `input` that allows every day of the month: six digits are eight characters of base64. */
export function monthInput(month: Month): string {
  return `${Buffer.from(month.replace('-', '')).toString('base64')}*`
}

/** What pinned inputs allow, in words: "2026-11, 2026-12", "any day of 2026". What is no date is left out. */
export function allowedPeriod(inputs: readonly string[]): string {
  const dates = datesOf(inputs)
  return dates.length === 0 ? 'no day at all' : runs(dates).join(', ')
}

/** The last day that pinned inputs allow, as "2026-12-31"; undefined where they allow none. */
export function lastAllowedDay(inputs: readonly string[]): string | undefined {
  return datesOf(inputs).map(lastDayOf).sort().at(-1)
}

/** "2026", "2026-11" or "2026-11-05", in order, each once. */
function datesOf(inputs: readonly string[]): readonly string[] {
  const dates = inputs.flatMap((input) => {
    const isPrefix = input.endsWith('*')
    const digits = Buffer.from(isPrefix ? input.slice(0, -1) : input, 'base64').toString('latin1')
    const [, year, month, day] = /^(\d{4})(\d\d)?(\d\d)?$/.exec(digits) ?? []
    if (year === undefined || (day === undefined && !isPrefix)) return []
    return [[year, month, day].filter((part) => part !== undefined).join('-')]
  })
  return [...new Set(dates)].sort()
}

function lastDayOf(date: string): string {
  const [year = 0, month = 12, day] = date.split('-').map(Number)
  if (day !== undefined) return date
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10)
}

/** Neighbours of one length become "FIRST to LAST". */
function runs(dates: readonly string[]): readonly string[] {
  const found: { first: string; last: string }[] = []
  for (const date of dates) {
    const run = found.at(-1)
    if (run !== undefined && follows(run.last, date)) run.last = date
    else found.push({ first: date, last: date })
  }
  return found.map(({ first, last }) => (first === last ? first : `${first} to ${last}`))
}

function follows(one: string, next: string): boolean {
  const [year = 0, month, day] = one.split('-').map(Number)
  if (month === undefined) return next === String(year + 1)
  const after = day === undefined ? new Date(Date.UTC(year, month, 1)) : new Date(Date.UTC(year, month - 1, day + 1))
  return next === after.toISOString().slice(0, one.length)
}
