// Keeps two processes from doing the same work at the same time. In: the path of a lock file and an act. Out: what the act
// returns. F-D06, F-D07.
// 1. The lock saves work; correctness never depends on it: where it cannot be had in time, the act runs without it.
// 2. The file is made with O_EXCL and names its process; who ended without removing it is found out and taken over from.
// 3. The holder removes its own file and no other.

import { link, lstat, open, readFile, rename, unlink } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from './file-failure.ts'
import { hasEnded, type ProcessIdentity, thisProcess } from './process-identity.ts'

/** How long `withLock` waits. */
export interface LockOptions {
  /** The longest wait for another holder; then the act runs without the lock. */
  readonly waitMilliseconds: number
  /** Ends the wait; the act sees it for itself. */
  readonly signal?: AbortSignal | undefined
}

const firstPauseMilliseconds = 5
const longestPauseMilliseconds = 100

/** An identity is about 150 bytes. */
const longestLockBytes = 4096

/** A folder, a link, a long or an unreadable file under the name of the lock: never touched. */
const foreign = Symbol('foreign')

/**
 * Runs `act`, alone among the processes that lock the same path where that can be had within the wait. `act` is told: `held`
 * is false after a wait in vain (the holder is stopped, or on another host) and where no lock file can be made (no such
 * folder, read-only disk).
 * @throws what `act` throws, and the signal's reason where it aborts during the wait.
 */
export async function withLock<T>(path: string, options: LockOptions, act: (held: boolean) => Promise<T>): Promise<T> {
  const mine = await thisProcess()
  const content = JSON.stringify(mine)
  const held = await acquire(path, mine, content, options)
  try {
    return await act(held)
  } finally {
    if (held && (await readLock(path)) === content) await unlink(path)
  }
}

async function acquire(path: string, mine: ProcessIdentity, content: string, options: LockOptions): Promise<boolean> {
  let leftMilliseconds = options.waitMilliseconds
  let pauseMilliseconds = firstPauseMilliseconds
  for (;;) {
    options.signal?.throwIfAborted()
    const attempt = await make(path, content)
    if (attempt !== 'taken') return attempt === 'made'
    if (await takeOver(path, mine)) continue
    if (leftMilliseconds <= 0) {
      await removeUnwritten(path)
      return false
    }
    const wait = Math.min(pauseMilliseconds, leftMilliseconds)
    await pauseOrAbort(wait, options.signal)
    leftMilliseconds -= wait
    pauseMilliseconds = Math.min(pauseMilliseconds * 2, longestPauseMilliseconds)
  }
}

async function pauseOrAbort(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(milliseconds, undefined, { signal })
  } catch (error) {
    // Node wraps the reason in an error of its own; callers get the reason itself.
    signal?.throwIfAborted()
    throw error
  }
}

/** `taken`: somebody holds it. `impossible`: no lock file can be made here. */
async function make(path: string, content: string): Promise<'made' | 'taken' | 'impossible'> {
  const file = await open(path, 'wx', 0o600).catch(systemCode)
  if (file === 'EEXIST') return 'taken'
  if (file === undefined || typeof file === 'string') return 'impossible'
  const written = await file.writeFile(content).then(
    () => true,
    () => false,
  )
  await file.close()
  if (written) return 'made'
  await unlink(path)
  return 'impossible'
}

/** Removes the lock of a process that ended. True where another try is worth it. */
async function takeOver(path: string, mine: ProcessIdentity): Promise<boolean> {
  const content = await readLock(path)
  if (content === undefined) return true
  if (content === foreign) return false
  const holder = readIdentity(content)
  return holder !== undefined && (await hasEnded(holder, mine)) && (await removeIfStill(path, content))
}

/** A lock that stayed without a name for a whole wait was left by a process killed between making and writing it. */
async function removeUnwritten(path: string): Promise<void> {
  const content = await readLock(path)
  if (typeof content === 'string' && readIdentity(content) === undefined) await removeIfStill(path, content)
}

/** The text of the lock file; undefined where it is gone; `foreign` where it is something that no lock can be. */
async function readLock(path: string): Promise<string | undefined | typeof foreign> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined) return undefined
  if (!stats.isFile() || stats.size > longestLockBytes) return foreign
  return readFile(path, 'utf8').catch(() => foreign)
}

/** Undefined where the text is not a whole identity: its maker was killed before it wrote, or still writes. */
function readIdentity(text: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isIdentity(value) ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false
  const texts = ['host', 'boot', 'namespace', 'started'].every((name) => typeof Reflect.get(value, name) === 'string')
  return texts && Number.isSafeInteger(Reflect.get(value, 'pid'))
}

/**
 * Removes the lock where it still has this content. It is moved aside first: of two that find the same ended holder, the
 * slower one would remove the lock that the quicker one has made meanwhile. False where it cannot be moved: it is gone, or
 * the folder is read-only.
 */
async function removeIfStill(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${process.pid}-${process.hrtime.bigint()}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return false
  if ((await readLock(aside)) !== content) await link(aside, path).catch(() => undefined)
  await unlink(aside)
  return true
}
