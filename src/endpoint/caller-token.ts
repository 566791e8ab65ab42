// The token of the container-credentials endpoint. In: 32 random bytes, or a token that was kept. Out: a comparison whose time
// tells nothing of the token (L-12). All tokens have one length, which is no secret, so that bytes are compared: a hash
// before that would take a fifth of the requests that the endpoint can answer.

import { timingSafeEqual } from 'node:crypto'
import { HardkeyError } from '../errors.ts'

/** Randomness, as a parameter. */
export type RandomBytes = (size: number) => Uint8Array

/** 256 bits in base64url: no character that a shell, a header or a file of variables reads as another. */
const form = /^[A-Za-z0-9_-]{43}$/

const length = 43

/** A fresh token: 43 characters. */
export function newToken(random: RandomBytes): string {
  return Buffer.from(random(32)).toString('base64url')
}

/** True for what `newToken` makes. */
export function isToken(text: string): boolean {
  return form.test(text)
}

/** Knows a token again. */
export class CallerToken {
  readonly #token = Buffer.alloc(length)
  readonly #given = Buffer.alloc(length)

  /** @throws ERR_CONFIG_INVALID for a text that is no such token */
  constructor(token: string) {
    this.replace(token)
  }

  /** True for the token alone, compared as it came. */
  matches(given: string | undefined): boolean {
    if (given?.length !== length) return false
    this.#given.write(given, 'latin1')
    return timingSafeEqual(this.#given, this.#token)
  }

  /** From now on another token is the one; the old one is worth nothing. @throws ERR_CONFIG_INVALID */
  replace(token: string): void {
    if (!isToken(token)) {
      throw new HardkeyError('ERR_CONFIG_INVALID', 'the token is not one that hardkey serve makes', {
        hint: 'it has 43 characters of base64url; remove the file, and a new one is made',
      })
    }
    this.#token.write(token, 'latin1')
  }
}
