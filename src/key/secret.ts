// Bytes that must not be seen: a secret access key, a PIN, a passphrase.
// In: bytes, which are taken over. Out: the same bytes for the time of one call, and `[secret]` in every conversion.
// 1. The bytes lie in a buffer of their own, outside Node's pool and V8's heap, so that wiping it wipes the
//    only copy.
// 2. The owner of a Secret wipes it, in a `finally`.

import type { KeyObject } from 'node:crypto'
import { inspect } from 'node:util'

/**
 * The bytes once more, in memory that V8 does not move. An array of up to 64 bytes that JavaScript makes by its length
 * lies in V8's heap: each move, and the first use by native code, leaves a copy there that nobody can wipe.
 */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

/**
 * Secret bytes with one owner. Never a string: `toString()`, template strings, JSON and `util.inspect` give `[secret]`.
 *
 * @example
 * ```ts
 * import { Secret } from 'hardkey'
 * export function lengthOf(bytes: Uint8Array): number {
 *   const secret = Secret.take(bytes) // `bytes` is zeros from here on
 *   try {
 *     return secret.lend((lent) => lent.length)
 *   } finally {
 *     secret.wipe()
 *   }
 * }
 * ```
 */
export class Secret {
  #bytes: Uint8Array

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    // As a method it would need a computed name, which isolatedDeclarations refuses.
    Object.defineProperty(this, inspect.custom, { value: () => '[secret]' })
  }

  /** Takes the bytes over: copies them into a buffer of its own and wipes the source. */
  static take(source: Uint8Array): Secret {
    const own = ownCopy(source)
    source.fill(0)
    return new Secret(own)
  }

  /** The parts in order as one secret. The parts stay as they are and keep their owners. */
  static join(...parts: readonly (Secret | Uint8Array)[]): Secret {
    const pieces = parts.map((part) => (part instanceof Secret ? part.#bytes : part))
    const own = new Uint8Array(new ArrayBuffer(pieces.reduce((sum, piece) => sum + piece.length, 0)))
    let offset = 0
    for (const piece of pieces) {
      own.set(piece, offset)
      offset += piece.length
    }
    return new Secret(own)
  }

  /** Length in bytes. */
  get length(): number {
    return this.#bytes.length
  }

  /** Lends the bytes for the time of the call. `use` must not keep them, and copies only into what it wipes itself. */
  lend<T>(use: (bytes: Uint8Array) => T): T {
    return use(this.#bytes)
  }

  /** A KeyObject for `node:crypto`. It holds a copy that lives until it is collected. */
  toKeyObject(): KeyObject {
    return crypto().createSecretKey(this.#bytes)
  }

  /** Compares in constant time; a difference in length shows at once. */
  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && crypto().timingSafeEqual(this.#bytes, other.#bytes)
  }

  /** Overwrites the bytes with zeros and forgets them. Afterwards the length is 0. */
  wipe(): void {
    this.#bytes.fill(0)
    this.#bytes = new Uint8Array(0)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }
}

/** Loaded where it is used: it takes 4 to 9 ms, and every key URI comes through this file at the start of the command. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto')
}
