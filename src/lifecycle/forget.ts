// Takes a key out of use, with the other key of a rotation that is not over. In: its record. Out: what was removed. The device
// comes first, then the profile lines, and journal and record last: after any failure they still say where the keys are, and
// the call can be repeated. An object that another record hangs on is not removed.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { type BackendEntry, backendEntry } from '../backends/list.ts'
import { HardkeyError } from '../errors.ts'
import { withLock } from '../files/with-lock.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
import { KeyUri } from '../key/uri.ts'
import type { AwsFiles } from '../profiles/aws-config.ts'
import { removeCredentialProcess } from '../profiles/credential-process.ts'
import { recordUri, withAbsoluteFile } from '../profiles/open-record.ts'
import { removeRecord, type StoredRecord } from '../profiles/record-store.ts'
import { isNamedPlace } from './beside-key.ts'
import { lockPath, type Rotation, readJournal, removeJournal } from './rotation-journal.ts'
import { type DeviceObject, othersOfObject } from './same-object.ts'

/** What is to be forgotten, and how thoroughly. */
export interface ForgetInput {
  readonly stored: StoredRecord
  readonly files: AwsFiles
  /** Removes the key from the device too, for good; whoever calls has asked. */
  readonly fromDevice?: ForgetFromDevice | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ForgetFromDevice {
  /** Asked where the record's URI names no pin-source. */
  readonly pin?: PinSource | undefined
  /** What there is for the scheme; default: the entry of the list of backends. */
  readonly entry?: BackendEntry | undefined
  /** The URI of the other key of a rotation, with what this run adds to it. */
  readonly forThisRun?: ((uri: KeyUri) => Promise<KeyUri>) | undefined
}

/** What became of a key in the device. */
export type DeviceOutcome = 'kept' | 'removed' | 'was not there'

/** The key of a rotation that is not over, beside that of the record. */
export interface OtherKey extends DeviceObject {
  readonly accessKeyId: string
  /** False where what lies there may be the key of somebody else. */
  readonly isOurs: boolean
}

/** What `forget` did. */
export interface ForgetResult {
  /** The profiles whose credential_process line was removed. */
  readonly profiles: readonly string[]
  readonly device: DeviceOutcome
  /** The other keys of the rotation that was not over. */
  readonly others: readonly (OtherKey & { readonly device: DeviceOutcome })[]
}

/**
 * Removes the record, its journal and the `credential_process` lines that name it; with `fromDevice` the key in the device as
 * well, and the other one of a rotation that is not over. A key that is gone from the device already is no failure.
 * @throws ERR_ROTATION_STOPPED while another run rotates; ERR_CONFIG_INVALID where another record hangs on the key in the
 * device, or a file cannot be changed; what the importer's `remove` throws: then nothing else was removed
 */
export async function forget(input: ForgetInput): Promise<ForgetResult> {
  const { stored, files, fromDevice } = input
  const lock = lockPath(stored.path)
  return await withLock(lock, { waitMilliseconds: 1000, signal: input.signal }, async (held) => {
    if (!held && existsSync(lock)) throw underWay(stored.name)
    const found = otherKeys(stored, await readJournal(stored.path))
    let device: DeviceOutcome = 'kept'
    const others: (OtherKey & { readonly device: DeviceOutcome })[] = []
    if (fromDevice !== undefined) await refuseShared(stored, found)
    for (const other of found) {
      const isKept = fromDevice === undefined || !other.isOurs
      others.push({ ...other, device: isKept ? 'kept' : await removeOther(input, fromDevice, other.uri) })
    }
    if (fromDevice !== undefined) device = await removeFromDevice(input, fromDevice, recordUri(stored))
    const profiles = await removeCredentialProcess(files, stored.name, stored.record.region)
    await removeJournal(stored.path)
    await removeRecord(stored.path)
    return { profiles, device, others }
  })
}

/** The keys of the journal but for that of the record. */
export function otherKeys({ path, record }: StoredRecord, rotation: Rotation | undefined): readonly OtherKey[] {
  if (rotation === undefined) return []
  const { old, next, newAccessKeyId = '', newUri } = rotation
  const at = (text: string): KeyUri => withAbsoluteFile(KeyUri.parse(text), dirname(path))
  const keys: OtherKey[] = [{ accessKeyId: old.accessKeyId, uri: at(old.uri), check: old.check, isOurs: true }]
  const newText = next?.uri ?? newUri
  if (newText !== undefined) {
    const uri = at(newText)
    const isOurs = next !== undefined || isNamedPlace(uri)
    keys.push({ accessKeyId: newAccessKeyId, uri, check: next?.check, isOurs })
  }
  const others = keys.filter(({ accessKeyId }) => accessKeyId !== record.accessKeyId)
  // A record that was written anew has nothing to do with the journal.
  return others.length < keys.length ? others : keys.map((key) => ({ ...key, isOurs: false }))
}

function underWay(name: string): HardkeyError {
  return new HardkeyError('ERR_ROTATION_STOPPED', `a rotation of "${name}" is under way`, { hint: 'wait for it' })
}

async function refuseShared(stored: StoredRecord, others: readonly OtherKey[]): Promise<void> {
  const { name, record } = stored
  const own = { uri: recordUri(stored), check: record.check }
  const names = await othersOfObject(stored, [own, ...others.filter(({ isOurs }) => isOurs)])
  const [first] = names
  if (first === undefined) return
  const whom = `the ${names.length === 1 ? 'record' : 'records'} ${names.join(', ')}`
  throw new HardkeyError('ERR_CONFIG_INVALID', `the key of "${name}" in the device is also that of ${whom}`, {
    hint: `hardkey forget ${name} leaves it in the device; to destroy it, first hardkey forget ${first}`,
  })
}

async function removeOther(input: ForgetInput, from: ForgetFromDevice, uri: KeyUri): Promise<DeviceOutcome> {
  return await removeFromDevice(input, from, (await from.forThisRun?.(uri)) ?? uri)
}

async function removeFromDevice(input: ForgetInput, from: ForgetFromDevice, uri: KeyUri): Promise<DeviceOutcome> {
  const importer = await (from.entry ?? backendEntry(uri.scheme)).importer()
  try {
    await importer.remove(uri, { pin: pinSourceOf(uri, from.pin), signal: input.signal })
    return 'removed'
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return 'was not there'
    throw error
  }
}
