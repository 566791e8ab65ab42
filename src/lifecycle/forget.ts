// Takes a key out of use. In: its record. Out: what was removed. The device comes first, then the profile lines, and the
// record last: after any failure the record still says where the key is, and the call can be repeated.

import { type BackendEntry, backendEntry } from '../backends/list.ts'
import { HardkeyError } from '../errors.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
import type { AwsFiles } from '../profiles/aws-config.ts'
import { removeCredentialProcess } from '../profiles/credential-process.ts'
import { recordUri } from '../profiles/open-record.ts'
import { removeRecord, type StoredRecord } from '../profiles/record-store.ts'
import { readJournal } from './rotation-journal.ts'

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
}

/** What `forget` did. */
export interface ForgetResult {
  /** The profiles whose credential_process line was removed. */
  readonly profiles: readonly string[]
  readonly device: 'kept' | 'removed' | 'was not there'
}

/**
 * Removes the record and the `credential_process` lines that name it; with `fromDevice` the key in the device as well.
 * A key that is gone from the device already is no failure.
 * @throws ERR_ROTATION_STOPPED while a rotation is under way; what the importer's `remove` throws, and then nothing was removed; ERR_CONFIG_INVALID where a file cannot be
 * changed
 */
export async function forget(input: ForgetInput): Promise<ForgetResult> {
  await refuseWhileRotating(input.stored)
  const device = input.fromDevice === undefined ? 'kept' : await removeFromDevice(input, input.fromDevice)
  const profiles = await removeCredentialProcess(input.files, input.stored.name)
  await removeRecord(input.stored.path)
  return { profiles, device }
}

/** The journal names a key that nothing else does. */
async function refuseWhileRotating({ name, path }: StoredRecord): Promise<void> {
  if ((await readJournal(path)) === undefined) return
  throw new HardkeyError(
    'ERR_ROTATION_STOPPED',
    `the rotation of "${name}" is not over: it has another key beside this one`,
    {
      hint: `end it first: hardkey rotate ${name} --resume --grace 0, or --undo`,
    },
  )
}

async function removeFromDevice(input: ForgetInput, from: ForgetFromDevice): Promise<'removed' | 'was not there'> {
  const uri = recordUri(input.stored)
  const importer = await (from.entry ?? backendEntry(uri.scheme)).importer()
  try {
    await importer.remove(uri, { pin: pinSourceOf(uri, from.pin), signal: input.signal })
    return 'removed'
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return 'was not there'
    throw error
  }
}
