// The date rule: which inputs an office approves for a key, one signature each. In: the office's key, the Name of a key in a
// TPM, an input. Out: a signature, or whether one is right, or the public area that the TPM loads to check it.
// TPM 2.0 Library, Part 3, 23.3 TPM2_PolicySigned; Part 1, section "Command Parameter Hash (cpHash)".
// cpHash is taken over the command as it is sent, so an approved command is sent with its parameters in clear: they are a
// date. Only the answer, kDate, is encrypted.

import { createPrivateKey, createPublicKey, type KeyObject, type PublicKeyInput, sign, verify } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { written } from './wire/codec.ts'
import { TPM_ALG, TPM_CC, TPM_ECC, TPMA_OBJECT } from './wire/constants.ts'
import { sha256 } from './wire/hash.ts'
import { type PublicArea, writePublicArea } from './wire/public-area.ts'
import type { Signature } from './wire/structures.ts'

/** The public half of the key that approves. */
export interface OfficeKey {
  readonly key: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** What the TPM loads; its Name is in the policy of the key. */
  readonly publicArea: PublicArea
}

/** SubjectPublicKeyInfo of P-256 with an uncompressed point: RFC 5480, section 2. */
const p256Spki = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
const modulusBits: readonly number[] = [2048, 3072, 4096]
/** As tpm2_loadexternal gives a key from a PEM file, so that its Name is the same. */
const externalAttributes = TPMA_OBJECT.userWithAuth | TPMA_OBJECT.decrypt | TPMA_OBJECT.sign

/**
 * The office key in a PEM or DER file of a public key.
 *
 * @throws ERR_KEY_FILE_INVALID where it is none, or not P-256 or RSA
 */
export function officeKeyOf(input: PublicKeyInput): OfficeKey {
  return officeKeyFrom(publicKeyIn(input))
}

/** The public half of a private office key. @throws ERR_KEY_FILE_INVALID for one that is neither P-256 nor RSA */
export function officeKeyFrom(publicKey: KeyObject): OfficeKey {
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
  const common = { nameAlg: TPM_ALG.SHA256, attributes: externalAttributes, authPolicy: new Uint8Array(0) }
  if (publicKey.asymmetricKeyType === 'ec') {
    const unique = pointOf(spki)
    const type = TPM_ALG.ECC
    const scheme = { symmetric: null, scheme: null, curve: TPM_ECC.NIST_P256, kdf: null }
    return { key: publicKey, spki, publicArea: { type, ...common, ...scheme, unique } }
  }
  if (publicKey.asymmetricKeyType !== 'rsa') throw unfit()
  const { unique, keyBits, exponent } = modulusOf(publicKey)
  return {
    key: publicKey,
    spki,
    publicArea: { type: TPM_ALG.RSA, ...common, symmetric: null, scheme: null, keyBits, exponent, unique },
  }
}

/** The signature that approves an input for the key of this Name: r || s, or RSASSA-PKCS1-v1_5. */
export function approve(officeKey: KeyObject, keyName: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(sign('sha256', signedBytes(keyName, data), { key: officeKey, dsaEncoding: 'ieee-p1363' }))
}

/** True for a signature that the TPM will take. */
export function isApproved(office: OfficeKey, keyName: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', signedBytes(keyName, data), { key: office.key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** The signature as the TPM takes it. */
export function tpmSignature({ publicArea }: OfficeKey, signature: Uint8Array): Signature {
  const hash = TPM_ALG.SHA256
  if (publicArea.type !== TPM_ALG.ECC) return { scheme: TPM_ALG.RSASSA, hash, signature }
  return { scheme: TPM_ALG.ECDSA, hash, r: signature.subarray(0, 32), s: signature.subarray(32) }
}

/**
 * cpHash of TPM2_HMAC (Part 3, 15.5) over `data`: command code, the Name of the key, the parameters. hashAlg is always
 * TPM_ALG_NULL, which means the hash of the key.
 */
export function hmacCommandHash(keyName: Uint8Array, data: Uint8Array): Uint8Array {
  return sha256(
    written((writer) => {
      writer.u32(TPM_CC.HMAC).bytes(keyName).tpm2b(data).u16(TPM_ALG.NULL)
    }),
  )
}

/** The Name-bearing bytes of the office key: TPMT_PUBLIC. */
export function officePublic({ publicArea }: OfficeKey): Uint8Array {
  return writePublicArea(publicArea)
}

/**
 * An office key with its private half, from the bytes of a PEM file; `passphrase` for an encrypted one. Both stay the
 * caller's to wipe.
 *
 * @throws ERR_KEY_FILE_INVALID, ERR_PIN_INCORRECT for a passphrase that does not open it
 */
export function privateOfficeKey(pem: Uint8Array, passphrase?: Uint8Array): KeyObject {
  try {
    const secret =
      passphrase === undefined
        ? {}
        : { passphrase: Buffer.from(passphrase.buffer, passphrase.byteOffset, passphrase.length) }
    return createPrivateKey({ key: Buffer.from(pem.buffer, pem.byteOffset, pem.length), format: 'pem', ...secret })
  } catch {
    // What OpenSSL says may quote nothing of the key, but says nothing of use either.
    if (passphrase !== undefined)
      throw new HardkeyError('ERR_PIN_INCORRECT', 'the passphrase does not open the office key')
    throw new HardkeyError('ERR_KEY_FILE_INVALID', 'the office key is no private key in a PEM file', {
      hint: howToMake,
    })
  }
}

/** True for a PEM file that needs a passphrase: PKCS #8 (RFC 5958) and the older form of OpenSSL. */
export function isEncryptedPem(pem: Uint8Array): boolean {
  const text = Buffer.from(pem.buffer, pem.byteOffset, pem.length)
  return text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || text.includes('Proc-Type: 4,ENCRYPTED')
}

/** aHash of TPM2_PolicySigned is over nonceTPM (none), expiration (0: never), cpHashA and policyRef (none). */
function signedBytes(keyName: Uint8Array, data: Uint8Array): Uint8Array {
  return written((writer) => {
    writer.u32(0).bytes(hmacCommandHash(keyName, data))
  })
}

function publicKeyIn(input: PublicKeyInput): KeyObject {
  try {
    return createPublicKey(input)
  } catch (error) {
    throw new HardkeyError('ERR_KEY_FILE_INVALID', 'is no public key', { hint: howToMake, cause: error })
  }
}

function pointOf(spki: Uint8Array): { x: Uint8Array; y: Uint8Array } {
  const isP256 =
    spki.length === 91 && Buffer.compare(spki.subarray(0, p256Spki.length), p256Spki) === 0 && spki[26] === 4
  if (!isP256) throw unfit()
  return { x: spki.slice(27, 59), y: spki.slice(59) }
}

/** RSAPublicKey of RFC 8017, A.1.1, ends with the modulus and the exponent, each an INTEGER. */
function modulusOf(key: KeyObject): { unique: Uint8Array; keyBits: number; exponent: number } {
  const { modulusLength: keyBits = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (!modulusBits.includes(keyBits) || publicExponent !== 65537n) throw unfit()
  const der = key.export({ format: 'der', type: 'pkcs1' })
  const end = der.length - 5
  return { unique: new Uint8Array(der.subarray(end - keyBits / 8, end)), keyBits, exponent: 65537 }
}

const howToMake = 'make one with openssl: openssl ecparam -name prime256v1 -genkey -noout -out office.pem'

function unfit(): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', 'is neither P-256 nor RSA of 2048, 3072 or 4096 bits', {
    hint: howToMake,
  })
}
