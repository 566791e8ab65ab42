// A secret checks in. In: a secret access key (or a device that holds it already), a device, a name. Out: a key record
// whose key was compared with the secret and, on request, recognised by AWS. F-R01 to F-R11.
// 1. Nothing is overwritten: neither a record nor an object of the device.
// 2. The record is written last, whole or not at all: where there is a record, there is the complete and right key.
// 3. When a step fails, the object that this check-in made is removed again. One that was there before stays.
// 4. A check-in that was killed leaves the complete key and no record: the next run finds that very key and goes on.
// 5. A key that answers nothing before its inputs are approved is compared later, by `inspect`; the secret itself is proved.

import { resolve } from 'node:path'
import { type BackendEntry, backendEntry, inspectorOf } from '../backends/list.ts'
import { openKey } from '../backends/open.ts'
import { HardkeyError } from '../errors.ts'
import type { HmacKey, KeyInfo } from '../key/hmac-key.ts'
import { type PinSource, pinSourceOf, withAskedPinSource } from '../key/pin-source.ts'
import { Secret } from '../key/secret.ts'
import type { KeyUri } from '../key/uri.ts'
import { withAbsoluteFile, withRelativeFile } from '../profiles/open-record.ts'
import { checkSettings, type KeyRecord, type RecordSettings } from '../profiles/record.ts'
import {
  createRecord,
  prepareRecordsFolder,
  recordPath,
  refuseExistingRecord,
  type StoredRecord,
} from '../profiles/record-store.ts'
import { type DateKeySource, deviceDateKeys, secretDateKeys } from '../sigv4/date-key.ts'
import type { CallerIdentity } from '../sts/answer.ts'
import { checkValueOf } from './check-value.ts'
import { type CheckInSecret, checkAnswerOf, compareKey } from './compare-key.ts'
import { begin, bringIn, type HeldKey, undone } from './held-key.ts'
import { type RememberedPin, rememberPin } from './remembered-pin.ts'
import { checkAccessKeyId } from './secret-form.ts'

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
  const to = withAbsoluteFile(input.to, resolve(input.folder))
  const pin = rememberPin(pinSourceOf(to, input.pin))
  try {
    const held = await bringIn(input, to, pin)
    try {
      return await proveAndRecord(input, held, pin, path)
    } catch (error) {
      throw await undone(error, held, input)
    }
  } finally {
    pin.forget()
  }
}

async function proveAndRecord(
  input: CheckInInput,
  held: HeldKey,
  pin: RememberedPin,
  path: string,
): Promise<CheckInResult> {
  const { awaiting } = held
  if (awaiting !== undefined) return await recordUncompared(input, held, awaiting, path)
  begin(input, 'open')
  const key = await openHeld(input, held, pin)
  try {
    begin(input, 'compare')
    const check = await compareKey(input.secret, key, { refusal: held.refusal, signal: input.signal })
    const { accessKeyId, now } = input
    const keys = deviceDateKeys({ key, accessKeyId, keepDateKey: false, now })
    const identity = await prove(input, keys)
    const stored = await writeRecord(input, held, key.info, check, path)
    return { stored, info: key.info, identity, found: held.remove === undefined, awaitsApproval: false }
  } finally {
    await key.close()
  }
}

/** The secret is proved in the place of the device, which vouched for having taken it and can be asked only later. */
async function recordUncompared(
  input: CheckInInput,
  held: HeldKey,
  info: KeyInfo,
  path: string,
): Promise<CheckInResult> {
  const { secret, accessKeyId } = input
  if (!(secret instanceof Secret)) throw new HardkeyError('ERR_INTERNAL', 'a key with a date rule was not imported')
  const answer = checkAnswerOf(secret)
  const check = checkValueOf(answer)
  answer.fill(0)
  const keys = secret.lend((secretAccessKey) => secretDateKeys({ accessKeyId, secretAccessKey }))
  const identity = await prove(input, keys)
  const stored = await writeRecord(input, held, info, check, path)
  return { stored, info, identity, found: false, awaitsApproval: true }
}

async function writeRecord(
  input: CheckInInput,
  held: HeldKey,
  info: KeyInfo,
  check: string,
  path: string,
): Promise<StoredRecord> {
  begin(input, 'record')
  const record = recordOf(input, held, info, check)
  await createRecord(path, record)
  return { name: input.name, path, record }
}

async function openHeld(input: CheckInInput, held: HeldKey, pin: RememberedPin): Promise<HmacKey> {
  // Whatever the URI names as its PIN was read once and is remembered; a descriptor cannot be read again.
  const uri = withAskedPinSource(held.uri)
  // It is told once what the device says of the new key, so the device is asked for all of it.
  const backends = [await inspectorOf(input.entry ?? backendEntry(uri.scheme))]
  try {
    return await openKey(uri, { pin: pin.source, signal: input.signal, backends })
  } catch (error) {
    if (held.refusal === undefined || !(error instanceof HardkeyError)) throw error
    throw new HardkeyError(held.refusal.code, held.refusal.message, {
      hint: `it could not be compared with the secret: ${error.message}`,
      cause: error,
    })
  }
}

async function prove(input: CheckInInput, keys: DateKeySource): Promise<CallerIdentity | undefined> {
  if (input.prove === undefined) return undefined
  begin(input, 'prove')
  return await input.prove(keys, input.signal)
}

function recordOf(input: CheckInInput, held: HeldKey, info: KeyInfo, check: string): KeyRecord {
  const uri = held.uri.with({ query: info.exactly ?? {} })
  return {
    version: 1,
    accessKeyId: input.accessKeyId,
    uri: withRelativeFile(uri, resolve(input.folder)).withoutSecrets().toString(),
    protection: info.protection,
    created: `${input.now().toISOString().slice(0, 19)}Z`,
    check,
    ...input.settings,
  }
}
