// An authorization session. In: a kind, a key to salt it with. Out: its handle, its key, its nonces, and the two HMACs.
// TPM 2.0 Library, Part 1, 19.6 "Session-Based Authorizations"; Part 3, 11.1 TPM2_StartAuthSession.
// 1. SHA-256, AES-128-CFB, and salted, but for the session that makes a primary key where there is no other key to
//    salt with: that one proves an auth value and encrypts nothing.
// 2. One command uses a session at a time: nonces roll with each answer, and stay where the TPM refuses.
// 3. Whoever starts a session ends it in a `finally`; the Tpm flushes it too, at the end of its scope.

import { randomFillSync } from 'node:crypto'
import { HardkeyError } from '../../../errors.ts'
import { TPM_ALG, TPM_CC, TPM_RH, TPM_SE } from './constants.ts'
import { hmacSha256, joined, kdfa } from './kdf.ts'
import { plainCommand } from './plain-command.ts'
import { aes128Cfb, writeSymmetric } from './public-area.ts'
import { type PreparedSalt, type SaltKey, saltFor, wipeSalt } from './salt.ts'
import type { Tpm } from './tpm.ts'

/** Bytes of a nonce here: the size of the session's hash, as in every TPM software. */
export const nonceSize = 32

export interface SessionOptions {
  /** `hmac`: an auth value authorises. `policy`: the steps of a policy do. */
  readonly kind: 'hmac' | 'policy'
  /** Undefined for a session that must not encrypt and has no secret but the auth value: it makes a primary key. */
  readonly salt: SaltKey | undefined
  /** A salt for that key, made beforehand by `prepareSalt`; it is wiped here, and can be used once. */
  readonly prepared?: PreparedSalt | undefined
  /**
   * Binds the session to an object without an auth value, which changes nothing but that it starts only where the object is:
   * a missing key shows without a command of its own.
   */
  readonly bind?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export class Session {
  readonly handle: number
  readonly kind: 'hmac' | 'policy'
  /** After TPM2_PolicyAuthValue: the HMAC must prove the auth value of the object too. Part 3, 23.17. */
  needsAuthValue = false
  readonly #tpm: Tpm
  readonly #key: Uint8Array
  #nonceTpm: Uint8Array
  #nonceCaller: Uint8Array
  #isEnded = false

  private constructor(tpm: Tpm, handle: number, kind: 'hmac' | 'policy', key: Uint8Array, nonceTpm: Uint8Array) {
    this.#tpm = tpm
    this.handle = handle
    this.kind = kind
    this.#key = key
    this.#nonceTpm = nonceTpm
    this.#nonceCaller = nonceTpm
  }

  /**
   * Part 3, 11.1 TPM2_StartAuthSession. One command.
   *
   * @throws as `Tpm.send`, and as `prepareSalt`
   */
  static async start(tpm: Tpm, { kind, salt, prepared, bind, signal }: SessionOptions): Promise<Session> {
    const fresh = salt === undefined ? undefined : saltFor(salt, prepared)
    try {
      const nonceCaller = newNonce()
      const answer = await plainCommand(
        tpm,
        {
          code: TPM_CC.StartAuthSession,
          handles: [salt?.handle ?? TPM_RH.NULL, bind ?? TPM_RH.NULL],
          write: (writer) => {
            writer.tpm2b(nonceCaller).tpm2b(fresh?.encrypted ?? nothing)
            writer.u8(kind === 'hmac' ? TPM_SE.HMAC : TPM_SE.POLICY)
            writeSymmetric(writer, aes128Cfb)
            writer.u16(TPM_ALG.SHA256)
          },
        },
        (reader) => {
          const handle = reader.u32()
          tpm.own(handle)
          return { handle, nonceTpm: reader.tpm2b(nonceSize) }
        },
        { signal },
      )
      // Part 1, 19.6.8 "sessionKey Creation".
      const key = fresh === undefined ? nothing : kdfa(fresh.salt, 'ATH', answer.nonceTpm, nonceCaller, 256)
      return new Session(tpm, answer.handle, kind, key, answer.nonceTpm)
    } finally {
      if (fresh !== undefined) wipeSalt(fresh)
    }
  }

  /** Only a salted session has a key that nobody on the bus can know. */
  get canEncrypt(): boolean {
    return this.#key.length > 0
  }

  get nonceTpm(): Uint8Array {
    return this.#nonceTpm
  }

  get nonceCaller(): Uint8Array {
    return this.#nonceCaller
  }

  /** A fresh nonce for the next command. */
  rollCaller(): void {
    this.#nonceCaller = newNonce()
  }

  /** The TPM's nonce of an answer whose HMAC was right. */
  rollTpm(nonceTpm: Uint8Array): void {
    this.#nonceTpm = joined(nonceTpm)
  }

  /**
   * Part 1, 21.2 "sessionValue": the session key and, where the session authorises an object, that object's auth value,
   * in a buffer that the caller wipes.
   */
  value(authValue: Uint8Array | undefined): Uint8Array {
    // Its key is zeros by then, and would encrypt for everyone.
    if (this.#isEnded) throw new HardkeyError('ERR_INTERNAL', 'an authorization session was used after its end')
    return authValue === undefined ? joined(this.#key) : joined(this.#key, withoutTrailingZeros(authValue))
  }

  /**
   * Part 1, 19.6.5 "HMAC Computation". `authValue` counts where the session authorises by it: an HMAC session always, a
   * policy session after TPM2_PolicyAuthValue.
   */
  hmac(authValue: Uint8Array | undefined, ...parts: readonly Uint8Array[]): Uint8Array {
    const counts = this.kind === 'hmac' || this.needsAuthValue
    const key = this.value(counts ? authValue : undefined)
    try {
      return hmacSha256(key, ...parts)
    } finally {
      key.fill(0)
    }
  }

  /** Overwrites the session key, and flushes the session where the TPM still has it. Never throws. */
  async end(): Promise<void> {
    this.#wipe()
    await this.#tpm.flush(this.handle)
  }

  /** The TPM has ended the session with its last command (continueSession was clear). */
  ended(): void {
    this.#wipe()
    this.#tpm.disown(this.handle)
  }

  #wipe(): void {
    this.#isEnded = true
    this.#key.fill(0)
  }
}

const nothing = new Uint8Array(0)

function newNonce(): Uint8Array {
  const nonce = new Uint8Array(nonceSize)
  randomFillSync(nonce)
  return nonce
}

/** Part 1, 19.6.5: trailing zero bytes of an auth value are dropped before it is used. */
function withoutTrailingZeros(authValue: Uint8Array): Uint8Array {
  let length = authValue.length
  while (length > 0 && authValue[length - 1] === 0) length--
  return authValue.subarray(0, length)
}
