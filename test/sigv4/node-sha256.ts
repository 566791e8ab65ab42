// SHA-256 and its HMAC, in the shape in which an SDK client gives them to its signer.

import { createHash, createHmac } from 'node:crypto'

export class NodeSha256 {
  readonly #hash: { update(data: Uint8Array): unknown; digest(): Uint8Array }

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    // On Node the SDK gives text or bytes.
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key as string | Uint8Array)
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}
