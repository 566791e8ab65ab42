// Leaves the short way for the next start like this one. In: what decided the session of this start. Out: a file in the runtime
// folder, where the files that were read have been as they are for long enough to be told from any other.

import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { keepNewest } from '../../files/keep-newest.ts'
import { foldersAbove } from '../../files/ownership.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import { fileIdentity, followShortcut, formatShortcut, shortcutPath, shortcutPrefix } from './shortcut.ts'

/** Several starts for each session. */
const mostShortcuts = 1024

/** Times of files are as coarse as this on some disks: a change right after another may not show. */
const coarseMilliseconds = 2000

export interface Start {
  /** The runtime folder. */
  readonly folder: string
  /** `startText`. */
  readonly text: string
  /** Files that decided the session, be they there or not; a relative one starts at the working folder. */
  readonly paths: readonly string[]
  /** The text of the request. */
  readonly request: string
  /** When this process began, in milliseconds since 1970. */
  readonly began: number
}

/** What prevents it is told to `tell`: the next start goes the long way again. */
export async function leaveShortcut(start: Start, tell: (words: string) => void): Promise<void> {
  const { folder, text, paths, request, began } = start
  const workingFolder = paths.every(isAbsolute) ? '' : process.cwd()
  try {
    if (followShortcut(folder, text, () => workingFolder) === request) return
    if (paths.some((path) => changedAt(path) > began - coarseMilliseconds)) return
    const files = [...new Set(paths.flatMap(withFolders))].map((path) => [path, fileIdentity(path)] as const)
    const bytes = Buffer.from(formatShortcut({ start: text, workingFolder, files, request }))
    await replaceAtomically(shortcutPath(folder, text), bytes, { followLinks: false })
    keepNewest(folder, shortcutPrefix, mostShortcuts)
  } catch (error) {
    if (!(error instanceof HardkeyError) && systemCode(error) === undefined) throw error
    tell(`the next start cannot be quicker: ${error instanceof Error ? error.message : ''}`)
  }
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0
}

/** A file and the folders above it, as written and after links: who may change a folder may change what is in it. */
function withFolders(path: string): readonly string[] {
  const written = resolve(path)
  const end = fileIdentity(written) === '' ? written : realpathSync(written)
  return [written, ...foldersAbove(written), ...foldersAbove(end)]
}
