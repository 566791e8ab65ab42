// A key of the transit engine of Vault or OpenBao as key-encryption key. In: its address, a token. Out: a keyset encrypted
// and decrypted. HTTP API of Vault and OpenBao, transit/encrypt and transit/decrypt; Tink's HashiCorp Vault AEAD.
// 1. What is encrypted is text, `vault:vN:` and base64, and stands as such in the keyset file.
// 2. A seal, a standby and a lost connection pass: they are tried again until the deadline, as the leader may be changing.
// 3. The token goes to this one origin, in its header alone; no redirect is followed.
// 4. It is kept while the keyset is open, and asked for again only where the server refuses it later.
// 5. A 403 alone does not say whether the token or its policy is the reason. The mount is shown to every token that may do
//    anything there, and to no other: one look at it tells.
// 6. A server makes the key that it is asked to encrypt with, where the policy allows it: whether it is there is asked first.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer, OutgoingRequest } from '../../http/client.ts'
import { Secret } from '../../key/secret.ts'
import { hcvaultRefusal, tokenRefused } from './hcvault-status.ts'
import type { HcvaultAddress } from './kek-uri.ts'
import { callService, type ServiceParts, type Verdict } from './service-call.ts'
import { bodyWithBytes, SecretJson, unlike } from './service-json.ts'
import type { ServiceKek } from './service-kek.ts'
import { keysetInvalid } from './status.ts'

/** What a call to the transit engine needs besides the key. */
export interface HcvaultOptions {
  /** Taken over and wiped. */
  readonly token: (signal: AbortSignal | undefined) => Promise<Uint8Array>
  readonly namespace: string | undefined
}

/** The key-encryption key. */
export function hcvaultKek(address: HcvaultAddress, options: HcvaultOptions, parts: ServiceParts): ServiceKek {
  const transit = new Transit(address, options, parts)
  return {
    title: `transit key ${address.mount}/${address.key} of ${transit.where}`,
    async encrypt(keyset, signal) {
      await transit.expectKey(signal)
      const body = bodyWithBytes({}, 'plaintext', keyset)
      return await transit.ask('encrypt', body, (json) => ciphertextIn(json, transit.where), signal)
    },
    async decrypt(encrypted, signal) {
      const body = Buffer.from(JSON.stringify({ ciphertext: ciphertextText(encrypted) }))
      return await transit.ask('decrypt', body, (json) => json.bytes('data.plaintext'), signal)
    },
    close: () => transit.close(),
  }
}

const caHint = 'name the CA of the server in the key URI: ca=file:/PATH'
const ciphertextForm = /^vault:v[1-9][0-9]{0,8}:[A-Za-z0-9+/]+={0,2}$/

/** @throws ERR_KEY_FILE_INVALID: another kind of key encrypted the file */
function ciphertextText(encrypted: Uint8Array): string {
  const text = Buffer.from(encrypted).toString('latin1')
  if (ciphertextForm.test(text)) return text
  throw keysetInvalid('was not encrypted by a transit key of Vault or OpenBao', 'check kek in the key URI')
}

function ciphertextIn(json: SecretJson, where: string): Uint8Array {
  const text = json.text('data.ciphertext') ?? ''
  if (ciphertextForm.test(text)) return new TextEncoder().encode(text)
  throw unlike(where, 'has no ciphertext')
}

class Transit {
  readonly where: string
  readonly #address: HcvaultAddress
  readonly #options: HcvaultOptions
  readonly #parts: ServiceParts
  #token: Secret | undefined
  #wasTaken = false

  constructor(address: HcvaultAddress, options: HcvaultOptions, parts: ServiceParts) {
    this.where = new URL(address.origin).host
    this.#address = address
    this.#options = options
    this.#parts = parts
  }

  /** Wipes the body. */
  async ask(
    action: 'encrypt' | 'decrypt',
    body: Uint8Array,
    read: (json: SecretJson) => Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    try {
      return await this.#call(action, body, read, signal)
    } catch (error) {
      if (!(error instanceof HardkeyError) || error.status !== 403) throw error
      if (await this.#hasAnotherToken(signal)) return await this.#call(action, body, read, signal)
      throw (await this.#isTokenAccepted(signal)) ? error : tokenRefused(this.where)
    } finally {
      body.fill(0)
    }
  }

  /** Asks for what no key decrypts: that makes none, and wants no right but that to open the keyset. @throws ERR_KEY_NOT_FOUND */
  async expectKey(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.ask('decrypt', Buffer.from('{"ciphertext":"none"}'), (json) => json.bytes('data.plaintext'), signal)
    } catch (error) {
      if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_FILE_INVALID') throw error
    }
  }

  close(): void {
    this.#token?.wipe()
    this.#token = undefined
    this.#parts.http.close()
  }

  async #call(
    action: 'encrypt' | 'decrypt',
    body: Uint8Array,
    read: (json: SecretJson) => Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const path = `${this.#address.mount}/${action}/${this.#address.key}`
    const answered = await this.#send('POST', path, body, signal, (answer): Verdict<Uint8Array> => {
      if (answer.status !== 200) return hcvaultRefusal(answer, { ...this.#address, where: this.where, path })
      return { value: read(new SecretJson(answer.body, this.where)) }
    })
    this.#wasTaken = true
    return answered
  }

  async #isTokenAccepted(signal: AbortSignal | undefined): Promise<boolean> {
    const path = `sys/internal/ui/mounts/${this.#address.mount}`
    return await this.#send('GET', path, undefined, signal, ({ status }) => ({ value: status === 200 }))
  }

  async #send<T>(
    method: 'GET' | 'POST',
    path: string,
    body: Uint8Array | undefined,
    signal: AbortSignal | undefined,
    read: (answer: HttpAnswer) => Verdict<T>,
  ): Promise<T> {
    this.#token ??= Secret.take(await this.#options.token(signal))
    const token = this.#token
    const url = `${this.#address.origin}/v1/${path}`
    const request = async (): Promise<OutgoingRequest> => ({
      method,
      url,
      headers: { ...tokenHeaders(token), ...this.#namespace(), 'content-type': 'application/json' },
      body,
    })
    const call = { where: this.where, caHint, mostAttempts: Number.POSITIVE_INFINITY, request, read }
    return await callService(this.#parts, call, signal)
  }

  #namespace(): Readonly<Record<string, string>> {
    const { namespace } = this.#options
    return namespace === undefined ? {} : { 'x-vault-namespace': namespace }
  }

  /** A token that was taken once and is refused now may have been replaced meanwhile, as in a file that an agent writes. */
  async #hasAnotherToken(signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#wasTaken || this.#token === undefined) return false
    let fresh: Secret
    try {
      fresh = Secret.take(await this.#options.token(signal))
    } catch {
      // The server's refusal says what is wrong; that the source has nothing more to give does not.
      return false
    }
    const isSame = fresh.equals(this.#token)
    this.#token.wipe()
    this.#token = fresh
    return !isSame
  }
}

/** The one place where the token becomes text, which node:http wants. */
function tokenHeaders(token: Secret): Readonly<Record<string, string>> {
  const text = token.lend((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
  if (/^[\x21-\x7e]{1,16384}$/.test(text)) return { 'x-vault-token': text, 'x-vault-request': 'true' }
  throw new HardkeyError('ERR_SECRET_INVALID', 'the token of the transit engine has characters that no token has', {
    hint: 'it is one line, as in hvs.… or s.…',
  })
}
