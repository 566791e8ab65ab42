// Keeps two processes from doing the same work at the same time. In: the path of a lock file and an act. Out: what the act
// returns, or what another process has done meanwhile. F-D06, F-D07.
// 1. The lock saves work; correctness never depends on it: where it cannot be had in time, the act runs without it.
// 2. The file is made with O_EXCL and names its process; who ended without removing it is found out and taken over from,
//    and who shows no sign of life for long enough too, where the caller says how long that is.
// 3. The holder removes its own file and no other.

import { lstat, open, readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from './file-failure.ts'
import { hasEnded, type ProcessIdentity, thisProcess } from './process-identity.ts'

/** How long `withLock` waits, and for what. */
export interface LockOptions<T> {
  /** The longest wait for other holders; then the act runs without the lock. */
  readonly waitMilliseconds: number
  /** A holder without a sign of life for so long (stopped, on another host) is taken over from. Default: never. */
  readonly overdueMilliseconds?: number | undefined
  /** What another holder has done, which makes the act needless. Asked at each turn of the wait and before the act. */
  readonly done?: (() => T | undefined) | undefined
  /** Ends the wait; the act sees it for itself. */
  readonly signal?: AbortSignal | undefined
}

/** Passes work on; while it lasts, the holder shows that it is alive. */
export type WhileAlive = <Work>(work: Promise<Work>) => Promise<Work>

const firstPauseMilliseconds = 5
const longestPauseMilliseconds = 100
const signOfLifeMilliseconds = 2000
/** Longer than it takes from reading a lock to replacing it, on a machine with much to do. */
const settlingMilliseconds = 100

/** An identity is about 150 bytes. */
const longestLockBytes = 4096

/** A folder, a link, a long or an unreadable file under the name of the lock: never touched. */
const foreign = Symbol('foreign')

/**
 * Runs `act`, alone among the processes that lock the same path where that can be had within the wait. `act` is told: `held`
 * is false after a wait in vain (the holder is stopped, or on another host), and at once where no lock file can be made (no
 * such folder, read-only disk, something else under its name).
 * @throws what `act` throws, and the signal's reason where it aborts during the wait.
 */
export async function withLock<T>(
  path: string,
  options: LockOptions<T>,
  act: (held: boolean, whileAlive: WhileAlive) => Promise<T>,
): Promise<T> {
  const mine = await thisProcess()
  const content = JSON.stringify({ ...mine, turn: String(process.hrtime.bigint()) })
  const { held, done } = await acquire(path, mine, content, options)
  try {
    const already = done ?? options.done?.()
    return already ?? (await act(held, held ? (work) => showingLife(path, work) : (work) => work))
  } finally {
    // One that cannot be removed (the folder is read-only by now) is taken over from, once this process has ended.
    if (held && textOf(await readLock(path)) === content) await unlink(path).catch(systemCode)
  }
}

async function showingLife<Work>(path: string, work: Promise<Work>): Promise<Work> {
  let signs = 0
  const timer = setInterval(() => {
    signs += 1
    // The time of the file is only compared with itself, so a count will do. A lock that is gone needs none.
    utimes(path, signs, signs).catch(() => undefined)
  }, signOfLifeMilliseconds)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

interface Acquired<T> {
  readonly held: boolean
  readonly done: T | undefined
}

async function acquire<T>(
  path: string,
  mine: ProcessIdentity,
  content: string,
  { waitMilliseconds, overdueMilliseconds, done, signal }: LockOptions<T>,
): Promise<Acquired<T>> {
  const overdue = new Overdue(overdueMilliseconds ?? Number.POSITIVE_INFINITY)
  let leftMilliseconds = waitMilliseconds
  let pauseMilliseconds = firstPauseMilliseconds
  for (;;) {
    signal?.throwIfAborted()
    const attempt = await make(path, content)
    // Asked once more by the caller, who removes the lock whatever comes of it.
    if (attempt !== 'taken') return { held: attempt === 'made', done: undefined }
    const already = done?.()
    if (already !== undefined) return { held: false, done: already }
    const turn = await takeOver(path, mine, content, overdue)
    if (turn !== 'taken') return { held: turn === 'made', done: undefined }
    if (leftMilliseconds <= 0) {
      if (await removeUnwritten(path)) continue
      return { held: false, done: undefined }
    }
    const wait = Math.min(pauseMilliseconds, leftMilliseconds)
    await pauseOrAbort(wait, signal)
    leftMilliseconds -= wait
    pauseMilliseconds = Math.min(pauseMilliseconds * 2, longestPauseMilliseconds)
    await overdue.waited(path, wait)
  }
}

/** Counts how long one holder shows no sign of life, by the time that was waited and by no clock that can be set. */
class Overdue {
  readonly #limit: number
  #seen: string | undefined
  #silentMilliseconds = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  async waited(path: string, milliseconds: number): Promise<void> {
    const lock = await readLock(path)
    const seen = typeof lock === 'object' ? signOf(lock) : undefined
    this.#silentMilliseconds = seen === this.#seen ? this.#silentMilliseconds + milliseconds : 0
    this.#seen = seen
  }

  is(lock: Lock): boolean {
    return this.#silentMilliseconds >= this.#limit && signOf(lock) === this.#seen
  }
}

const signOf = ({ changed, text }: Lock): string => `${changed} ${text}`

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
type Turn = 'made' | 'taken' | 'impossible'

async function make(path: string, content: string): Promise<Turn> {
  const file = await open(path, 'wx', 0o600).catch(systemCode)
  if (file === 'EEXIST') return 'taken'
  if (file === undefined || typeof file === 'string') return 'impossible'
  const written = await file.writeFile(content).then(
    () => true,
    () => false,
  )
  await file.close()
  if (written) return 'made'
  await unlink(path).catch(systemCode)
  return 'impossible'
}

/** Takes the place of a holder that ended or is overdue. */
async function takeOver(path: string, mine: ProcessIdentity, content: string, overdue: Overdue): Promise<Turn> {
  const lock = await readLock(path)
  if (lock === foreign) return 'impossible'
  if (lock === undefined) return 'taken'
  const holder = readIdentity(lock.text)
  const isFree = overdue.is(lock) || (holder !== undefined && (await hasEnded(holder, mine)))
  return isFree ? await seize(path, content, lock.text) : 'taken'
}

/**
 * Puts a lock of our own in the place of one with this text, in one step: many may find the same ended holder at once. Of
 * those the last has it, which shows when all have had their turn.
 */
async function seize(path: string, content: string, text: string): Promise<Turn> {
  const fresh = `${path}.${process.pid}-${process.hrtime.bigint()}`
  try {
    await writeFile(fresh, content, { flag: 'wx', mode: 0o600 })
    if (textOf(await readLock(path)) !== text) return 'taken'
    await rename(fresh, path)
  } catch (error) {
    // The folder is read-only by now, or full.
    if (systemCode(error) === undefined) throw error
    return 'impossible'
  } finally {
    await unlink(fresh).catch(() => undefined)
  }
  await pause(settlingMilliseconds)
  return textOf(await readLock(path)) === content ? 'made' : 'taken'
}

/**
 * A lock that stayed without a name for a whole wait was left by a process killed between making and writing it. True where
 * it was removed.
 */
async function removeUnwritten(path: string): Promise<boolean> {
  const lock = await readLock(path)
  if (typeof lock !== 'object' || readIdentity(lock.text) !== undefined) return false
  return await unlink(path).then(
    () => true,
    () => false,
  )
}

interface Lock {
  readonly text: string
  /** Of the last sign of life. */
  readonly changed: number
}

const textOf = (lock: Awaited<ReturnType<typeof readLock>>): string | undefined =>
  typeof lock === 'object' ? lock.text : undefined

/** The lock file; undefined where it is gone; `foreign` where it is something that no lock can be. */
async function readLock(path: string): Promise<Lock | undefined | typeof foreign> {
  try {
    const stats = await lstat(path)
    if (!stats.isFile() || stats.size > longestLockBytes) return foreign
    return { text: await readFile(path, 'utf8'), changed: stats.mtimeMs }
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : foreign
  }
}

/** Undefined where the text is not a whole identity: its maker was killed before it wrote, or still writes. */
export function readIdentity(text: string): ProcessIdentity | undefined {
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
