// Changing the AWS files while others may do the same. In: the two files and what to make of them. Out: a file replaced
// atomically with its mode kept, or left alone when it is not any more what was read.
// 1. Two hardkeys wait for each other by a lock beside each file; the lock saves a failure, correctness needs it not.
// 2. Other programs know no such lock, so the file is read again right before it is replaced.

import { stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { HardkeyError } from '../errors.ts'
import { fileFailure, systemCode } from '../files/file-failure.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import { withLock } from '../files/with-lock.ts'
import { type AwsFile, type AwsFiles, readAwsBytes, withAwsFiles } from './aws-config.ts'

/** An edit takes milliseconds; who holds the lock longer than this was stopped. */
const lockWait = { waitMilliseconds: 5000 }

/** Lends both files for an edit, config first, while no other hardkey edits them. */
export async function editAwsFiles<T>(
  files: AwsFiles,
  edit: (both: readonly [config: AwsFile, credentials: AwsFile]) => Promise<T>,
): Promise<T> {
  return await withLock(`${files.config}.hardkey-lock`, lockWait, () =>
    withLock(`${files.credentials}.hardkey-lock`, lockWait, () => withAwsFiles(files, edit)),
  )
}

/**
 * Puts `edited` in the place of the file that was read and wipes it. The mode stays; a new file gets 0600.
 * @throws ERR_CONFIG_INVALID where the file has changed since, or the disk refuses: it is then as it was
 */
export async function replaceAwsFile(file: AwsFile, edited: Uint8Array): Promise<void> {
  try {
    if (file.path === devNull) throw new HardkeyError('ERR_CONFIG_INVALID', `${file.path} keeps nothing: name a file`)
    const current = await readAwsBytes(file.path)
    const isSame = Buffer.compare(current, file.bytes) === 0
    current.fill(0)
    if (!isSame) {
      throw new HardkeyError('ERR_CONFIG_INVALID', `${file.path} was changed by another program meanwhile`, {
        hint: 'it was left as it is: try again',
      })
    }
    await replaceAtomically(file.path, edited, { mode: await modeOf(file.path) })
  } finally {
    edited.fill(0)
  }
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0o600
    throw fileFailure('read', path, 'ERR_CONFIG_INVALID', error)
  }
}
