// One stay of a key in the TPM: from finding it to giving everything back. In: what was found and made. Out: the key as an
// object of the TPM, the key that sessions are salted to, and often a session that has begun.
// 1. Commands up to here: none but TPM2_StartAuthSession for a persistent key whose Name and whose salting key's public area
//    are known; TPM2_StartAuthSession and TPM2_Load for a key file under a persistent parent.
// 2. Whoever ends a stay flushes what it made; a transient object is lost at a reset, and then the stay is begun anew.

import type { AuthValues } from './auth-values.ts'
import type { KeyMaterial } from './key-material.ts'
import type { KeyAddress, ParentChoice } from './key-uri.ts'
import type { StorageKey } from './parent.ts'
import type { Entity } from './wire/plain-command.ts'
import type { KeyedHashPublic } from './wire/public-area.ts'
import type { PreparedSalt } from './wire/salt.ts'
import type { Session } from './wire/session.ts'
import type { Tpm } from './wire/tpm.ts'

export interface StayWish {
  readonly address: KeyAddress
  readonly material: KeyMaterial | undefined
  readonly auths: AuthValues
  /** The parent that fitted before: it alone is tried. */
  readonly parent?: ParentChoice | undefined
  /** A salt for the public area that the URI holds, made beforehand: once, for whoever starts a session with it. */
  readonly takePrepared: () => PreparedSalt | undefined
  /** The key has a policy or an auth value, or is to be described: its public area is read. */
  readonly readsPublic: boolean
  readonly signal?: AbortSignal | undefined
}

export class Stay {
  readonly tpm: Tpm
  readonly key: Entity
  /** What sessions are salted to. */
  readonly salt: StorageKey
  /** The parent; undefined for a persistent key, which does not tell. */
  readonly parent: StorageKey | undefined
  /** Undefined for a persistent key whose public area was not read. */
  readonly area: KeyedHashPublic | undefined
  readonly #isLoaded: boolean
  #session: Session | undefined

  constructor(tpm: Tpm, found: FoundKey, salt: StorageKey) {
    this.tpm = tpm
    this.key = found.key
    this.salt = salt
    this.parent = found.parent
    this.area = found.area
    this.#isLoaded = found.isLoaded
    this.#session = found.session
  }

  /** The session that was begun with the stay, once; it is salted, of kind `hmac`, and may use the key. */
  takeSession(): Session | undefined {
    const session = this.#session
    this.#session = undefined
    return session
  }

  /** Gives back what the stay has made in the TPM. Never throws. */
  async end(): Promise<void> {
    await this.takeSession()?.end()
    if (this.#isLoaded) await this.tpm.flush(this.key.handle)
    for (const one of new Set([this.salt, this.parent])) {
      if (one?.isTransient === true) await this.tpm.flush(one.handle)
    }
  }
}

/** What a stay begins with. */
export interface FoundKey {
  readonly key: Entity
  readonly parent?: StorageKey | undefined
  readonly area?: KeyedHashPublic | undefined
  readonly isLoaded: boolean
  readonly session?: Session | undefined
}

/** Everything that `act` made is flushed where it fails; where it succeeds, that is its result's business. */
export async function flushedOnFailure<T>(tpm: Tpm, act: () => Promise<T>): Promise<T> {
  const before = new Set(tpm.handles)
  try {
    return await act()
  } catch (error) {
    for (const handle of tpm.handles) if (!before.has(handle)) await tpm.flush(handle)
    throw error
  }
}
