// A secret checks in. In: a secret access key (or a device that holds it already), a device, a name. Out: a key record
// whose key was compared with the secret and, on request, recognised by AWS. F-R01 to F-R11.
// 1. Nothing is overwritten: neither a record nor an object of the device.
// 2. The record is written last, whole or not at all: where there is a record, there is the complete and right key.
// 3. When a step fails, the object that this check-in made is removed again. One that was there before stays.
// 4. A check-in that was killed leaves the complete key and no record: the next run finds that very key and goes on.

import type { BackendEntry } from '../backends/list.ts'
import type { KeyInfo } from '../key/hmac-key.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
import type { KeyUri } from '../key/uri.ts'
import { checkSettings, type RecordSettings } from '../profiles/record.ts'
import {
  createRecord,
  prepareRecordsFolder,
  recordPath,
  refuseExistingRecord,
  type StoredRecord,
} from '../profiles/record-store.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import type { CallerIdentity } from '../sts/answer.ts'
import type { CheckInSecret } from './compare-key.ts'
import { begin, undone } from './held-key.ts'
import { rememberPin } from './remembered-pin.ts'
import { checkAccessKeyId } from './secret-form.ts'
import { takeKey } from './take-key.ts'

/** What is about to be done. `undo` comes after a failure, when there is something to remove. */
export type CheckInStep = 'import' | 'open' | 'compare' | 'prove' | 'record' | 'undo'

export type ProveKey = (keys: DateKeySource, signal: AbortSignal | undefined) => Promise<CallerIdentity | undefined>

/** What checks in, where, and how it is proved. */
export interface CheckInInput {
  readonly name: string
  readonly accessKeyId: string
  /** A bare secret has had its form checked, and stays the caller's. */
  readonly secret: CheckInSecret
  /** Where it goes, or where it is. A relative `file=` starts at `folder`. */
  readonly to: KeyUri
  /** What there is for the scheme; default: the entry of the list of backends. */
  readonly entry?: BackendEntry | undefined
  /** Asked at most once, where the URI names no pin-source. */
  readonly pin?: PinSource | undefined
  /** Takes an access key ID that is not in AWS's form. */
  readonly otherStore?: boolean | undefined
  /** Asks the service whether it knows the key, signed by the device; STS also says who it is. Left out: not proved. */
  readonly prove?: ProveKey | undefined
  readonly settings?: RecordSettings | undefined
  /** The folder of records; made with mode 0700 when it is missing. */
  readonly folder: string
  readonly now: () => Date
  readonly onStep?: ((step: CheckInStep) => void) | undefined
  /** Told when the device holds what it was given: a bare secret is not looked at again, and may be wiped. */
  readonly onCompared?: (() => void) | undefined
  /** Stops between the steps; what was made is removed again. */
  readonly signal?: AbortSignal | undefined
}

/** What a check-in gives. Holds no secret. */
export interface CheckInResult {
  readonly stored: StoredRecord
  readonly info: KeyInfo
  /** What `prove` found; undefined without it, and where a store has no names. */
  readonly identity: CallerIdentity | undefined
  /** True when this very key was in the device already, left by a check-in that was cut off or put there by hand. */
  readonly found: boolean
  /** True when the device answers nothing yet: it was not compared, and waits for an approval. */
  readonly awaitsApproval: boolean
}

/**
 * Checks a key in, proves it, and writes its record. The plaintext it came from is not touched: whoever gave the secret
 * removes it when this has returned.
 * @throws ERR_USAGE for the name, ERR_KEY_EXISTS where a record or another key has it; ERR_DEVICE_FAILED where the device
 * does not hold what it was given; what the importer, `openKey` and `prove` throw. Then there is no record, and the device
 * is as it was; where it could not be brought back, the message says so and the hint names the key
 */
export async function checkIn(input: CheckInInput): Promise<CheckInResult> {
  const path = recordPath(input.folder, input.name)
  checkAccessKeyId(input.accessKeyId, { otherStore: input.otherStore })
  checkSettings(input.settings ?? {})
  await refuseExistingRecord(path)
  await prepareRecordsFolder(input.folder)
  const pin = rememberPin(pinSourceOf(input.to, input.pin))
  try {
    const { held, record, ...taken } = await takeKey(input, pin)
    try {
      begin(input, 'record')
      await createRecord(path, record)
      return { ...taken, stored: { name: input.name, path, record } }
    } catch (error) {
      throw await undone(error, held, input)
    }
  } finally {
    pin.forget()
  }
}
