// Reads a file of the runtime folder. In: its path and a bound. Out: its text, or nothing where it is missing or odd: it is
// only a saving, and what is missing is made anew. F-D02: what is judged is the opened file; a link, a folder, a FIFO or a
// device is not followed and never makes it hang. Synchronous, for the entry that must load nothing more.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { systemCode } from './file-failure.ts'
import { thisUser } from './ownership.ts'

/** The whole text of a regular file of this user alone with at most so many bytes; undefined for anything else. */
export function readPrivate(path: string, maxBytes: number): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW)
    try {
      const stats = fstatSync(file)
      return isPrivate(stats) && stats.size <= maxBytes ? readWhole(file, stats.size) : undefined
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined
    throw error
  }
}

function isPrivate(stats: Stats): boolean {
  const user = thisUser()
  // Windows has no such owner and no such modes.
  return stats.isFile() && (user === undefined || (stats.uid === user && (stats.mode & 0o077) === 0))
}

/** Undefined where it grew meanwhile; what is written by us is replaced and never grows. */
function readWhole(file: number, size: number): string | undefined {
  const bytes = Buffer.allocUnsafe(size + 1)
  let length = 0
  while (length <= size) {
    const read = readSync(file, bytes, length, bytes.length - length, null)
    if (read === 0) return bytes.toString('utf8', 0, length)
    length += read
  }
  return undefined
}
