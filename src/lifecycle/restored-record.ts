// The record of a rotation that is not over, where its own file is damaged or gone. In: its path. Out: the record as the journal
// has it, written anew; nothing where the file is whole, or where no journal is.

import { HardkeyError } from '../errors.ts'
import { isMissingFile } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { withLock } from '../files/with-lock.ts'
import { maxRecordBytes, parseRecord } from '../profiles/record.ts'
import { readRecord, replaceRecord, type StoredRecord } from '../profiles/record-store.ts'
import { lockPath, readJournal } from './rotation-journal.ts'

/** @throws ERR_CONFIG_INVALID where others could change the record or the journal, or the disk refuses */
export async function restoredRecord(path: string, signal: AbortSignal | undefined): Promise<StoredRecord | undefined> {
  return await withLock(lockPath(path), { waitMilliseconds: 1000, signal }, async (held) => {
    const rotation = held ? await readJournal(path) : undefined
    if (rotation === undefined || (await isWhole(path))) return undefined
    const { state, old, next } = rotation
    await replaceRecord(path, (state === 'switched' || state === 'retired' ? next : undefined) ?? old)
    return await readRecord(path)
  })
}

async function isWhole(path: string): Promise<boolean> {
  let bytes: Uint8Array
  try {
    bytes = await readOwnFile(path, { maxBytes: maxRecordBytes })
  } catch (error) {
    if (isMissingFile(error)) return false
    throw error
  }
  try {
    parseRecord(bytes, path)
    return true
  } catch (error) {
    if (error instanceof HardkeyError) return false
    throw error
  }
}
