// Who else could change or read a file. In: what fstat says, or a path whose folders are walked. Out: a sentence that says
// who, or undefined when only root and the user can. SECURITY.md, another user: a file, and every folder above it, belongs to root
// or the user and is not writable by others. Windows has no such modes: nothing is checked there.

import type { Stats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemCode } from './file-failure.ts'

const groupWrite = 0o020
const othersWrite = 0o002
const groupRead = 0o040
const othersRead = 0o004
const sticky = 0o1000

/** What is known of a file or folder without opening it. */
export type Ownership = Pick<Stats, 'uid' | 'gid' | 'mode'>

/** The user that this process acts as; undefined where the system knows none (Windows). */
export function thisUser(): number | undefined {
  return process.geteuid?.()
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0')

// Systems that give each user a group of the same number make files with umask 002: that group is the user alone.
const isPrivateGroup = (owned: Ownership, user: number): boolean =>
  user !== 0 && owned.uid === user && owned.gid === user

/** Why others could change it, as "is writable by others (mode 0666)", or undefined when they cannot. */
export function changeableByOthers(owned: Ownership, user: number | undefined): string | undefined {
  if (user === undefined) return undefined
  if (owned.uid !== 0 && owned.uid !== user) return `belongs to another user (uid ${owned.uid})`
  if ((owned.mode & othersWrite) !== 0) return `is writable by others (mode ${octal(owned.mode)})`
  if ((owned.mode & groupWrite) !== 0 && !isPrivateGroup(owned, user)) {
    return `is writable by its group (mode ${octal(owned.mode)})`
  }
  return undefined
}

/** The command that ends what `changeableByOthers` says of the path. */
export function mendingCommand(path: string, owned: Ownership, user: number | undefined): string {
  const isOfOthers = owned.uid !== 0 && owned.uid !== user
  return isOfOthers ? `sudo chown "$(id -un)" "${path}"` : `chmod go-w "${path}"`
}

/**
 * Why others could read it, or undefined when they cannot. Root may lend a file to this user through the group: systemd's
 * credentials (the access list shows as group bits) and a Kubernetes fsGroup have no other way.
 */
export function readableByOthers(owned: Ownership, user: number | undefined): string | undefined {
  if (user === undefined) return undefined
  if ((owned.mode & othersRead) !== 0) return `is readable by others (mode ${octal(owned.mode)})`
  const lent = owned.uid === 0 && user !== 0
  if ((owned.mode & groupRead) !== 0 && !lent) return `is readable by its group (mode ${octal(owned.mode)})`
  return undefined
}

/**
 * The first folder above `path`, as written and after links, that others could change, as `"/srv/x" is writable by …`;
 * undefined when there is none. The file itself need not exist. A sticky folder (/tmp) passes: what lies in it is checked
 * for its owner in turn, a link at the end of the path too.
 * @throws the system's error where a folder of the path does not exist or cannot be searched.
 */
export async function folderChangeableByOthers(
  path: string,
  user: number | undefined = thisUser(),
): Promise<string | undefined> {
  if (user === undefined) return undefined
  const written = resolve(path)
  const folders = new Set([...foldersAbove(written), ...foldersAbove(await whereLinksEnd(written))])
  for (const folder of folders) {
    const reason = entryChangeableByOthers(await lstat(folder), user)
    if (reason !== undefined) return `"${folder}" ${reason}`
  }
  const link = await lstat(written).catch(missingAsUndefined)
  const reason = link?.isSymbolicLink() === true ? entryChangeableByOthers(link, user) : undefined
  return reason === undefined ? undefined : `"${written}" ${reason}`
}

/** Why others could change or replace what a folder or link stands for, or undefined when they cannot. */
export function entryChangeableByOthers(entry: Stats, user: number): string | undefined {
  // A link has no mode of its own, and in a sticky folder only its owner replaces an entry.
  const ownerDecides = entry.isSymbolicLink() || (entry.mode & sticky) !== 0
  return changeableByOthers({ uid: entry.uid, gid: entry.gid, mode: ownerDecides ? 0 : entry.mode }, user)
}

/** The path after every link; where the file does not exist yet, its folder's. */
export async function whereLinksEnd(path: string): Promise<string> {
  const end = await realpath(path).catch(missingAsUndefined)
  return end ?? join(await realpath(dirname(path)), basename(path))
}

function missingAsUndefined(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error
}

/** Every folder above an absolute path, nearest first. */
export function foldersAbove(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...foldersAbove(folder)]
}
