// Key records on disk: NAME.json in one folder, 0600, each written whole or not at all.
// In: a folder, a name, a record. Out: records, or the failure of each. A record says which key signs and where its PIN
// comes from, so one that others could change is refused (SECURITY.md, another user).

import { type Dirent, promises as fs } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { fileFailure, isMissingFile, systemCode } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { refuseExisting } from '../files/refuse-existing.ts'
import { makeFolder, replaceAtomically } from '../files/replace-atomically.ts'
import { withLock } from '../files/with-lock.ts'
import { checkRecordName, formatRecord, isBesideRecord, type KeyRecord, maxRecordBytes, parseRecord } from './record.ts'

/** A record and where it lies. */
export interface StoredRecord {
  readonly name: string
  /** Absolute path of NAME.json. */
  readonly path: string
  readonly record: KeyRecord
}

/** A file in the folder of records: a record, or why it is none. */
export type ListedRecord =
  | StoredRecord
  | { readonly name: string; readonly path: string; readonly problem: HardkeyError }

/** Absolute path of NAME.json in `folder`. @throws ERR_USAGE for a name that cannot be one */
export function recordPath(folder: string, name: string): string {
  checkRecordName(name)
  return join(resolve(folder), `${name}.json`)
}

/**
 * @throws ERR_CONFIG_INVALID when the file is missing, can be changed by others, or is malformed
 */
export async function readRecord(path: string): Promise<StoredRecord> {
  const place = resolve(path)
  const name = basename(place).replace(/\.json$/, '')
  try {
    const bytes = await readOwnFile(place, { maxBytes: maxRecordBytes })
    return { name, path: place, record: parseRecord(bytes, place) }
  } catch (error) {
    if (!isMissingFile(error)) throw error
    throw new HardkeyError('ERR_CONFIG_INVALID', `there is no key record "${name}" in ${dirname(place)}`, {
      hint: 'hardkey list shows the records that there are, hardkey import makes one',
      cause: error,
      serviceCode: 'ENOENT',
    })
  }
}

/** The records of a folder, by name. A folder that does not exist has none; a broken record is listed with its problem. */
export async function listRecords(folder: string): Promise<readonly ListedRecord[]> {
  const names = (await entries(folder))
    .filter(({ name }) => /^\w[\w.-]*\.json$/.test(name) && !isBesideRecord(name))
    .map((entry) => entry.name)
    .sort()
  return await Promise.all(names.map((name) => readListed(join(resolve(folder), name))))
}

/**
 * Writes a new record, whole or not at all, mode 0600; missing folders are made with mode 0700.
 * @throws ERR_KEY_EXISTS where there is one: it is never overwritten; ERR_CONFIG_INVALID where the disk refuses
 */
export async function createRecord(path: string, record: KeyRecord): Promise<void> {
  try {
    await replaceAtomically(path, formatRecord(record), { overwrite: false, followLinks: false })
  } catch (error) {
    if (error instanceof HardkeyError && error.serviceCode === 'EEXIST') throw recordExists(path)
    // The name may have been given and only its way to the disk have failed.
    await removeIfSame(path, record)
    throw error
  }
}

/**
 * Puts a record in the place of the one that is there: at every instant one of the two.
 * @throws ERR_CONFIG_INVALID where the disk refuses; the old one is then unchanged
 */
export async function replaceRecord(path: string, record: KeyRecord): Promise<void> {
  await replaceAtomically(path, formatRecord(record), { followLinks: false })
}

/** An edit takes milliseconds; who holds the lock longer than this was stopped. */
const lockWait = { waitMilliseconds: 5000 }

/**
 * Replaces a record by what `change` makes of it, while no other `configure` does.
 * @throws ERR_CONFIG_INVALID where it cannot be read any more, where the new one is malformed, or the disk refuses
 */
export async function changeRecord(path: string, change: (record: KeyRecord) => KeyRecord): Promise<void> {
  await withLock(`${path}.hardkey-lock`, lockWait, async () => {
    await replaceRecord(path, change((await readRecord(path)).record))
  })
}

async function removeIfSame(path: string, record: KeyRecord): Promise<void> {
  const found = await readListed(path)
  if ('record' in found && Buffer.compare(formatRecord(found.record), formatRecord(record)) === 0) {
    await removeRecord(path)
  }
}

/** @throws ERR_KEY_EXISTS where something has the name of this record. It may still appear before it is written. */
export async function refuseExistingRecord(path: string): Promise<void> {
  await refuseExisting(path, 'ERR_CONFIG_INVALID', recordExists(path))
}

/**
 * Makes the folder of records (mode 0700) where it is missing.
 * @throws ERR_CONFIG_INVALID where a record could not be written into it: asked before a device is changed
 */
export async function prepareRecordsFolder(folder: string): Promise<void> {
  try {
    await makeFolder(resolve(folder))
    await fs.access(folder, fs.constants.W_OK)
  } catch (error) {
    throw fileFailure('write', folder, 'ERR_CONFIG_INVALID', error)
  }
}

/** Deletes a record, or what lies beside one; what is gone already is no failure. @throws ERR_CONFIG_INVALID where the disk refuses */
export async function removeRecord(path: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fileFailure('write', path, 'ERR_CONFIG_INVALID', error)
  }
}

async function entries(folder: string): Promise<readonly Dirent[]> {
  try {
    return await fs.readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw fileFailure('read', folder, 'ERR_CONFIG_INVALID', error)
  }
}

async function readListed(path: string): Promise<ListedRecord> {
  try {
    return await readRecord(path)
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return { name: basename(path, '.json'), path, problem: error }
  }
}

function recordExists(path: string): HardkeyError {
  return new HardkeyError('ERR_KEY_EXISTS', `there is a key record "${basename(path, '.json')}" already`, {
    hint: 'choose another name, or remove that record with hardkey forget',
  })
}
