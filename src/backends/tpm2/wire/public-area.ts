// The public area of an object. In: bytes from a TPM or a key file, or values. Out: values, or bytes; and its Name.
// TPM 2.0 Library, Part 2, section 12.2 (public area structures) and section 16 of Part 1 (Names).
// All four types of object are read, so that an error can name what a foreign file holds; hardkey makes and uses three.

import { Reader, readWhole, WireFault, type Writer, written } from './codec.ts'
import { TPM_ALG } from './constants.ts'
import { digestOf, hashAlgorithm } from './hash.ts'

/** Part 2, 11.1.7 TPMT_SYM_DEF_OBJECT (and 11.1.6 TPMT_SYM_DEF, but for XOR). `null` is TPM_ALG_NULL. */
export interface SymmetricCipher {
  readonly algorithm: number
  readonly keyBits: number
  readonly mode: number
}

/**
 * Part 2, 11.1.20 TPMT_KEYEDHASH_SCHEME, 11.2.1.5 TPMT_KDF_SCHEME, 11.2.3.6 TPMT_ASYM_SCHEME. `null` is TPM_ALG_NULL.
 * `hash` is undefined where the scheme has none (TPM_ALG_RSAES), the others where they do not belong to the scheme.
 */
export interface Scheme {
  readonly scheme: number
  readonly hash?: number
  /** TPM_ALG_XOR alone. */
  readonly kdf?: number
  /** TPM_ALG_ECDAA alone. */
  readonly count?: number
}

interface CommonPublic {
  /** TPM_ALG_ID of the hash of its Name. */
  readonly nameAlg: number
  /** TPMA_OBJECT. */
  readonly attributes: number
  /** Empty, or a digest as long as one of `nameAlg`. */
  readonly authPolicy: Uint8Array
}

/** Part 2, 12.2.3.3 TPMS_KEYEDHASH_PARMS. */
export interface KeyedHashPublic extends CommonPublic {
  readonly type: typeof TPM_ALG.KEYEDHASH
  readonly scheme: Scheme | null
  readonly unique: Uint8Array
}

/** Part 2, 12.2.3.4 TPMS_SYMCIPHER_PARMS. */
export interface SymCipherPublic extends CommonPublic {
  readonly type: typeof TPM_ALG.SYMCIPHER
  readonly symmetric: SymmetricCipher | null
  readonly unique: Uint8Array
}

/** Part 2, 12.2.3.5 TPMS_RSA_PARMS. `exponent` 0 means 65537; `unique` is the modulus, or anything in a template. */
export interface RsaPublic extends CommonPublic {
  readonly type: typeof TPM_ALG.RSA
  readonly symmetric: SymmetricCipher | null
  readonly scheme: Scheme | null
  readonly keyBits: number
  readonly exponent: number
  readonly unique: Uint8Array
}

/** Part 2, 12.2.3.6 TPMS_ECC_PARMS. */
export interface EccPublic extends CommonPublic {
  readonly type: typeof TPM_ALG.ECC
  readonly symmetric: SymmetricCipher | null
  readonly scheme: Scheme | null
  readonly curve: number
  readonly kdf: Scheme | null
  readonly unique: EccPoint
}

/** Part 2, 11.2.5.2 TPMS_ECC_POINT. Some TPMs drop leading zero bytes of a coordinate; a template has none at all. */
export interface EccPoint {
  readonly x: Uint8Array
  readonly y: Uint8Array
}

/** Part 2, 12.2.4 TPMT_PUBLIC. */
export type PublicArea = KeyedHashPublic | SymCipherPublic | RsaPublic | EccPublic

/** Part 2, 12.2.4 TPMT_PUBLIC from all of these bytes. The values are views of them. @throws WireFault */
export function readPublicArea(bytes: Uint8Array): PublicArea {
  return readWhole(bytes, publicArea)
}

/** Part 2, 12.2.5 TPM2B_PUBLIC: the bytes, which a Name is taken over, and what they say. @throws WireFault */
export function readPublic2b(reader: Reader): { readonly bytes: Uint8Array; readonly area: PublicArea } {
  const base = reader.offset + 2
  const bytes = reader.tpm2b()
  const inner = new Reader(bytes, base)
  const area = publicArea(inner)
  inner.end()
  return { bytes, area }
}

/** Part 2, 12.2.4 TPMT_PUBLIC, the bytes that a Name is taken over. */
export function writePublicArea(area: PublicArea): Uint8Array {
  return written((writer) => {
    writer.u16(area.type).u16(area.nameAlg).u32(area.attributes).tpm2b(area.authPolicy)
    switch (area.type) {
      case TPM_ALG.KEYEDHASH:
        writeScheme(writer, area.scheme)
        writer.tpm2b(area.unique)
        break
      case TPM_ALG.SYMCIPHER:
        writeSymmetric(writer, area.symmetric)
        writer.tpm2b(area.unique)
        break
      case TPM_ALG.RSA:
        writeSymmetric(writer, area.symmetric)
        writeScheme(writer, area.scheme)
        writer.u16(area.keyBits).u32(area.exponent).tpm2b(area.unique)
        break
      case TPM_ALG.ECC:
        writeSymmetric(writer, area.symmetric)
        writeScheme(writer, area.scheme)
        writer.u16(area.curve)
        writeScheme(writer, area.kdf)
        writer.tpm2b(area.unique.x).tpm2b(area.unique.y)
        break
    }
  })
}

/**
 * Part 1, section "Names": nameAlg in two bytes, then the digest of the TPMT_PUBLIC by it. Takes the bytes as they came, since
 * that is what the TPM hashed.
 * @throws WireFault where the bytes begin with no hash we can compute
 */
export function nameOf(publicArea: Uint8Array): Uint8Array {
  const reader = new Reader(publicArea)
  reader.u16()
  const { offset } = reader
  const nameAlg = reader.u16()
  const algorithm = hashAlgorithm(nameAlg)
  if (algorithm === undefined) throw new WireFault(`its nameAlg ${hexOf(nameAlg)} is no hash known here`, offset)
  const digest = digestOf(algorithm, publicArea)
  return written((writer) => writer.u16(nameAlg).bytes(digest))
}

/** Part 2, 11.1.7 TPMT_SYM_DEF_OBJECT; also TPMT_SYM_DEF of a session (11.1.6), which has the same bytes for a cipher. */
export function writeSymmetric(writer: Writer, cipher: SymmetricCipher | null): void {
  if (cipher === null) writer.u16(TPM_ALG.NULL)
  else writer.u16(cipher.algorithm).u16(cipher.keyBits).u16(cipher.mode)
}

/** AES-128-CFB, as every parent here and every session encrypts. */
export const aes128Cfb: SymmetricCipher = { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB }

/** As the specification prints a number: 0x0008. */
export function hexOf(value: number, digits = 4): string {
  return `0x${value.toString(16).padStart(digits, '0')}`
}

/** P-521 in bytes, rounded up; BN_P638 has 80. */
const longestCoordinate = 80
/** SHA-512. */
const longestDigest = 64
/** RSA 4096; larger keys are in no profile. */
const longestModulus = 512

function publicArea(reader: Reader): PublicArea {
  const start = reader.offset
  const type = reader.u16()
  const common = (): CommonPublic => ({
    nameAlg: reader.u16(),
    attributes: reader.u32(),
    authPolicy: reader.tpm2b(longestDigest),
  })
  switch (type) {
    case TPM_ALG.KEYEDHASH:
      return { type, ...common(), scheme: readScheme(reader), unique: reader.tpm2b(longestDigest) }
    case TPM_ALG.SYMCIPHER:
      return { type, ...common(), symmetric: readSymmetric(reader), unique: reader.tpm2b(longestDigest) }
    case TPM_ALG.RSA:
      return {
        type,
        ...common(),
        symmetric: readSymmetric(reader),
        scheme: readScheme(reader),
        keyBits: reader.u16(),
        exponent: reader.u32(),
        unique: reader.tpm2b(longestModulus),
      }
    case TPM_ALG.ECC:
      return {
        type,
        ...common(),
        symmetric: readSymmetric(reader),
        scheme: readScheme(reader),
        curve: reader.u16(),
        kdf: readScheme(reader),
        unique: { x: reader.tpm2b(longestCoordinate), y: reader.tpm2b(longestCoordinate) },
      }
    default:
      throw new WireFault(`an object of type ${hexOf(type)} is none that a TPM has`, start)
  }
}

function readSymmetric(reader: Reader): SymmetricCipher | null {
  const start = reader.offset
  const algorithm = reader.u16()
  if (algorithm === TPM_ALG.NULL) return null
  if (!ciphers.includes(algorithm)) throw new WireFault(`${hexOf(algorithm)} is no block cipher of a TPM`, start)
  return { algorithm, keyBits: reader.u16(), mode: reader.u16() }
}

const ciphers: readonly number[] = [TPM_ALG.TDES, TPM_ALG.AES, TPM_ALG.SM4, TPM_ALG.CAMELLIA]
/** The schemes whose details are one hash: Part 2, 11.1.17 TPMS_SCHEME_HMAC, 11.2.1 to 11.2.3 TPMS_SCHEME_HASH. */
const hashSchemes: readonly number[] = [
  TPM_ALG.HMAC,
  TPM_ALG.MGF1,
  TPM_ALG.RSASSA,
  TPM_ALG.RSAPSS,
  TPM_ALG.OAEP,
  TPM_ALG.ECDSA,
  TPM_ALG.ECDH,
  TPM_ALG.SM2,
  TPM_ALG.ECSCHNORR,
  TPM_ALG.ECMQV,
  TPM_ALG.KDF1_SP800_56A,
  TPM_ALG.KDF2,
  TPM_ALG.KDF1_SP800_108,
]

function readScheme(reader: Reader): Scheme | null {
  const start = reader.offset
  const scheme = reader.u16()
  if (scheme === TPM_ALG.NULL) return null
  if (scheme === TPM_ALG.RSAES) return { scheme }
  if (scheme === TPM_ALG.XOR) return { scheme, hash: reader.u16(), kdf: reader.u16() }
  if (scheme === TPM_ALG.ECDAA) return { scheme, hash: reader.u16(), count: reader.u16() }
  if (!hashSchemes.includes(scheme)) throw new WireFault(`${hexOf(scheme)} is no scheme known here`, start)
  return { scheme, hash: reader.u16() }
}

function writeScheme(writer: Writer, scheme: Scheme | null): void {
  if (scheme === null) {
    writer.u16(TPM_ALG.NULL)
    return
  }
  writer.u16(scheme.scheme)
  for (const detail of [scheme.hash, scheme.kdf, scheme.count]) if (detail !== undefined) writer.u16(detail)
}
