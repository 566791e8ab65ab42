// A PIN that a device refused is tried by no other process, until its source changes or a person says so (F-P01, F-W02). In: a
// key URI, and what uses its device. Out: what that gives, or ERR_PIN_INCORRECT at once.
// 1. Of a source is kept what tells that it changed (path, inode, size and time of a file), never the PIN or a hash of it.
// 2. A source that nobody has tried yet is tried by one process at a time; the others wait for what comes of it.
// 3. A person who is asked is a new source each time: nothing is kept of that. Vault counts no tries of a token, and a
//    passphrase has no counter: only PKCS#11 tokens, TPMs and the logins that a server locks are guarded.

import { type BigIntStats, fstatSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { fileFailure, systemCode } from '../files/file-failure.ts'
import { readPrivate } from '../files/read-private.ts'
import { replaceAtomically } from '../files/replace-atomically.ts'
import { fingerprint, stamped, stampedJson } from '../files/stamp.ts'
import { type WhileAlive, withLock } from '../files/with-lock.ts'
import { withoutPinSource } from '../key/pin-source.ts'
import type { KeyUri } from '../key/uri.ts'

/** What locks after some refusals, and where it gets its secret from, where that is no `pin-source`. */
const guarded: ReadonlyMap<string, string> = new Map([
  ['pkcs11', 'pin-source'],
  ['tpm2', 'pin-source'],
  ['vault approle', 'secret-source'],
  ['vault userpass', 'password-source'],
])
/** Sources that ask a person. */
const asking: readonly string[] = ['prompt:', 'pinentry:', 'askpass:']
const prefix = 'pin-'
const longestVerdict = 65_536

/** As long as a command may take; a holder that was stopped or killed is not waited for. */
const wait = { waitMilliseconds: 55_000, overdueMilliseconds: 10_000 } as const

interface Source {
  /** The device and the name of the source. */
  readonly name: string
  readonly where: string
  /** Changes with the source; empty where nothing tells. */
  readonly identity: string
}

/** What a device said to a source. */
interface Verdict {
  readonly name: string
  readonly identity: string
  /** The words of the refusal; undefined where the PIN was right. */
  readonly refusal?: string | undefined
  readonly serviceCode?: string | undefined
}

/** What uses a device goes through this. */
export type PinGuard = Pick<PinLatch, 'guard'>

export class PinLatch {
  readonly #folder: string | undefined
  readonly #remembered = new Map<string, Verdict>()

  /** Without a folder, what was refused is remembered for the life of this object. */
  constructor(folder: string | undefined) {
    this.#folder = folder
  }

  /**
   * Runs `act`, which opens the device of this URI and uses it. A refusal of the PIN is kept. `whileAlive`: of a lock that
   * the caller holds, while this waits for another process.
   *
   * @throws ERR_PIN_INCORRECT without running it where the source was refused before; what `act` throws
   */
  async guard<T>(uri: KeyUri, signal: AbortSignal, act: () => Promise<T>, whileAlive?: WhileAlive): Promise<T> {
    const source = sourceOf(uri)
    if (source === undefined) return await act()
    const isAccepted = (): true | undefined => this.#isAccepted(source)
    const tried = (): Promise<T> => this.#tried(source, act)
    const path = this.#path(source)
    if (path === undefined || isAccepted()) return await tried()
    const waiting = begun(whileAlive)
    const options = { ...wait, signal, done: isAccepted }
    try {
      const outcome = await withLock<true | { readonly given: T }>(`${path}.lock`, options, async (_held, alive) => {
        waiting.end()
        return { given: await alive(tried()) }
      })
      return outcome === true ? await tried() : outcome.given
    } finally {
      waiting.end()
    }
  }

  #path({ name }: Source): string | undefined {
    return this.#folder === undefined ? undefined : join(this.#folder, `${prefix}${fingerprint(name)}`)
  }

  /** True where the source was right last time, undefined where nothing is known. @throws ERR_PIN_INCORRECT */
  #isAccepted(source: Source): true | undefined {
    const path = this.#path(source)
    const kept = path === undefined ? undefined : verdictIn(stampedJson(readPrivate(path, longestVerdict)))
    const verdict = kept ?? this.#remembered.get(source.name)
    if (verdict?.name !== source.name || verdict.identity !== source.identity) return undefined
    if (verdict.refusal === undefined) return true
    throw refusedBefore(source, verdict.refusal, verdict.serviceCode)
  }

  async #tried<T>(source: Source, act: () => Promise<T>): Promise<T> {
    const { name, identity } = source
    try {
      const given = await act()
      await this.#keep(source, { name, identity })
      return given
    } catch (error) {
      if (error instanceof HardkeyError && error.code === 'ERR_PIN_INCORRECT') {
        await this.#keep(source, { name, identity, refusal: error.message, serviceCode: error.serviceCode })
      }
      throw error
    }
  }

  /** A folder that takes no file is no failure: the latch then lasts as long as this object. */
  async #keep(source: Source, verdict: Verdict): Promise<void> {
    const path = this.#path(source)
    this.#remembered.set(source.name, verdict)
    const text = stamped(JSON.stringify(verdict))
    if (path === undefined || readPrivate(path, longestVerdict) === text) return
    try {
      await replaceAtomically(path, Buffer.from(text), { followLinks: false })
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
    }
  }
}

/** Shows life from now until its end. */
function begun(whileAlive: WhileAlive = (work) => work): { readonly end: () => void } {
  let end = (): void => undefined
  void whileAlive(
    new Promise<void>((resolve) => {
      end = resolve
    }),
  )
  return { end: () => end() }
}

/** Forgets every refusal, and gives their number. @throws ERR_CACHE_UNSAFE where the folder cannot be changed */
export function clearLatches(folder: string): number {
  try {
    const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && !name.endsWith('.lock'))
    const refusals = names.filter((name) => {
      const text = readPrivate(join(folder, name), longestVerdict)
      return verdictIn(stampedJson(text))?.refusal !== undefined
    })
    for (const name of refusals) unlinkSync(join(folder, name))
    return refusals.length
  } catch (error) {
    throw fileFailure('write', folder, 'ERR_CACHE_UNSAFE', error)
  }
}

function refusedBefore({ where, identity }: Source, refusal: string, serviceCode: string | undefined): HardkeyError {
  const remedy = identity === '' ? 'once it is corrected, run' : 'it is tried again once it has changed there, or after'
  return new HardkeyError('ERR_PIN_INCORRECT', `${refusal}; it is not tried again`, {
    hint: `correct what ${where} gives; ${remedy} hardkey doctor --clear-latch`,
    serviceCode,
  })
}

/** Undefined where a person is asked, nothing is, or nothing is lost by another try. */
function sourceOf(uri: KeyUri): Source | undefined {
  const own = guarded.get(uri.scheme === 'vault' ? `vault ${uri.get('login')}` : uri.scheme)
  if (own === undefined) return undefined
  const where = uri.has('pin-value') ? 'pin-value' : (uri.get('pin-source') ?? uri.get(own))
  if (where === undefined || asking.includes(where)) return undefined
  // All objects of a token have one PIN, and all keys of a server one login.
  const one = { object: undefined, id: undefined, type: undefined, key: undefined, mount: undefined }
  const device = withoutPinSource(uri).with({ path: one, query: { 'key-version': undefined } })
  return { name: `${device} ${where}`, where, identity: identityOf(where) }
}

function identityOf(where: string): string {
  const [, kind = 'file', rest = where] = /^(file|fd):(?:\/\/(?:localhost)?(?=\/))?(.*)$/s.exec(where) ?? []
  const isPath = kind === 'file' && rest.startsWith('/')
  try {
    if (isPath) return identityIn(statSync(rest, { bigint: true }))
    if (kind === 'fd') return identityIn(fstatSync(Number(rest), { bigint: true }))
    // systemd makes the file of a credential anew at each start of a unit.
    return ''
  } catch (error) {
    // Whoever reads the source says what is wrong with it.
    if (systemCode(error) !== undefined) return 'missing'
    throw error
  }
}

function identityIn({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join(' ')
}

/** Undefined for what is no verdict. */
export function verdictIn(value: unknown): Verdict | undefined {
  const members: Record<string, unknown> = Object.assign(Object.create(null), value)
  const { name, identity, refusal, serviceCode } = members
  if (typeof name !== 'string' || typeof identity !== 'string') return undefined
  if (refusal !== undefined && typeof refusal !== 'string') return undefined
  return { name, identity, refusal, serviceCode: typeof serviceCode === 'string' ? serviceCode : undefined }
}
