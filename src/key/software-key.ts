// A key that this process computes with. In: a KeyObject and what is known of it. Out: an HmacKey.
// HMAC-SHA256 by node:crypto (RFC 2104, FIPS 198-1). For the backends whose protection is `memory`.

import { createHmac, type KeyObject } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import type { HmacKey, KeyInfo } from './hmac-key.ts'

/** The HmacKey of a KeyObject; `close()` lets go of it, and its memory is freed when it is collected. */
export function softwareKey(key: KeyObject, info: KeyInfo): HmacKey {
  return new SoftwareKey(key, info)
}

class SoftwareKey implements HmacKey {
  readonly info: KeyInfo
  #key: KeyObject | undefined

  constructor(key: KeyObject, info: KeyInfo) {
    this.#key = key
    this.info = info
  }

  async hmac(data: Uint8Array): Promise<Uint8Array> {
    if (this.#key === undefined) throw new HardkeyError('ERR_KEY_CLOSED', 'the key was closed')
    return createHmac('sha256', this.#key).update(data).digest()
  }

  async close(): Promise<void> {
    this.#key = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
