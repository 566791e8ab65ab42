// What the device of a key says today. In: a record. Out: findings: whether it opens, whether it still holds the key that
// checked in, what it guarantees and what it does not. One use of the device, the check value.

import { type ErrorCode, HardkeyError } from '../../errors.ts'
import { inMemoryWarning, type Protection } from '../../key/hmac-key.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { type Inspection, type InspectOptions, inspect, recordAgeDays } from '../inspect.ts'
import { type Finding, type FindingId, faultOf } from './finding.ts'

/** AWS's own advice for access keys (IAM User Guide, "Update access keys when needed"). */
const oldDays = 90

/** What the code of a failed opening says of where the fault is. */
const ids: ReadonlyMap<ErrorCode, FindingId> = new Map<ErrorCode, FindingId>([
  ['ERR_BACKEND_NOT_INSTALLED', 'backend'],
  ['ERR_BACKEND_UNSUPPORTED', 'backend'],
  ['ERR_KEY_NOT_FOUND', 'key'],
  ['ERR_KEY_AMBIGUOUS', 'key'],
  ['ERR_KEY_UNUSABLE', 'key'],
  ['ERR_KEY_FILE_INVALID', 'key'],
  ['ERR_PIN_INCORRECT', 'pin'],
  ['ERR_PIN_LOCKED', 'pin'],
  ['ERR_PIN_REQUIRED', 'pin-source'],
  ['ERR_SECRET_INVALID', 'pin-source'],
  ['ERR_URI_INVALID', 'pin-source'],
  ['ERR_POLICY_REFUSED', 'policy'],
])

const protections: Readonly<Record<Protection, Pick<Finding, 'state' | 'text'>>> = {
  hardware: { state: 'ok', text: 'the secret is in hardware, and in no process that signs' },
  service: { state: 'ok', text: 'the secret is in a service, whose administrator can get at it' },
  memory: { state: 'note', text: 'the secret is in the memory of each process that has the key open' },
}

export interface DeviceOptions extends InspectOptions {
  /** What opens the device goes through this, which may refuse to. */
  readonly guard: (look: () => Promise<Inspection>) => Promise<Inspection>
}

/** Opens the key and has it tell all of itself. Nothing is thrown for a device. */
export async function deviceFindings(stored: StoredRecord, options: DeviceOptions): Promise<readonly Finding[]> {
  const { name } = stored
  let isAsked = false
  try {
    const { info, sameKey } = await options.guard(() => {
      isAsked = true
      return inspect(stored, options)
    })
    return [
      { id: 'device', state: 'ok', name, text: info.device },
      sameKey
        ? { id: 'check-value', state: 'ok', name, text: 'it holds the key that checked in' }
        : {
            id: 'check-value',
            state: 'fault',
            name,
            text: 'it holds another key than the one that checked in',
            remedy: `bring the right device, or forget the record: hardkey forget ${name}`,
          },
      { id: 'protection', name, ...protections[info.protection] },
      // Its protection says the same.
      ...info.warnings
        .filter((text) => text !== inMemoryWarning)
        .map((text): Finding => ({ id: 'device-warning', state: 'note', name, text })),
    ]
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf(isAsked ? (ids.get(error.code) ?? 'device') : 'pin-latch', error, name)]
  }
}

/** How old the access key is, as far as the record knows. */
export function ageFinding({ name, record }: StoredRecord, now: Date): Finding {
  const days = recordAgeDays(record, now)
  const text = `checked in ${days} days ago`
  return days <= oldDays
    ? { id: 'key-age', state: 'ok', name, text }
    : { id: 'key-age', state: 'note', name, text, remedy: `hardkey rotate ${name}` }
}
