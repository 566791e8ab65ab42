// A PIN that a device refused is tried by no other process, until its source changes or a person says so (F-P01, F-W02). In: a
// key URI, and what uses its device. Out: what that gives, or ERR_PIN_INCORRECT at once.
// 1. Of a source is kept what tells that it changed (inode, size and time of a file), never the PIN or a hash of it. So a
//    file that was only written again counts as changed: that earns one more try, and after it a person must say so.
// 2. A source that nobody has tried yet is tried by one process at a time; the others wait for what comes of it.
// 3. A token that had a wrong PIN (CKF_USER_PIN_COUNT_LOW) is tried once by a source that changed since, or that a person
//    cleared, and by no other that asks nobody. The last try is never taken (F-P03, F-P04).
// 4. A person who is asked is a new source each time: nothing is kept of that. Vault counts no tries of a token, and a
//    passphrase has no counter: only PKCS#11 tokens, TPMs and the logins that a server locks are guarded.

import { type BigIntStats, fstatSync, statSync } from 'node:fs'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import { type WhileAlive, withLock } from '../../files/with-lock.ts'
import { withoutPinSource } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { CommandContext } from '../command.ts'
import { keepVerdict, readVerdict, type Verdict, type VerdictFolder, verdictFolders, verdictPath } from './verdicts.ts'

/** What locks after some refusals, and where it gets its secret from, where that is no `pin-source`. */
const guarded: ReadonlyMap<string, string> = new Map([
  ['pkcs11', 'pin-source'],
  ['tpm2', 'pin-source'],
  ['vault approle', 'secret-source'],
  ['vault userpass', 'password-source'],
])
/** Sources that ask a person. */
const asking: readonly string[] = ['prompt:', 'pinentry:', 'askpass:']
/** The first, and one after the source has changed: half of what most tokens and servers take. */
const mostRefusals = 2

/** As long as a command may take; a holder that was stopped or killed is not waited for. */
const wait = { waitMilliseconds: 55_000, overdueMilliseconds: 10_000 } as const

interface Source {
  /** The device and the name of the source. */
  readonly name: string
  readonly where: string
  /** Changes with the source; empty where nothing tells. */
  readonly identity: string
}

/** What uses a device goes through this. */
export type PinGuard = Pick<PinLatch, 'guard'>

export class PinLatch {
  readonly #find: () => Promise<readonly VerdictFolder[]>
  readonly #onUnkept: () => void
  readonly #unkept = new Map<string, Verdict>()
  #found: Promise<readonly VerdictFolder[]> | undefined

  /** Where no folder takes what was refused, that is told, and remembered for the life of this object. */
  constructor(find: () => Promise<readonly VerdictFolder[]>, onUnkept: () => void = () => undefined) {
    this.#find = find
    this.#onUnkept = onUnkept
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
    const folders = await this.#folders()
    const isAccepted = (): true | undefined => this.#isAccepted(folders, source)
    const tried = (): Promise<T> => this.#tried(folders, source, act)
    if (isAccepted()) return await tried()
    const waiting = begun(whileAlive)
    const options = { ...wait, signal, done: isAccepted }
    const alone = async ([folder, ...others]: readonly VerdictFolder[]): Promise<true | { readonly given: T }> => {
      if (folder === undefined) return { given: await tried() }
      return await withLock(`${verdictPath(folder, source.name)}.lock`, options, async (held, alive) => {
        // No lock can be made on a disk that is full.
        if (!held) return await alone(others)
        waiting.end()
        return { given: await alive(tried()) }
      })
    }
    try {
      const outcome = await alone(folders)
      return outcome === true ? await tried() : outcome.given
    } finally {
      waiting.end()
    }
  }

  /** True where the source of this URI changed since it was refused, or a person cleared it: it may be tried once more. */
  async isCorrected(uri: KeyUri): Promise<boolean> {
    const source = sourceOf(uri)
    return source !== undefined && isCorrected(this.#verdict(await this.#folders(), source), source)
  }

  /** Looked for when a device is first used. */
  #folders(): Promise<readonly VerdictFolder[]> {
    this.#found ??= this.#find()
    return this.#found
  }

  /** A refusal in one folder counts, whatever another has from before. */
  #verdict(folders: readonly VerdictFolder[], { name }: Source): Verdict | undefined {
    const kept = [...folders.map((folder) => readVerdict(folder, name)), this.#unkept.get(name)]
    return kept.find((verdict) => verdict?.state === 'refused') ?? kept.find((verdict) => verdict !== undefined)
  }

  /** True where the source was right last time, undefined where it may be tried. @throws ERR_PIN_INCORRECT */
  #isAccepted(folders: readonly VerdictFolder[], source: Source): true | undefined {
    const verdict = this.#verdict(folders, source)
    if (verdict?.state === 'right' && verdict.identity === source.identity) return true
    if (verdict?.state !== 'refused' || isCorrected(verdict, source)) return undefined
    throw refusedBefore(folders, source, verdict)
  }

  async #tried<T>(folders: readonly VerdictFolder[], source: Source, act: () => Promise<T>): Promise<T> {
    const { name, identity, where } = source
    const keep = async (verdict: Pick<Verdict, 'state' | 'refusal' | 'serviceCode' | 'refusals'>): Promise<void> => {
      const whole = { name, identity, ...verdict }
      if (await keepVerdict(folders, whole)) return
      this.#unkept.set(name, whole)
      if (verdict.state === 'refused') this.#onUnkept()
    }
    try {
      const given = await act()
      await keep({ state: 'right' })
      return given
    } catch (error) {
      if (!(error instanceof HardkeyError)) throw error
      const { code, message, serviceCode } = error
      if (code === 'ERR_PIN_INCORRECT') {
        const { state, refusals = 1 } = this.#verdict(folders, source) ?? {}
        await keep({
          state: 'refused',
          refusal: message,
          serviceCode,
          refusals: state === 'refused' ? refusals + 1 : 1,
        })
      }
      if (serviceCode !== 'CKF_USER_PIN_COUNT_LOW') throw error
      if (this.#verdict(folders, source)?.state !== 'refused') await keep({ state: 'untried' })
      const hint = `check what ${where} gives, then run ${clearingOf(folders)}, or log in once with --pin-source prompt:`
      throw new HardkeyError(code, message, { hint, serviceCode })
    }
  }
}

/** The latch of this user, in whichever folder remembers. */
export function pinLatch(context: CommandContext): PinLatch {
  const told = 'no folder can keep that the PIN was refused: the next run would try it again'
  return new PinLatch(
    () => verdictFolders(context),
    () => context.report.warning(told),
  )
}

/**
 * Runs `act`, which opens the device of this URI. A PIN that was refused before, by whichever command, is not tried again.
 *
 * @throws ERR_PIN_INCORRECT; what `act` throws
 */
export async function latched<T>(context: CommandContext, uri: KeyUri, act: () => Promise<T>): Promise<T> {
  return await pinLatch(context).guard(uri, context.signal, act)
}

function isCorrected(verdict: Verdict | undefined, { identity }: Source): boolean {
  if (verdict?.state !== 'refused') return verdict?.state === 'cleared'
  return verdict.identity !== identity && (verdict.refusals ?? mostRefusals) < mostRefusals
}

function clearingOf([first]: readonly VerdictFolder[]): string {
  return first?.clear ?? 'hardkey doctor --clear-latch'
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

function refusedBefore(folders: readonly VerdictFolder[], { where, identity }: Source, verdict: Verdict): HardkeyError {
  const { refusal = 'the PIN was refused', serviceCode, refusals = mostRefusals } = verdict
  const isStuck = identity === '' || refusals >= mostRefusals
  const remedy = isStuck ? 'once it is corrected, run' : 'it is tried again once it has changed there, or after'
  return new HardkeyError('ERR_PIN_INCORRECT', `${refusal}; it is not tried again`, {
    hint: `correct what ${where} gives; ${remedy} ${clearingOf(folders)}`,
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

function identityIn(stats: BigIntStats): string {
  const { dev, ino, size, mtimeNs, nlink } = stats
  // A pipe, a socket and a file without a name (a here-document) are made anew for each start.
  return stats.isFile() && nlink > 0n ? [dev, ino, size, mtimeNs].join(' ') : ''
}
