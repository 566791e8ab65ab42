// The token of the container-credentials endpoint. In: 32 random bytes, or a token that was kept. Out: a comparison whose
// time tells nothing: hashes under a key of this process are compared, in constant time (L-12).

import { createHmac, timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../errors.ts'

/** Randomness, as a parameter. */
export type RandomBytes = (size: number) => Uint8Array

/** 256 bits in base64url: no character that a shell, a header or a file of variables reads as another. */
const form = /^[A-Za-z0-9_-]{43}$/

/** A fresh token: 43 characters. */
export function newToken(random: RandomBytes): string {
  return Buffer.from(random(32)).toString('base64url')
}

/** True for what `newToken` makes. */
export function isToken(text: string): boolean {
  return form.test(text)
}

/** Knows a token again without keeping it. */
export class CallerToken {
  readonly #key: Uint8Array
  #hash: Uint8Array

  /** @throws ERR_CONFIG_INVALID for a text that is no such token */
  constructor(token: string, random: RandomBytes) {
    this.#key = random(32)
    this.#hash = this.#hashOf(checked(token))
  }

  /** True for the token alone, compared as it came. */
  matches(given: string | undefined): boolean {
    return given !== undefined && timingSafeEqual(this.#hashOf(given), this.#hash)
  }

  /** From now on another token is the one; the old one is worth nothing. */
  replace(token: string): void {
    this.#hash = this.#hashOf(checked(token))
  }

  #hashOf(text: string): Uint8Array {
    return createHmac('sha256', this.#key).update(text, 'latin1').digest()
  }
}

function checked(token: string): string {
  if (isToken(token)) return token
  throw new HardkeyError('ERR_CONFIG_INVALID', 'the token is not one that hardkey serve makes', {
    hint: 'it has 43 characters of base64url; remove the file, and a new one is made',
  })
}
