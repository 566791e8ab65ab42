// SHA-256 as an AWS SDK client brings it itself: what takes the placeholder for a secret. In: what is hashed. Out: hashes.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { HashInput, SdkHash } from '../../src/aws-sdk/index.ts'

export class StockSha256 implements SdkHash {
  readonly #key: HashInput | undefined
  #native: Hash | Hmac

  constructor(key?: HashInput) {
    this.#key = key
    this.#native = this.#started()
  }

  update(data: HashInput): void {
    this.#native.update(bytesOf(data))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#native.digest()))
  }

  reset(): void {
    this.#native = this.#started()
  }

  #started(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#key))
  }
}

function bytesOf(data: HashInput): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
