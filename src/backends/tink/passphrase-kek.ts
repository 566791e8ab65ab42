// The key-encryption key of a passphrase. In: a passphrase and scrypt parameters. Out: 32 bytes that encrypt and decrypt
// a keyset as Tink's AES-256-GCM with RAW prefix does: nonce (12) || ciphertext || tag (16).
// RFC 7914 (scrypt); NIST SP 800-38D (GCM); Tink, proto/aes_gcm.proto.

import { createCipheriv, createDecipheriv, createSecretKey, type Decipher, type KeyObject, scrypt } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import type { Secret } from '../../key/secret.ts'
import { joinBytes } from './protobuf.ts'
import { keysetInvalid, passphraseRefused } from './status.ts'

/** The names of RFC 7914, section 2. Memory: 128 * N * r bytes. */
export interface ScryptParameters {
  readonly N: number
  readonly r: number
  readonly p: number
  readonly salt: Uint8Array
}

/** OWASP Password Storage Cheat Sheet: N=2^17, r=8, p=1; 128 MiB and about 0.4 s. */
export const usualN: number = 2 ** 17
/** The least that still costs 16 MiB a guess, and the most that still fits a small machine: 1 GiB. */
const leastN = 2 ** 14
const mostN = 2 ** 20
const blockSize = 8
const mostParallel = 4
export const saltLength = 16
const longestSalt = 64
const keyLength = 32
const leastCharacters = 8
export const nonceLength = 12
const tagLength = 16
const cipher = 'aes-256-gcm'

/** The parameters, when a file may ask for them: checked before memory is taken. @throws ERR_KEY_FILE_INVALID */
export function checkScrypt(parameters: ScryptParameters): ScryptParameters {
  const { N, r, p, salt } = parameters
  const isPowerOfTwo = N > 0 && Number.isInteger(Math.log2(N))
  if (!isPowerOfTwo || N < leastN || N > mostN) {
    throw keysetInvalid(`has a kdf.N that is not a power of two from ${leastN} to ${mostN}`)
  }
  if (r !== blockSize) throw keysetInvalid(`has a kdf.r that is not ${blockSize}`)
  if (p < 1 || p > mostParallel) throw keysetInvalid(`has a kdf.p that is not 1 to ${mostParallel}`)
  if (salt.length < saltLength || salt.length > longestSalt) {
    throw keysetInvalid(`has a kdf.salt that has not ${saltLength} to ${longestSalt} bytes`)
  }
  return parameters
}

/**
 * For a new keyset: whoever gets the file can try passphrases for ever. NIST SP 800-63B, 5.1.1.2: 8 characters at least.
 *
 * @throws ERR_SECRET_INVALID
 */
export function refuseShortPassphrase(passphrase: Secret): void {
  // UTF-8: each character has one byte that does not continue another.
  const length = passphrase.lend((bytes) => bytes.reduce((sum, byte) => sum + Number((byte & 0xc0) !== 0x80), 0))
  if (length >= leastCharacters) return
  throw new HardkeyError('ERR_SECRET_INVALID', `the passphrase is too short: ${leastCharacters} characters at least`, {
    hint: 'whoever gets the file can try passphrases for ever: take four random words, or more',
  })
}

/**
 * The key-encryption key: what the passphrase becomes. Takes 128 * N * r bytes for a fraction of a second, in a thread.
 *
 * @throws ERR_BACKEND_UNSUPPORTED where the memory cannot be had
 */
export function deriveKek(passphrase: Secret, parameters: ScryptParameters): Promise<KeyObject> {
  const { N, r, p, salt } = parameters
  // RFC 7914, sections 4 to 6: the vector of N blocks, the p inputs and two blocks to mix in.
  const maxmem = 128 * r * (N + p + 2)
  return new Promise((resolve, reject) => {
    passphrase.lend((bytes) =>
      // The bytes are copied before this returns, so the passphrase may be wiped at once.
      scrypt(bytes, salt, keyLength, { N, r, p, maxmem }, (error, derived) => {
        if (error === null) {
          resolve(createSecretKey(derived))
          derived.fill(0)
          return
        }
        const megabytes = Math.ceil(maxmem / 2 ** 20)
        reject(
          new HardkeyError('ERR_BACKEND_UNSUPPORTED', `scrypt needs ${megabytes} MiB of memory for this keyset`, {
            cause: error,
          }),
        )
      }),
    )
  })
}

/** nonce || ciphertext || tag. `nonce`: 12 bytes, never used twice with one key. */
export function encryptKeyset(kek: KeyObject, nonce: Uint8Array, keyset: Uint8Array): Uint8Array {
  const encryption = createCipheriv(cipher, kek, nonce)
  const ciphertext = joinBytes(encryption.update(keyset), encryption.final())
  return joinBytes(nonce, ciphertext, encryption.getAuthTag())
}

/**
 * The serialized keyset in a new buffer; the caller wipes it.
 *
 * @throws ERR_PIN_INCORRECT where the tag is refused, ERR_KEY_FILE_INVALID where there is not even a tag
 */
export function decryptKeyset(kek: KeyObject, encrypted: Uint8Array, path: string): Uint8Array {
  if (encrypted.length <= nonceLength + tagLength) {
    throw keysetInvalid('has an encryptedKeyset that is too short for a nonce and a tag')
  }
  const tagStart = encrypted.length - tagLength
  const decryption = createDecipheriv(cipher, kek, encrypted.subarray(0, nonceLength), { authTagLength: tagLength })
  decryption.setAuthTag(encrypted.subarray(tagStart))
  // GCM streams: all of the plaintext is here, and it may be used only after final() has found the tag right.
  const keyset = updateInPieces(decryption, encrypted.subarray(nonceLength, tagStart))
  try {
    decryption.final()
  } catch {
    // OpenSSL says no more than that it failed.
    keyset.fill(0)
    throw passphraseRefused(path)
  }
  return keyset
}

/** Of what Node frees without wiping it, the allocator overwrites the first 8 bytes. */
const pieceLength = 8

/**
 * What `decryption.update(bytes)` gives, in a buffer of its own. Some versions of Node write the plaintext into a buffer
 * that is a byte too long, copy it, and free the first one as it is: in one call the whole keyset would stay there.
 */
function updateInPieces(decryption: Decipher, bytes: Uint8Array): Uint8Array {
  const plaintext = new Uint8Array(new ArrayBuffer(bytes.length))
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const piece = decryption.update(bytes.subarray(at, at + pieceLength))
    plaintext.set(piece, at)
    piece.fill(0)
  }
  return plaintext
}
