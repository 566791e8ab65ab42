// Lengths of time as people type them. In: `900`, `15m`, `12h`, `7d`. Out: whole seconds.
// The range is checked by whoever takes the seconds: each AWS call has its own. What is longer than STS gives is no failure:
// it is shortened, and said.

import type { ParsedArguments } from '../args.ts'
import type { Report } from '../report.ts'

const unitSeconds = Object.freeze({ s: 1, m: 60, h: 3600, d: 86_400 })

/** Seconds of `--NAME`, or undefined where it was not given. @throws ERR_USAGE for any other form */
export function durationOption(
  args: ParsedArguments,
  name: string,
  forms: string = '3600, 90m, 12h or 7d',
): number | undefined {
  const text = args.value(name)
  if (text === undefined) return undefined
  const seconds = secondsOf(text)
  if (seconds === undefined) throw args.wrong(`--${name} is no length of time`, `write ${forms}`)
  return seconds
}

/** The same where people think in days: a number needs its unit, and 0 alone does without. @throws ERR_USAGE */
export function daysOption(args: ParsedArguments, name: string): number | undefined {
  const text = args.value(name) ?? ''
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) === 0) return durationOption(args, name, '90m, 12h or 7d')
  throw args.wrong(`--${name} ${text} has no unit`, `write ${text}d for days, ${text}h for hours, ${text}s for seconds`)
}

/** Seconds of the text, or undefined for one of another form. */
export function secondsOf(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,9})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  // The expression lets no other unit through; none means seconds.
  return Number(digits) * unitSeconds[(unit === '' ? 's' : unit) as keyof typeof unitSeconds]
}

/** Seconds that STS gives at most, by the call. AWS IAM User Guide, "Compare AWS STS credentials" and "Role chaining". */
const longest = Object.freeze({
  GetSessionToken: 129_600,
  GetFederationToken: 129_600,
  AssumeRole: 43_200,
  chained: 3600,
})

/** No more than the call gives, with a note where that is less than was asked for. */
export function cappedDuration(
  report: Pick<Report, 'note'>,
  call: 'GetSessionToken' | 'GetFederationToken' | 'AssumeRole' | 'chained',
  seconds: number | undefined,
): number | undefined {
  const most = longest[call]
  if (seconds === undefined || seconds <= most) return seconds
  const what = call === 'chained' ? "a role assumed by another role's session" : `a session of ${call}`
  report.note(`${what} lasts ${most} s at most: that long, and not ${seconds} s`)
  return most
}
