// Bounds a folder that grows with every new name. In: a folder, a part of names and a number. Out: so many of the newest
// files with it; older ones are removed (F-D10).

import { lstatSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from './file-failure.ts'

/** Removes the oldest of the files whose name holds `part`, until `most` are left. What cannot be removed stays. */
export function keepNewest(folder: string, part: string, most: number): void {
  const names = readdirSync(folder).filter((name) => name.includes(part))
  if (names.length <= most) return
  const dated = names.map((name) => ({ path: join(folder, name), changed: changedAt(join(folder, name)) }))
  for (const { path } of dated.sort((one, other) => other.changed - one.changed).slice(most)) removeQuietly(path)
}

/** Milliseconds since 1970; none for a file that another process has just removed. */
function changedAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (systemCode(error) === undefined) throw error
  }
}
