// Who asked, as far as the kernel's tables tell. In: nothing, or the owner of a socket. Out: a process and its user, null
// where the kernel does not say. proc(5), /proc/PID and /proc/PID/fd.

import { statSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'

export interface Caller {
  readonly pid: number | null
  /** The user that the process acts as, by its number here. */
  readonly uid: number | null
}

/** The process that started this one; it may be a shell between a tool and us. None where it is outside of a container. */
export function parentCaller(pid: number = process.ppid): Caller {
  if (pid === 0) return { pid: null, uid: null }
  try {
    return { pid, uid: process.platform === 'linux' ? statSync(`/proc/${pid}`).uid : null }
  } catch {
    // It ended meanwhile, or /proc does not show the processes of others.
    return { pid, uid: null }
  }
}

/** How much is looked at, and where. */
export interface SocketCallersOptions {
  readonly proc?: string | undefined
  /** Descriptors of all processes together, for one pass. Default 16,384: some tenths of a second. */
  readonly mostFiles?: number | undefined
  /** Sockets that are looked for at once. Default 1024. */
  readonly mostWaiting?: number | undefined
}

/** More programs than ask one endpoint again and again. */
const mostRemembered = 16

/** Of one process, so that one with ever so many hides no other. */
const mostFilesOfOne = 4096

/** Read at once: the rest of the process wants its threads too. */
const filesAtOnce = 32

/**
 * Finds the owners of sockets. Those that are asked for at one time are looked for in one pass through the processes, which
 * begins with those that were found before, goes on with the newest (a program asks for credentials when it starts), and
 * ends where the last one is found or enough was looked at.
 */
export class SocketCallers {
  readonly #proc: string
  readonly #mostFiles: number
  readonly #mostWaiting: number
  readonly #wanted = new Map<string, ((pid: number | null) => void)[]>()
  /** The last that were found, the latest first. */
  #remembered: readonly number[] = []
  #isLooking = false

  constructor({ proc = '/proc', mostFiles = 16_384, mostWaiting = 1024 }: SocketCallersOptions = {}) {
    this.#proc = proc
    this.#mostFiles = mostFiles
    this.#mostWaiting = mostWaiting
  }

  /**
   * The owner of a socket, and a process that has it open: of several one. None of another user's unless we are root, none
   * where the socket is closed already, and none past the bounds. Never fails.
   */
  async of(owner: { readonly uid: number; readonly inode: number } | undefined): Promise<Caller> {
    if (owner === undefined) return { pid: null, uid: null }
    return { pid: await this.#pidOf(`socket:[${owner.inode}]`), uid: owner.uid }
  }

  async #pidOf(socket: string): Promise<number | null> {
    const others = this.#wanted.get(socket) ?? []
    if (others.length === 0 && this.#wanted.size >= this.#mostWaiting) return null
    return await new Promise((resolve) => {
      this.#wanted.set(socket, [...others, resolve])
      if (!this.#isLooking) void this.#look()
    })
  }

  /** Passes until nobody waits. Who comes during one is looked for in what is left of it, and then in the next. */
  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#wanted.size > 0) {
      const sockets = [...this.#wanted.keys()]
      await this.#pass()
      for (const socket of sockets) this.#settle(socket, null)
    }
    this.#isLooking = false
  }

  async #pass(): Promise<void> {
    const numbers = (await names(this.#proc)).filter((name) => /^[0-9]+$/.test(name)).map(Number)
    const newest = numbers.sort((one, other) => other - one)
    let left = this.#mostFiles
    for (const pid of new Set([...this.#remembered, ...newest])) {
      if (left <= 0 || this.#wanted.size === 0) return
      const folder = `${this.#proc}/${pid}/fd`
      const open = (await names(folder)).slice(0, Math.min(left, mostFilesOfOne))
      // A process that shows none costs something too.
      left -= open.length + 1
      for (let at = 0; at < open.length && this.#wanted.size > 0; at += filesAtOnce) {
        const some = open.slice(at, at + filesAtOnce)
        const targets = await Promise.all(some.map((name) => readlink(`${folder}/${name}`).catch(() => '')))
        for (const target of targets) this.#settle(target, pid)
      }
    }
  }

  #settle(socket: string, pid: number | null): void {
    const wanted = this.#wanted.get(socket)
    if (wanted === undefined) return
    this.#wanted.delete(socket)
    if (pid !== null) {
      const others = this.#remembered.filter((one) => one !== pid)
      this.#remembered = [pid, ...others].slice(0, mostRemembered)
    }
    for (const resolve of wanted) resolve(pid)
  }
}

/** Nothing where it may not be read, or is gone. */
async function names(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => [])
}
