// An opened keyset whose key-encryption key can be asked again. In: the encrypted keyset and how it is decrypted.
// Out: an HmacKey that holds the key only for a while after its last use (F-K08).
// 1. The key is wiped when it was idle, and the keyset decrypted again for the next use; callers share one decryption.
// 2. What is decrypted is the keyset that was opened first, kept in its encrypted form: the file may be another one by now.
//    A service that gives another key for it is refused.
// 3. A decryption belongs to the opened key and not to a caller: it ends with close(), and a caller that aborts leaves alone.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import type { HmacKey, KeyInfo } from '../../key/hmac-key.ts'
import type { Secret } from '../../key/secret.ts'
import { longestTimer } from '../../key/time-limit.ts'

/** What an opened keyset is made of. */
export interface KeysetParts {
  readonly info: KeyInfo
  /** The key, decrypted and checked; it is taken over. */
  readonly key: Secret
  /** Decrypts the same keyset again. */
  readonly decrypt: (signal: AbortSignal) => Promise<Secret>
  readonly close: () => void
  readonly idleMilliseconds: number
}

export class OpenedKeyset implements HmacKey {
  readonly info: KeyInfo
  readonly #parts: Omit<KeysetParts, 'key' | 'info'>
  readonly #closing = new AbortController()
  /** By which the same key is known again. */
  readonly #label = randomBytes(32)
  readonly #proof: Uint8Array
  #key: Secret | undefined
  #opening: Promise<Secret> | undefined
  #idle: NodeJS.Timeout | undefined

  constructor({ info, key, ...parts }: KeysetParts) {
    this.info = info
    this.#parts = parts
    this.#proof = hmacOf(key, this.#label)
    this.#keep(key)
  }

  async hmac(data: Uint8Array): Promise<Uint8Array> {
    const key = await this.#current()
    // Nothing waits from here on, so nobody wipes it meanwhile.
    const answer = hmacOf(key, data)
    this.#keep(key)
    return answer
  }

  async close(): Promise<void> {
    this.#closing.abort(closed())
    this.#forget()
    this.#parts.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #current(): Promise<Secret> {
    if (this.#closing.signal.aborted) throw closed()
    if (this.#key !== undefined) return this.#key
    this.#opening ??= this.#decryptAgain().finally(() => {
      this.#opening = undefined
    })
    await this.#opening
    // The first of several callers may have let it be wiped, where the time to keep it is none.
    return await this.#current()
  }

  async #decryptAgain(): Promise<Secret> {
    const key = await this.#parts.decrypt(this.#closing.signal)
    const isSame = timingSafeEqual(hmacOf(key, this.#label), this.#proof)
    if (isSame && !this.#closing.signal.aborted) {
      this.#keep(key)
      return key
    }
    key.wipe()
    if (isSame) throw closed()
    throw new HardkeyError('ERR_DEVICE_FAILED', 'the same keyset was decrypted to another key than before')
  }

  #keep(key: Secret): void {
    clearTimeout(this.#idle)
    this.#key = key
    this.#idle = setTimeout(() => this.#forget(), Math.min(this.#parts.idleMilliseconds, longestTimer))
    this.#idle.unref()
  }

  #forget(): void {
    clearTimeout(this.#idle)
    this.#key?.wipe()
    this.#key = undefined
  }
}

function hmacOf(key: Secret, data: Uint8Array): Uint8Array {
  return key.lend((bytes) => createHmac('sha256', bytes).update(data).digest())
}

function closed(): HardkeyError {
  return new HardkeyError('ERR_KEY_CLOSED', 'the key was closed')
}
