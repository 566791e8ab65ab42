// The folder for what lives as long as the machine runs: sessions, locks, sockets. In: what names it. Out: a
// folder of this user alone (0700) whose files never reach a disk (tmpfs or ramfs, statfs(2)), or why there is none.
// SECURITY.md, another user: who takes the name first, or plants a link, is not followed. Synchronous and without a
// descriptor, for the entry that must load nothing more; macOS and Windows have no such folder.

import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, type Stats, statfsSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { systemCode } from './file-failure.ts'
import { entryChangeableByOthers, foldersAbove, thisUser } from './ownership.ts'

/** What names the folder; an empty text is none. */
export interface RuntimePlaces {
  /** Named by the user: this one or none. A relative path starts at the working folder. */
  readonly chosen?: string | undefined
  /** RUNTIME_DIRECTORY, which systemd.exec(5) makes for a service; of several, divided by colons, the first. */
  readonly runtimeDirectory?: string | undefined
  /** XDG_RUNTIME_DIR, which pam_systemd(8) makes for a user who is logged in. A relative one does not count. */
  readonly xdgRuntimeDir?: string | undefined
}

export interface RuntimeFolder {
  /** Absolute and without links; undefined where there is no such folder. */
  readonly path: string | undefined
  /** For each place that is there and was not taken, why: `"/srv/x" is on a disk`. */
  readonly refused: readonly string[]
}

/** linux/magic.h, TMPFS_MAGIC and RAMFS_MAGIC. */
const inMemory: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6])

/**
 * The first of the places that is a folder of this user alone in memory: the chosen one, or `runtimeDirectory`, `hardkey`
 * in `xdgRuntimeDir` and in /run/user/UID, /dev/shm/hardkey-UID, and where somebody else has taken that name
 * /dev/shm/hardkey-UID- and six letters. A missing one is made, with mode 0700, in a folder that is there, unless `make` is
 * false. Never throws.
 */
export function findRuntimeFolder(
  places: RuntimePlaces,
  { make = true }: { readonly make?: boolean } = {},
): RuntimeFolder {
  const user = thisUser()
  const refused: string[] = []
  if (process.platform !== 'linux' || user === undefined) {
    if (places.chosen !== undefined)
      refused.push(`"${places.chosen}" is not on Linux, which alone has folders in memory`)
    return { path: undefined, refused }
  }
  for (const candidate of candidates(places, user)) {
    const place = typeof candidate === 'string' ? candidate : candidate(make)
    if (place === undefined) continue
    try {
      const path = join(realpathSync(dirname(place)), basename(place))
      const reason = unusable(path, user, make)
      if (reason === undefined) return { path, refused }
      refused.push(`"${place}" ${reason}`)
    } catch (error) {
      const code = systemCode(error)
      // No such place on this machine, unless the user says that there is.
      if (code !== 'ENOENT' || places.chosen !== undefined) refused.push(`"${place}" cannot be used (${code ?? error})`)
    }
  }
  return { path: undefined, refused }
}

type Candidate = string | ((make: boolean) => string | undefined)

function candidates({ chosen, runtimeDirectory, xdgRuntimeDir }: RuntimePlaces, user: number): readonly Candidate[] {
  if (chosen !== undefined) return [resolve(chosen)]
  const [ofService = ''] = runtimeDirectory?.split(':') ?? []
  const ofLogin = [xdgRuntimeDir ?? '', `/run/user/${user}`].filter((folder) => isAbsolute(folder))
  const shared = `/dev/shm/hardkey-${user}`
  const inLogin = ofLogin.map((folder) => join(folder, 'hardkey'))
  return [
    ...(isAbsolute(ofService) ? [ofService] : []),
    ...new Set(inLogin),
    shared,
    (make) => spare(`${shared}-`, user, make),
  ]
}

/** A name that nobody can take first, found again by its owner. */
function spare(prefix: string, user: number, make: boolean): string | undefined {
  const own = (): string | undefined =>
    readdirSync(dirname(prefix))
      .filter((name) => name.startsWith(basename(prefix)))
      .map((name) => join(dirname(prefix), name))
      .sort()
      .find((path) => {
        const stats = lstatSync(path, { throwIfNoEntry: false })
        return stats !== undefined && notOurs(stats, user) === undefined
      })
  try {
    const found = own()
    if (found !== undefined || !make) return found
    mkdtempSync(prefix)
    // Of several processes that made one, all take the same.
    return own()
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

/** Why the folder is not to be used, or undefined. @throws the system's error for one that is not there and cannot be made */
function unusable(path: string, user: number, make: boolean): string | undefined {
  for (const above of foldersAbove(path)) {
    const reason = entryChangeableByOthers(lstatSync(above), user)
    if (reason !== undefined) return `is not safe: the folder "${above}" ${reason}`
  }
  if (make && lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    if (!isInMemory(dirname(path))) return onDisk
    makeOnce(path)
  }
  return notOurs(lstatSync(path), user) ?? (isInMemory(path) ? undefined : onDisk)
}

const onDisk = 'is on a disk'

function makeOnce(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process was quicker.
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

// What another user made in /dev/shm is his; what is ours there nobody else can replace (sticky).
function notOurs(stats: Stats, user: number): string | undefined {
  if (!stats.isDirectory()) return stats.isSymbolicLink() ? 'is a symbolic link' : 'is not a folder'
  if (stats.uid !== user) return `belongs to another user (uid ${stats.uid})`
  const mode = stats.mode & 0o777
  return (mode & 0o077) === 0 ? undefined : `is open to others (mode 0${mode.toString(8)}): chmod 700`
}

function isInMemory(path: string): boolean {
  // A signed number on some machines.
  return inMemory.has(statfsSync(path).type >>> 0)
}
