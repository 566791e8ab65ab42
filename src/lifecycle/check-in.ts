// A secret checks in. In: a secret access key (or a device that holds it already), a device, a name. Out: a key record
// whose key was compared with the secret and, on request, recognised by AWS. F-R01 to F-R11.
// 1. Nothing is overwritten: neither a record nor an object of the device.
// 2. The record is written last, whole or not at all: where there is a record, there is the complete and right key.
// 3. When a step fails, the object that this check-in made is removed again. One that was there before stays.
// 4. A check-in that was killed leaves the complete key and no record: the next run finds that very key and goes on.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { resolve } from 'node:path'
import { backendEntry } from '../backends/list.ts'
import { openKey } from '../backends/open.ts'
import { HardkeyError } from '../errors.ts'
import type { HmacKey, KeyBackend, KeyImporter, KeyInfo } from '../key/hmac-key.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
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
import { aws4Key } from '../sigv4/aws4-key.ts'
import { type DateKeySource, deviceDateKeys } from '../sigv4/date-key.ts'
import type { CallerIdentity } from '../sts/answer.ts'
import { checkLabel, checkValueOf } from './check-value.ts'
import { type RememberedPin, rememberPin } from './remembered-pin.ts'
import { checkAccessKeyId } from './secret-form.ts'

/** What is about to be done. `undo` comes after a failure, when there is something to remove. */
export type CheckInStep = 'import' | 'open' | 'compare' | 'prove' | 'record' | 'undo'

export type ProveKey = (keys: DateKeySource, signal: AbortSignal | undefined) => Promise<CallerIdentity | undefined>

/** What checks in, where, and how it is proved. */
export interface CheckInInput {
  readonly name: string
  readonly accessKeyId: string
  /** The bare secret access key, its form already checked; stays the caller's. `in-device`: the key is in there already. */
  readonly secret: Secret | 'in-device'
  /** Where it goes, or where it is. A relative `file=` starts at `folder`. */
  readonly to: KeyUri
  /** Backend and importer of the scheme; default: those of the list of backends. */
  readonly entry?: { readonly backend: KeyBackend; readonly importer: KeyImporter } | undefined
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
}

/** A key in the device: one that was made just now, or one that was there. */
interface HeldKey {
  readonly uri: KeyUri
  /** Only for a key that this check-in made. */
  readonly remove?: (() => Promise<void>) | undefined
  /** The importer's refusal, where the device has a key of this name: it must prove to be the same key. */
  readonly refusal?: HardkeyError | undefined
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

async function bringIn(input: CheckInInput, to: KeyUri, pin: RememberedPin): Promise<HeldKey> {
  if (input.secret === 'in-device') return { uri: to }
  const importer = input.entry?.importer ?? (await backendEntry(to.scheme).importer())
  begin(input, 'import')
  const key = deviceKey(input.secret)
  try {
    const imported = await importer.import(named(to, input.name), key, { pin: pin.source, signal: input.signal })
    return { uri: imported.uri, remove: () => imported.remove() }
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_EXISTS')
      return { uri: named(to, input.name), refusal: error }
    throw error
  } finally {
    key.wipe()
  }
}

/** A PKCS#11 object without a label of its own gets the record's name, so that a person finds it on the token. */
function named(to: KeyUri, name: string): KeyUri {
  return to.scheme === 'pkcs11' && !to.has('object') ? to.with({ path: { object: name } }) : to
}

/** What the device shall hold. A key over 64 bytes (secrets of other stores) is its own SHA-256: RFC 2104, section 2. */
function deviceKey(secret: Secret): Secret {
  const key = aws4Key(secret)
  if (key.length <= 64) return key
  try {
    return Secret.take(key.lend((bytes) => createHash('sha256').update(bytes).digest()))
  } finally {
    key.wipe()
  }
}

async function proveAndRecord(
  input: CheckInInput,
  held: HeldKey,
  pin: RememberedPin,
  path: string,
): Promise<CheckInResult> {
  begin(input, 'open')
  const key = await openHeld(input, held, pin)
  try {
    begin(input, 'compare')
    const check = await compare(input, held, key)
    const identity = input.prove === undefined ? undefined : await prove(input, key, input.prove)
    begin(input, 'record')
    const record = recordOf(input, held, key, check)
    await createRecord(path, record)
    return { stored: { name: input.name, path, record }, info: key.info, identity, found: held.remove === undefined }
  } finally {
    await key.close()
  }
}

async function openHeld(input: CheckInInput, held: HeldKey, pin: RememberedPin): Promise<HmacKey> {
  // Whatever the URI names as its PIN was read once and is remembered; a descriptor cannot be read again.
  const uri = held.uri.with({ query: { 'pin-source': undefined, 'pin-value': undefined } })
  const backends = input.entry === undefined ? [] : [input.entry.backend]
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

/** The check value, once the device's answer is the one that the secret gives. One call of the device. */
async function compare(input: CheckInInput, held: HeldKey, key: HmacKey): Promise<string> {
  const answer = await key.hmac(checkLabel(), { signal: input.signal })
  try {
    if (input.secret !== 'in-device' && !isHmacUnder(input.secret, answer)) {
      throw (
        held.refusal ??
        new HardkeyError('ERR_DEVICE_FAILED', 'the device does not compute with the key that it was given', {
          hint: 'its HMAC-SHA256 is not that of the secret: the device, its driver or its key type is at fault',
        })
      )
    }
    return checkValueOf(answer)
  } finally {
    answer.fill(0)
  }
}

function isHmacUnder(secret: Secret, answer: Uint8Array): boolean {
  const key = aws4Key(secret)
  try {
    const expected = key.lend((bytes) => createHmac('sha256', bytes).update(checkLabel()).digest())
    return expected.length === answer.length && timingSafeEqual(expected, answer)
  } finally {
    key.wipe()
  }
}

async function prove(input: CheckInInput, key: HmacKey, ask: ProveKey): Promise<CallerIdentity | undefined> {
  begin(input, 'prove')
  const keys = deviceDateKeys({ key, accessKeyId: input.accessKeyId, keepDateKey: false, now: input.now })
  return await ask(keys, input.signal)
}

function recordOf(input: CheckInInput, held: HeldKey, key: HmacKey, check: string): KeyRecord {
  return {
    version: 1,
    accessKeyId: input.accessKeyId,
    uri: withRelativeFile(held.uri, resolve(input.folder)).withoutSecrets().toString(),
    protection: key.info.protection,
    created: `${input.now().toISOString().slice(0, 19)}Z`,
    check,
    ...input.settings,
  }
}

function begin(input: CheckInInput, step: CheckInStep): void {
  input.signal?.throwIfAborted()
  input.onStep?.(step)
}

/** Removes what this check-in made. Returns the failure to throw: the first one, or one that says what was left. */
async function undone(error: unknown, held: HeldKey, input: CheckInInput): Promise<unknown> {
  if (held.remove === undefined) return error
  input.onStep?.('undo')
  try {
    await held.remove()
    return error
  } catch (removal) {
    const [code, message] =
      error instanceof HardkeyError
        ? ([error.code, error.message] as const)
        : (['ERR_DEVICE_FAILED', 'the check-in was stopped'] as const)
    const reason = removal instanceof HardkeyError ? ` (${removal.message})` : ''
    return new HardkeyError(code, `${message}; the key that was made could not be removed again${reason}`, {
      hint: `remove it from the device: ${held.uri.withoutSecrets()}`,
      cause: error,
    })
  }
}
