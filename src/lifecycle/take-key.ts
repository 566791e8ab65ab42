// A key comes into its device, or is found there, and proves to be the right one. In: what checks in. Out: the key in its
// device and the record that would be written of it; nothing is written here. For check-in and rotation.
// 1. When a step fails, the object that was made here is removed again. One that was there before stays.
// 2. A key that answers nothing before its inputs are approved is compared later, by `inspect`; the secret itself is proved.

import { resolve } from 'node:path'
import { backendEntry, inspectorOf } from '../backends/list.ts'
import { openKey } from '../backends/open.ts'
import { HardkeyError } from '../errors.ts'
import type { HmacKey, KeyInfo } from '../key/hmac-key.ts'
import { withAskedPinSource } from '../key/pin-source.ts'
import { Secret } from '../key/secret.ts'
import { withAbsoluteFile, withRelativeFile } from '../profiles/open-record.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { type DateKeySource, deviceDateKeys, secretDateKeys } from '../sigv4/date-key.ts'
import type { CallerIdentity } from '../sts/answer.ts'
import type { CheckInInput, CheckInResult } from './check-in.ts'
import { checkValueOf } from './check-value.ts'
import { checkAnswerOf, compareKey } from './compare-key.ts'
import { begin, bringIn, type HeldKey, undone } from './held-key.ts'
import type { RememberedPin } from './remembered-pin.ts'

/** A key that is in its device and right. */
export interface TakenKey extends Omit<CheckInResult, 'stored'> {
  readonly held: HeldKey
  readonly record: KeyRecord
}

/**
 * Takes the key in. `pin` unlocks the device, whatever the URI names as its source.
 * @throws what the importer, `openKey` and `prove` throw, and ERR_DEVICE_FAILED where the device does not hold what it was
 * given; then the device is as it was, or the message says that it is not
 */
export async function takeKey(input: CheckInInput, pin: RememberedPin): Promise<TakenKey> {
  const held = await bringIn(input, withAbsoluteFile(input.to, resolve(input.folder)), pin)
  try {
    const { awaiting } = held
    return await (awaiting === undefined ? compared(input, held, pin) : uncompared(input, held, awaiting))
  } catch (error) {
    throw await undone(error, held, input)
  }
}

async function compared(input: CheckInInput, held: HeldKey, pin: RememberedPin): Promise<TakenKey> {
  begin(input, 'open')
  const key = await openHeld(input, held, pin)
  try {
    begin(input, 'compare')
    const check = await compareKey(input.secret, key, { refusal: held.refusal, signal: input.signal })
    input.onCompared?.()
    const { accessKeyId, now } = input
    const identity = await prove(input, deviceDateKeys({ key, accessKeyId, keepDateKey: false, now }))
    const record = recordOf(input, held, key.info, check)
    return { held, record, info: key.info, identity, found: held.remove === undefined, awaitsApproval: false }
  } finally {
    await key.close()
  }
}

/** The secret is proved in the place of the device, which vouched for having taken it and can be asked only later. */
async function uncompared(input: CheckInInput, held: HeldKey, info: KeyInfo): Promise<TakenKey> {
  const { secret, accessKeyId } = input
  if (!(secret instanceof Secret)) throw new HardkeyError('ERR_INTERNAL', 'a key with a date rule was not imported')
  const answer = checkAnswerOf(secret)
  const check = checkValueOf(answer)
  answer.fill(0)
  const keys = secret.lend((secretAccessKey) => secretDateKeys({ accessKeyId, secretAccessKey }))
  const identity = await prove(input, keys)
  return { held, record: recordOf(input, held, info, check), info, identity, found: false, awaitsApproval: true }
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
