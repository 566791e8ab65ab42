// A file system that fails: small, full, read-only, or gone. In: a folder and a size. Out: a tmpfs over that folder, seen by
// the commands that are started in it and by nobody else, and ways to spoil it. It lies in a mount namespace of its own
// (unshare, nsenter and mount of util-linux), which goes with the process that holds it, however the tests end.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtEnvironment } from '../peers/peer.ts'

/** The system does not let this user mount anything: counts as "not run" in the report of `npm test`. */
class CannotMount extends Error {
  // The name by which the report tells a missing peer from a failure.
  override readonly name = 'PeerMissing'
}

/** A page: what a tmpfs gives out at a time, on x86-64 and on most others. */
const pageBytes = 4096

export class FaultyFileSystem {
  readonly folder: string
  readonly #holder: ChildProcess
  readonly #bytes: number

  private constructor(folder: string, holder: ChildProcess, bytes: number) {
    this.folder = folder
    this.#holder = holder
    this.#bytes = bytes
  }

  /** An empty file system over `folder`, which exists. @throws an error that counts as "not run" where nobody may mount */
  static async over(folder: string, bytes: number = 64 * pageBytes): Promise<FaultyFileSystem> {
    const script = 'mount -t tmpfs -o "size=$2,mode=700" none "$1" && echo ready && exec cat'
    const parameters = [...namespaces, '--propagation', 'private', 'sh', '-c', script, 'sh', folder, `${bytes}`]
    const holder = spawn('unshare', parameters, { env: builtEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] })
    let errors = ''
    holder.stderr.on('data', (piece) => {
      errors += piece
    })
    const failed = once(holder, 'close').then(() => {
      throw new CannotMount(`a file system cannot be mounted here: ${errors.trim()}`)
    })
    await Promise.race([once(holder.stdout, 'data'), failed])
    failed.catch(() => undefined)
    return new FaultyFileSystem(folder, holder, bytes)
  }

  /** Where this process sees a path that lies in the file system. */
  seen(path: string): string {
    return `/proc/${this.#holder.pid}/root${path}`
  }

  /** The words that start a program within. */
  within(words: readonly string[]): readonly [command: string, parameters: readonly string[]] {
    return ['nsenter', ['-t', `${this.#holder.pid}`, ...entering, '--', ...words]]
  }

  /** Takes all room but so many pages. */
  fill(pagesLeft = 0): void {
    const filler = this.seen(join(this.folder, 'filler'))
    for (let bytes = this.#bytes; ; bytes -= pageBytes) {
      try {
        writeFileSync(filler, Buffer.alloc(bytes, 'x'))
        writeFileSync(filler, Buffer.alloc(Math.max(0, bytes - pagesLeft * pageBytes), 'x'))
        return
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
    }
  }

  /** Gives the room back. */
  empty(): void {
    rmSync(this.seen(join(this.folder, 'filler')), { force: true })
  }

  setReadOnly(isReadOnly: boolean): void {
    this.#mount(['mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.folder])
  }

  /** Takes the file system away, as a disk that was unplugged: the folder below it is seen, in which there is nothing. */
  vanish(): void {
    this.#mount(['mount', '--move', this.folder, elsewhere])
  }

  /** Plugs it in again. */
  comeBack(): void {
    this.#mount(['mount', '--move', elsewhere, this.folder])
  }

  async remove(): Promise<void> {
    const end = once(this.#holder, 'close')
    this.#holder.stdin?.end()
    await end
  }

  #mount(words: readonly string[]): void {
    const [command, parameters] = this.within(words)
    const { status, stderr } = spawnSync(command, parameters, { env: builtEnvironment(), encoding: 'utf8' })
    if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`)
  }
}

/** A folder that every Linux has; what is moved there is seen in the namespace alone. */
const elsewhere = '/mnt'

/** Whoever is not root takes a user namespace too, in which he is. */
const isRoot = process.getuid?.() === 0
const namespaces = isRoot ? ['-m'] : ['-r', '-m']
const entering = isRoot ? ['-m'] : ['-U', '--preserve-credentials', '-m']
