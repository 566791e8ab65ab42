// The key pair by which a token is sent keys: which one it is, what it encrypts by. In: a token, a name. Out: the one pair with
// that name, or its public half. OASIS PKCS#11 Specification 3.1, section 6.1.8 (PKCS #1 RSA OAEP); RFC 8017, section 7.1.

import { createPublicKey, type KeyObject } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { fingerprint } from '../../key/fingerprint.ts'
import type { WrappedKey } from '../../key/hmac-key.ts'
import type { OaepHash, WrappingPair } from './messages.ts'
import type { ModuleClient } from './module-client.ts'

/** CKA_LABEL of every pair that hardkey makes. */
export const pairLabel: string = 'hardkey wrapping key'

/** Kinds of wrapping keys by the hash of their OAEP, the better one first. */
export const oaepKinds: Readonly<Record<OaepHash, string>> = { sha256: 'rsa-oaep-sha256', sha1: 'rsa-oaep-sha1' }

/** @throws ERR_KEY_FILE_INVALID for a kind that no token has */
export function oaepHashOf(kind: string): OaepHash {
  if (kind === oaepKinds.sha256) return 'sha256'
  if (kind === oaepKinds.sha1) return 'sha1'
  throw new HardkeyError('ERR_KEY_FILE_INVALID', 'the wrapped key is of a kind that no token has', {
    hint: `a token has ${Object.values(oaepKinds).join(' or ')}`,
  })
}

/** The public half as SubjectPublicKeyInfo in DER. */
export function spkiOf({ modulus, exponent }: WrappingPair): Uint8Array {
  const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')
  const jwk = { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) }
  return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))
}

/** @throws ERR_KEY_FILE_INVALID for what is no RSA key of 2048 bits or more */
export function readSpki(spki: Uint8Array): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return key
  } catch {
    // OpenSSL's words add nothing.
  }
  throw new HardkeyError('ERR_KEY_FILE_INVALID', 'the wrapping key is no RSA key of 2048 bits or more')
}

/** The place of the pair that the key is wrapped for. @throws ERR_KEY_UNUSABLE where the token has none */
export async function findPair(
  client: ModuleClient,
  { name, device }: WrappedKey,
  signal: AbortSignal | undefined,
): Promise<number> {
  const pairs = await client.pairs(Buffer.from(pairLabel), signal)
  const place = pairs.findIndex((pair) => fingerprint(spkiOf(pair)) === name)
  if (place >= 0) return place
  throw new HardkeyError('ERR_KEY_UNUSABLE', `the key is not wrapped for ${client.device}`, {
    hint: `it is for ${device}; print the wrapping key of this one, and have the key wrapped for it`,
  })
}
