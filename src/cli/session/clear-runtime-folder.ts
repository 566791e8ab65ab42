// Nothing left in the runtime folder but what must stay. In: the folder, whose sessions are gone. Out: told failures, what
// killed processes left and locks that nobody holds are gone too. Refused PINs stay: only `doctor --clear-latch` forgets them.

import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileFailure, systemCode } from '../../files/file-failure.ts'
import { withLock } from '../../files/with-lock.ts'
import { removeAbandoned } from '../program/isolated-config.ts'

/** @throws ERR_CACHE_UNSAFE where the folder refuses */
export async function clearRuntimeFolder(folder: string): Promise<void> {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      if (/^(?:failure-|\..*\.new-)/.test(name)) rmSync(path, { force: true })
      // Whoever gets a lock removes it.
      if (/^lock-|^pin-.*\.lock/.test(name)) await withLock(path, { waitMilliseconds: 0 }, async () => undefined)
    }
    await removeAbandoned(folder)
  } catch (error) {
    throw fileFailure('write', folder, 'ERR_CACHE_UNSAFE', error)
  }
}

/** Removes the folder itself; one in which something is stays. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (systemCode(error) === undefined) throw error
  }
}
