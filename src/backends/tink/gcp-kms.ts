// A key of Google Cloud KMS as key-encryption key. In: its name, a bearer token. Out: a keyset encrypted and decrypted.
// Cloud KMS REST API v1, cryptoKeys.encrypt and cryptoKeys.decrypt; Tink's GCP KMS AEAD.
// 1. Checksums go both ways: what does not match its CRC-32C is asked for once more, then refused (F-K07).
// 2. An encrypt answer must name a version of the key that was asked (F-K06); a decrypt answer names none.
// 3. The token is asked for anew with each call, since they live an hour, and goes to this one origin alone. A program has the
//    time of the call to give it, a person any.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer, OutgoingRequest } from '../../http/client.ts'
import { Crc32c } from '../../key/crc32c.ts'
import { gcpKmsRefusal } from './gcp-kms-status.ts'
import type { GcpKmsAddress } from './kek-uri.ts'
import { callService, givenInTime, type ServiceParts, type Verdict } from './service-call.ts'
import { bodyWithBytes, plainJson, SecretJson, unlike } from './service-json.ts'
import type { ServiceKek } from './service-kek.ts'

/** What a call to Google's KMS needs besides the key. */
export interface GcpKmsOptions {
  /** An OAuth 2.0 access token; taken over and wiped. It ends when the signal aborts. */
  readonly token: (signal: AbortSignal | undefined) => Promise<Uint8Array>
  /** Whoever gives the token may be a person. */
  readonly isAsked: boolean
  /** In place of Google's own. */
  readonly endpoint: string | undefined
}

const usualEndpoint = 'https://cloudkms.googleapis.com'
const headers = { 'content-type': 'application/json', 'user-agent': 'hardkey' } as const
const tokenTitle = 'token for Google Cloud KMS'

/** The key-encryption key. */
export function gcpKmsKek(address: GcpKmsAddress, options: GcpKmsOptions, parts: ServiceParts): ServiceKek {
  const endpoint = options.endpoint ?? usualEndpoint
  const where = new URL(endpoint).host
  const about = { name: address.name, where }
  const call = async (
    action: 'encrypt' | 'decrypt',
    body: Uint8Array,
    read: (answer: HttpAnswer) => Verdict<Uint8Array>,
    signal: AbortSignal | undefined,
  ) => {
    const url = `${endpoint}/v1/${address.name}:${action}`
    try {
      const asked = options.isAsked ? await bearer(options.token(signal)) : undefined
      const request = async (ended: AbortSignal): Promise<OutgoingRequest> => {
        const token = asked ?? (await bearer(givenInTime(tokenTitle, options.token(ended), parts, ended)))
        return { method: 'POST', url, headers: { ...headers, ...token }, body }
      }
      return await callService(parts, { where, mostAttempts: 3, request, read }, signal)
    } finally {
      body.fill(0)
    }
  }
  return {
    title: `Google Cloud KMS key ${address.name}`,
    encrypt: (keyset, signal) => {
      const body = bodyWithBytes({ plaintextCrc32c: crc32c(keyset) }, 'plaintext', keyset)
      return call('encrypt', body, (answer) => readEncrypted(answer, about), signal)
    },
    decrypt: (encrypted, signal) => {
      const body = bodyWithBytes({ ciphertextCrc32c: crc32c(encrypted) }, 'ciphertext', encrypted)
      return call('decrypt', body, (answer) => readDecrypted(answer, about), signal)
    },
    close: () => parts.http.close(),
  }
}

/** Decimal, as the JSON of an int64 has it. Cloud KMS, "Verifying end-to-end data integrity". */
export function crc32c(bytes: Uint8Array): string {
  const crc = new Crc32c()
  crc.update(bytes)
  return String(crc.value)
}

/** The one place where a token becomes text, which node:http wants. RFC 6750, section 2.1. */
async function bearer(given: Promise<Uint8Array>): Promise<{ readonly authorization: string }> {
  const token = await given
  try {
    const text = Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString('latin1')
    if (/^[A-Za-z0-9._~+/=-]{1,16384}$/.test(text)) return { authorization: `Bearer ${text}` }
  } finally {
    token.fill(0)
  }
  throw new HardkeyError('ERR_SECRET_INVALID', `the ${tokenTitle} is no access token`, {
    hint: 'give what `gcloud auth print-access-token` prints, on one line',
  })
}

/** What was asked. */
export interface Asked {
  readonly name: string
  readonly where: string
}

/** The ciphertext. */
export function readEncrypted(answer: HttpAnswer, { name, where }: Asked): Verdict<Uint8Array> {
  if (answer.status !== 200) return gcpKmsRefusal(answer, { name, where, action: 'Encrypt' })
  // Nothing in this answer is a secret.
  const json = plainJson(answer.body)
  if (json === undefined) throw unlike(where, 'is no JSON object')
  const version = json.get('name')
  if (typeof version !== 'string' || !version.startsWith(`${name}/cryptoKeyVersions/`)) {
    throw unlike(where, `names another key than ${name}`)
  }
  if (json.get('verifiedPlaintextCrc32c') !== true) return damaged(where)
  return checked(new SecretJson(answer.body, where), 'ciphertext', where)
}

/** The plaintext, which the caller wipes. */
export function readDecrypted(answer: HttpAnswer, { name, where }: Asked): Verdict<Uint8Array> {
  if (answer.status !== 200) return gcpKmsRefusal(answer, { name, where, action: 'Decrypt' })
  return checked(new SecretJson(answer.body, where), 'plaintext', where)
}

/** The bytes of a member whose CRC-32C stands beside it. */
function checked(json: SecretJson, member: 'ciphertext' | 'plaintext', where: string): Verdict<Uint8Array> {
  const value = json.bytes(member)
  if (json.text(`${member}Crc32c`) === crc32c(value)) return { value }
  value.fill(0)
  return damaged(where)
}

function damaged(where: string): Verdict<never> {
  const error = new HardkeyError('ERR_DEVICE_FAILED', `the answer of ${where} does not match its checksum`, {
    hint: 'it was damaged on its way, twice',
  })
  return { error, failing: 'damaged' }
}
