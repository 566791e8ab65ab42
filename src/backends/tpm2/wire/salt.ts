// The salt of an authorization session. In: the public area of a key in the TPM. Out: a salt, and its encryption to that key.
// TPM 2.0 Library, Part 1, 19.6.13 "Salted Sessions" and annexes B.10.2 (RSA: OAEP, label "SECRET") and C.6.3 (ECC: one
// pass of ECDH, KDFe with "SECRET"). The seed of a duplicate goes the same way under another label: B.10.3 and C.6.4.
// A salt is as safe as the key's Name is certain: `saltKey` compares it with the pinned one before anything is encrypted.

import { constants, createECDH, createPublicKey, publicEncrypt, randomFillSync } from 'node:crypto'
import { HardkeyError } from '../../../errors.ts'
import { WireFault } from './codec.ts'
import { TPM_ALG, TPM_ECC, TPMA_OBJECT } from './constants.ts'
import { type HashAlgorithm, hashAlgorithm } from './hash.ts'
import { joined, kdfe, ownBytes } from './kdf.ts'
import { type EccPublic, nameOf, type PublicArea, type RsaPublic, readPublicArea } from './public-area.ts'

/** A key in the TPM that sessions are salted to: a restricted or unrestricted decryption key. */
export interface SaltKey {
  readonly handle: number
  readonly name: Uint8Array
  readonly area: PublicArea
}

/** A salt for one session. Whoever starts the session wipes it, or whoever made it where no session is started. */
export interface PreparedSalt {
  /** The x coordinate or the modulus of the key that it is for. */
  readonly unique: Uint8Array
  /** 32 bytes with SHA-256 as nameAlg. Secret. */
  readonly salt: Uint8Array
  /** The content of TPM2B_ENCRYPTED_SECRET (Part 2, 11.4.3). */
  readonly encrypted: Uint8Array
}

/** The curves of the EK and SRK profiles. Coordinates have as many bytes as the field. */
const curves: ReadonlyMap<number, { readonly name: string; readonly size: number }> = new Map([
  [TPM_ECC.NIST_P256, { name: 'prime256v1', size: 32 }],
  [TPM_ECC.NIST_P384, { name: 'secp384r1', size: 48 }],
])

/**
 * The key behind a handle as one to salt with. `publicArea` holds the bytes of its TPMT_PUBLIC, from the TPM or from a
 * record. Where `pinnedName` is given, the area must have it: else nothing is proved, and the salt may go to anyone.
 *
 * @throws ERR_DEVICE_FAILED for another Name or an area that cannot be read, ERR_KEY_UNUSABLE for a key that cannot salt
 */
export function saltKey(handle: number, publicArea: Uint8Array, pinnedName?: Uint8Array): SaltKey {
  const key = readSaltKey(handle, publicArea)
  if (pinnedName !== undefined && Buffer.compare(key.name, pinnedName) !== 0) {
    throw new HardkeyError(
      'ERR_DEVICE_FAILED',
      'the key that encrypts to the TPM has another Name than the pinned one',
      {
        hint: 'the TPM was cleared, this is another TPM, or something between changes its answers; nothing secret was sent',
        serviceCode: otherName,
      },
    )
  }
  if ((key.area.attributes & TPMA_OBJECT.decrypt) === 0) throw unusable('it is no decryption key')
  return key
}

/** Not one of the TPM's words: this refusal is our own. */
const otherName = 'another Name'

/** What the secret is for: a session, or the outer wrapper of a duplicate. */
export type SaltLabel = 'SECRET' | 'DUPLICATE'

/**
 * A fresh salt for that key. It costs about 130 microseconds (ECC), which can be spent while the connection to the TPM
 * is being made.
 *
 * @throws ERR_KEY_UNUSABLE for a curve or type that cannot salt, ERR_DEVICE_FAILED for a point that is not on its curve
 */
export function prepareSalt(area: PublicArea, label: SaltLabel = 'SECRET'): PreparedSalt {
  const algorithm = hashAlgorithm(area.nameAlg)
  if (algorithm === undefined) throw unusable('its hash is not known here')
  if (area.type === TPM_ALG.ECC) return eccSalt(area, algorithm, label)
  if (area.type === TPM_ALG.RSA) return rsaSalt(area, algorithm, label)
  throw unusable('it is neither an ECC nor an RSA key')
}

/** True for the refusal of a salting key whose Name is not the pinned one. */
export function isOtherName(error: unknown): boolean {
  return error instanceof HardkeyError && error.serviceCode === otherName
}

/** The salt if it was prepared for this key; else it is wiped, and a fresh one is made. */
export function saltFor({ area }: SaltKey, prepared: PreparedSalt | undefined): PreparedSalt {
  if (prepared === undefined) return prepareSalt(area)
  const unique = area.type === TPM_ALG.ECC ? area.unique.x : area.unique
  if (Buffer.compare(unique, prepared.unique) === 0) return prepared
  wipeSalt(prepared)
  return prepareSalt(area)
}

/** Overwrites the salt. */
export function wipeSalt({ salt }: PreparedSalt): void {
  salt.fill(0)
}

function readSaltKey(handle: number, bytes: Uint8Array): SaltKey {
  try {
    return { handle, name: nameOf(bytes), area: readPublicArea(bytes) }
  } catch (cause) {
    if (!(cause instanceof WireFault)) throw cause
    throw new HardkeyError('ERR_DEVICE_FAILED', 'the public area of the key that encrypts to the TPM cannot be read', {
      cause,
    })
  }
}

function eccSalt(area: EccPublic, algorithm: HashAlgorithm, label: SaltLabel): PreparedSalt {
  const curve = curves.get(area.curve)
  if (curve === undefined) throw unusable('its curve is neither P-256 nor P-384')
  const x = padded(area.unique.x, curve.size)
  const point = joined(uncompressed, x, padded(area.unique.y, curve.size))
  const ecdh = createECDH(curve.name)
  const own = ecdh.generateKeys()
  let z: Uint8Array | undefined
  try {
    z = ecdh.computeSecret(point)
    const ownX = own.subarray(1, 1 + curve.size)
    const ownY = own.subarray(1 + curve.size)
    const size = Uint8Array.of(0, curve.size)
    const salt = kdfe(algorithm, z, label, ownX, x, algorithm.size * 8)
    return { unique: area.unique.x, salt, encrypted: joined(size, ownX, size, ownY) }
  } catch (cause) {
    throw new HardkeyError('ERR_DEVICE_FAILED', 'the key that encrypts to the TPM is no point on its curve', { cause })
  } finally {
    z?.fill(0)
  }
}

/** SEC 1, 2.3.3: the first byte of a point with both coordinates. */
const uncompressed: Uint8Array = Uint8Array.of(4)

/** Part 2, 11.2.5.1: a TPM may drop leading zero bytes of a coordinate, and none here has more than `size`. */
function padded(coordinate: Uint8Array, size: number): Uint8Array {
  if (coordinate.length > size) throw unusable('a coordinate is longer than its curve')
  const whole = new Uint8Array(size)
  whole.set(coordinate, size - coordinate.length)
  return whole
}

function rsaSalt(area: RsaPublic, algorithm: HashAlgorithm, label: SaltLabel): PreparedSalt {
  const exponent = area.exponent === 0 ? 65_537 : area.exponent
  const e = Uint8Array.of(exponent >>> 24, exponent >>> 16, exponent >>> 8, exponent)
  const jwk = { kty: 'RSA', n: base64url(area.unique), e: base64url(e.subarray(e.findIndex((byte) => byte !== 0))) }
  const salt = ownBytes(algorithm.size)
  randomFillSync(salt)
  try {
    const encrypted = publicEncrypt(
      {
        key: createPublicKey({ key: jwk, format: 'jwk' }),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: algorithm.name,
        oaepLabel: Buffer.from(`${label}\0`),
      },
      salt,
    )
    return { unique: area.unique, salt, encrypted }
  } catch (cause) {
    salt.fill(0)
    throw new HardkeyError('ERR_DEVICE_FAILED', 'nothing can be encrypted to the RSA key of the TPM', { cause })
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function unusable(why: string): HardkeyError {
  return new HardkeyError('ERR_KEY_UNUSABLE', `this key of the TPM cannot protect a session: ${why}`, {
    hint: 'name another one in the key URI: salt=0x81…, an ECC P-256 or RSA 2048 storage key',
  })
}
