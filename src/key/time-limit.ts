// How long a device may take, as a caller sets it. In: the name of the option, milliseconds.
// Out: the milliseconds, where a timer of Node can wait for them.

import { HardkeyError } from '../errors.ts'

/** setTimeout takes 31 bits, and makes 1 ms of more. */
export const longestTimer: number = 2 ** 31 - 1

/** @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days */
export function timeLimit(name: string, milliseconds: number): number {
  if (milliseconds > 0 && milliseconds <= longestTimer) return milliseconds
  throw new HardkeyError('ERR_USAGE', `${name} must be a number of milliseconds from 1 to ${longestTimer} (24 days)`)
}
