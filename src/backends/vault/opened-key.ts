// An opened key of a transit engine. In: data. Out: HMAC-SHA256 by the server.
// 1. The key owns its connections and its token. Calls overlap freely; each is one request.
// 2. A token that is no longer accepted is replaced once for each call, by a new login; a policy's refusal is final.
// 3. An answer counts only with the version of the record in its prefix. Without one in the URI, the version that the
//    server named at the opening, or the first answer's, is the one.

import { HardkeyError } from '../../errors.ts'
import type { HmacKey, HmacOptions, KeyInfo } from '../../key/hmac-key.ts'
import { type HmacAnswer, readHmac } from './answer.ts'
import type { VaultClient } from './client.ts'
import { diagnose } from './diagnosis.ts'
import { versionChanged } from './key-facts.ts'
import type { VaultKeyAddress } from './key-uri.ts'
import type { TokenKeeper } from './renewal.ts'
import { type Asking, askForHmac, hmacPath } from './requests.ts'
import { refusal } from './status.ts'

/** What an opened key owns. */
export interface OpenedParts {
  readonly address: VaultKeyAddress
  readonly client: VaultClient
  readonly keeper: TokenKeeper
  readonly info: KeyInfo
  /** The version that the server named. */
  readonly version: number | undefined
}

export class OpenedKey implements HmacKey {
  readonly info: KeyInfo
  readonly #parts: OpenedParts
  readonly #closing = new AbortController()
  #version: number | undefined

  constructor(parts: OpenedParts) {
    this.#parts = parts
    this.#version = parts.address.keyVersion ?? parts.version
    this.info = parts.info
  }

  async hmac(data: Uint8Array, { signal }: HmacOptions = {}): Promise<Uint8Array> {
    this.#closing.signal.throwIfAborted()
    const { keeper, client, address } = this.#parts
    const ended = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
    await keeper.ready(ended)
    return this.#checked(await answered({ client, token: keeper.token, address, signal: ended }, keeper, data))
  }

  async close(): Promise<void> {
    this.#closing.abort(new HardkeyError('ERR_KEY_CLOSED', 'the key was closed'))
    this.#parts.keeper.close()
    this.#parts.client.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #checked({ version, hmac }: HmacAnswer): Uint8Array {
    this.#version ??= version
    if (version === this.#version) return hmac
    hmac.fill(0)
    throw versionChanged({ ...this.#parts.address, keyVersion: this.#version }, version)
  }
}

async function answered(asking: Asking, keeper: TokenKeeper, data: Uint8Array): Promise<HmacAnswer> {
  for (let isAgain = false; ; isAgain = true) {
    const answer = await askForHmac(asking, data)
    if (answer.status === 200) return readHmac(answer.body, answer.where)
    if (answer.status !== 403) throw refusal(answer, asking.address)
    const path = hmacPath(asking.address)
    const { token, error } = await diagnose(asking, { path, capability: 'update', input: data, end: keeper.end })
    const mayLogIn = token === 'refused' && !isAgain
    if (!mayLogIn || !(await keeper.another(asking.signal))) throw error
  }
}
