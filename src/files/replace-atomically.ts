// Puts new content in the place of a file. In: path, bytes, mode. Out: the old content or the new one at every instant, also
// after a kill or a power cut: a new file beside it, fsync, rename, fsync of the folder (F-D01, F-D04, F-D05).
// 1. The new file is made with its mode (O_EXCL), never opened up or narrowed afterwards.
// 2. A killed write leaves at most its new file; the next write to the same path removes it once it is an hour old.

import { type FileHandle, link, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type ErrorCode, HardkeyError } from '../errors.ts'
import { fileFailure, systemCode } from './file-failure.ts'
import { folderChangeableByOthers, whereLinksEnd } from './ownership.ts'

/** How `replaceAtomically` writes. */
export interface ReplaceOptions {
  /** Mode of the new file, before the umask. 0600 by default. */
  readonly mode?: number | undefined
  /** False replaces a symbolic link itself. True by default: the file that it points to is replaced (dotfiles are links). */
  readonly followLinks?: boolean | undefined
  /** False makes the file and never replaces one: EEXIST is then the serviceCode of the failure. True by default. */
  readonly overwrite?: boolean | undefined
  /** The code of every failure. ERR_CONFIG_INVALID by default. */
  readonly code?: ErrorCode | undefined
}

/** No write takes this long; a new file of this age was left by a killed process. */
const abandonedMilliseconds = 3_600_000

/**
 * Replaces or makes the file; missing folders are made with mode 0700. When it returns, the bytes are on the disk.
 * @throws HardkeyError with `options.code`, the system's word (ENOSPC, EROFS, EACCES) as serviceCode: the old file is then
 * unchanged and nothing is left beside it. Also where others could write the folder: they could replace the file again.
 */
export async function replaceAtomically(path: string, bytes: Uint8Array, options: ReplaceOptions = {}): Promise<void> {
  const code = options.code ?? 'ERR_CONFIG_INVALID'
  try {
    await makeFolder(dirname(resolve(path)))
    const target = (options.followLinks ?? true) ? await whereLinksEnd(resolve(path)) : resolve(path)
    const folder = await folderChangeableByOthers(target)
    if (folder !== undefined) {
      throw new HardkeyError(code, `cannot write "${path}" safely: the folder ${folder}`, {
        hint: 'who can write a folder can replace what is in it; it must belong to you or root alone',
      })
    }
    await writeBesideAndRename(target, bytes, options.mode ?? 0o600, options.overwrite ?? true)
  } catch (error) {
    throw error instanceof HardkeyError ? error : fileFailure('write', path, code, error)
  }
}

/**
 * Makes the folder (mode 0700) and those above where they are missing. When it returns, their names are on the disk. Not by
 * `recursive`, which never ends where a folder that is there answers ENOENT, as those of /proc and of an automounter do.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) await makeFolder(parent)
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have made it in between.
    if (systemCode(error) !== 'EEXIST' || !(await isFolder(folder))) throw error
  }
  await syncFolder(parent)
}

/** False where there is nothing. A file in its place is ENOTDIR. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
  throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
}

async function writeBesideAndRename(
  target: string,
  bytes: Uint8Array,
  mode: number,
  overwrite: boolean,
): Promise<void> {
  const fresh = join(dirname(target), `${freshPrefix(target)}${process.pid}-${process.hrtime.bigint()}`)
  const file = await open(fresh, 'wx', mode)
  try {
    let madeMilliseconds: number
    try {
      await file.writeFile(bytes)
      await file.sync()
      madeMilliseconds = (await file.stat()).mtimeMs
    } finally {
      await file.close()
    }
    await removeAbandoned(target, madeMilliseconds)
    if (overwrite) await rename(fresh, target)
    else await giveNewName(fresh, target)
  } catch (error) {
    // Not there any more, or not to be removed: the failure before it is the one to report.
    await unlink(fresh).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(target))
}

/**
 * A second name for the file, which fails where there is a file of that name already; rename would replace it. Where the
 * file system has no hard links, an empty file takes the name first.
 */
async function giveNewName(fresh: string, target: string): Promise<void> {
  try {
    await link(fresh, target)
    await unlink(fresh)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '')) throw error
    await (await open(target, 'wx', 0o600)).close()
    await rename(fresh, target)
  }
}

const freshPrefix = (target: string): string => `.${basename(target)}.new-`

/** The file system's own clock judges the age: the time of the file just written. */
async function removeAbandoned(target: string, nowMilliseconds: number): Promise<void> {
  const folder = dirname(target)
  const names = (await readdir(folder)).filter((name) => name.startsWith(freshPrefix(target)))
  for (const name of names) {
    const left = await lstat(join(folder, name)).catch(() => undefined)
    if (left === undefined || nowMilliseconds - left.mtimeMs <= abandonedMilliseconds) continue
    // What cannot be removed (another writer was quicker, or it is another user's in /tmp) stays; the write goes on.
    await unlink(join(folder, name)).catch(() => undefined)
  }
}

/** Makes new names last through a power cut. Windows cannot open a folder, some network file systems cannot sync one, and who may write it may not read it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  let handle: FileHandle | undefined
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES'].includes(systemCode(error) ?? '')) throw error
  } finally {
    await handle?.close()
  }
}
