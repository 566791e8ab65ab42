// Whether the pinned period of a policy comes to its end. In: a token, today.
// Out: a warning from ten days before the last day on.

import { pinnedInputs } from './diagnosis.ts'
import { allowedPeriod, lastAllowedDay } from './period.ts'
import type { Asking } from './requests.ts'

const warnedDays = 10
const day = 86_400_000

/** Nothing where the policy pins no days, or cannot be read. */
export async function periodWarnings(asking: Asking, now: Date): Promise<readonly string[]> {
  const inputs = await pinnedInputs(asking)
  if (inputs === undefined || inputs.length === 0) return []
  const last = lastAllowedDay(inputs)
  const days = last === undefined ? -1 : Math.floor((Date.parse(`${last}T23:59:59Z`) - now.getTime()) / day)
  if (days >= warnedDays) return []
  const when = days < 0 ? 'today is not in it' : days === 0 ? 'it ends today' : `it ends in ${days} days`
  return [`the policy of the token allows ${allowedPeriod(inputs)}, and ${when}: have it allow the next period`]
}
