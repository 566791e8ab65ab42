// A key on its way to the server. In: the bytes of the key, the server's wrapping key. Out: the ciphertext that
// transit/keys/NAME/import takes: RSA-OAEP (SHA-256) of a fresh AES-256 key, then the key wrapped under that one.
// RFC 8017, section 7.1 (RSAES-OAEP); RFC 5649 (AES key wrap with padding). HTTP API, transit, Import Key.

import { constants, createCipheriv, createPublicKey, type KeyObject, publicEncrypt, randomFillSync } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { Secret } from '../../key/secret.ts'

/** RFC 5649, section 3: the first half of the alternative initial value. */
const alternativeInitialValue = Buffer.from('a65959a6', 'hex')
/** HTTP API, transit, Get Wrapping Key: "4096-bit RSA public key". */
const wrappingKeyBits = 4096

/**
 * The server's wrapping key, once it is what the servers have.
 * @throws ERR_DEVICE_FAILED for anything but RSA-4096: the secret would be worth no more than that key
 */
export function checkedWrappingKey(pem: string, where: string): KeyObject {
  const key = publicKey(pem)
  const bits = key?.asymmetricKeyDetails?.modulusLength
  // F4, the only exponent that the servers make keys with.
  const isUsual = key?.asymmetricKeyDetails?.publicExponent === 65_537n
  if (key?.asymmetricKeyType === 'rsa' && bits === wrappingKeyBits && isUsual) return key
  const found = key === undefined ? 'no public key' : `${key.asymmetricKeyType} ${bits ?? ''}`.trim()
  throw new HardkeyError('ERR_DEVICE_FAILED', `the wrapping key of ${where} is ${found}, not RSA-4096`, {
    hint: 'nothing was sent; the servers have no other wrapping key, so somebody may stand in between',
  })
}

/** The wrapping key as a file has it. */
export function spkiOf(wrappingKey: KeyObject): Uint8Array {
  return new Uint8Array(wrappingKey.export({ type: 'spki', format: 'der' }))
}

/** The key as the server takes it. It can be read with the private half of the wrapping key alone. */
export function wrapped(key: Secret, wrappingKey: KeyObject): Uint8Array {
  const transport = Secret.take(randomFillSync(new Uint8Array(new ArrayBuffer(32))))
  try {
    const oaep = { key: wrappingKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
    const encryptedTransport = transport.lend((bytes) => publicEncrypt(oaep, bytes))
    // OpenSSL sets the second half, the length, itself.
    const cipher = transport.lend((bytes) => createCipheriv('id-aes256-wrap-pad', bytes, alternativeInitialValue))
    const wrappedKey = key.lend((bytes) => cipher.update(bytes))
    return Buffer.concat([encryptedTransport, wrappedKey, cipher.final()])
  } finally {
    transport.wipe()
  }
}

function publicKey(pem: string): KeyObject | undefined {
  // createPublicKey would take the public half of a private key too.
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) return undefined
  try {
    return createPublicKey({ key: pem, format: 'pem', type: 'spki' })
  } catch {
    // What came is no key; OpenSSL's words add nothing.
    return undefined
  }
}
