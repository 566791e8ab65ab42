// Lengths of time as people type them. In: `900`, `15m`, `12h`, `7d`. Out: whole seconds.
// The range is checked by whoever takes the seconds: each AWS call has its own.

import type { ParsedArguments } from './args.ts'

const secondsOf = Object.freeze({ s: 1, m: 60, h: 3600, d: 86_400 })

/** Seconds of `--NAME`, or undefined where it was not given. @throws ERR_USAGE for any other form */
export function durationOption(args: ParsedArguments, name: string): number | undefined {
  const text = args.value(name)
  if (text === undefined) return undefined
  const [, digits, unit] = /^([0-9]{1,9})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined) throw args.wrong(`--${name} is no length of time`, 'write 3600, 90m, 12h or 7d')
  // The expression lets no other unit through; none means seconds.
  const factor = secondsOf[(unit === '' ? 's' : unit) as keyof typeof secondsOf]
  return Number(digits) * factor
}
