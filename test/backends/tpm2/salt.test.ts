// Salts, decrypted by whoever holds the private key: what the TPM will find in them.

import { constants, createECDH, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { expect, it } from 'vitest'
import { readWhole } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG, TPM_ECC, TPMA_OBJECT } from '../../../src/backends/tpm2/wire/constants.ts'
import { aes128Cfb, nameOf, type PublicArea, writePublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import { type PreparedSalt, prepareSalt, saltFor, saltKey } from '../../../src/backends/tpm2/wire/salt.ts'

const nothing = new Uint8Array(0)
const attributes = TPMA_OBJECT.restricted | TPMA_OBJECT.decrypt
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function eccArea(point: Uint8Array, curve: number, nameAlg: number): PublicArea {
  const size = (point.length - 1) / 2
  const unique = { x: point.subarray(1, 1 + size), y: point.subarray(1 + size) }
  const common = { nameAlg, attributes, authPolicy: nothing, symmetric: aes128Cfb, scheme: null, kdf: null }
  return { type: TPM_ALG.ECC, ...common, curve, unique }
}

/** KDFe, written down again from Part 1, 11.4.10.3. */
function saltBehind(
  { encrypted }: PreparedSalt,
  private_: ReturnType<typeof createECDH>,
  x: Uint8Array,
  hash: string,
): string {
  const point = readWhole(encrypted, (reader) => ({ x: reader.tpm2b(), y: reader.tpm2b() }))
  const z = private_.computeSecret(Buffer.concat([Buffer.of(4), point.x, point.y]))
  const input = Buffer.concat([Buffer.from('00000001', 'hex'), z, Buffer.from('SECRET\0'), point.x, x])
  return createHash(hash).update(input).digest('hex')
}

it.each([
  ['P-256', 'prime256v1', TPM_ECC.NIST_P256, TPM_ALG.SHA256, 'sha256'],
  ['P-384', 'secp384r1', TPM_ECC.NIST_P384, TPM_ALG.SHA384, 'sha384'],
])('a salt to a key on %s is found again with its private half', (_, curveName, curve, nameAlg, hash) => {
  const parent = createECDH(curveName)
  const area = eccArea(parent.generateKeys(), curve, nameAlg)
  if (area.type !== TPM_ALG.ECC) throw new Error('not on a curve')
  const [one, two] = [prepareSalt(area), prepareSalt(area)]
  expect(saltBehind(one, parent, area.unique.x, hash)).toBe(hex(one.salt))
  expect(hex(two.salt)).not.toBe(hex(one.salt))
})

it('takes a point whose coordinates came without their leading zero bytes', () => {
  const parent = createECDH('prime256v1')
  let point = parent.generateKeys()
  while (point[1] !== 0) point = parent.generateKeys()
  const area = eccArea(point, TPM_ECC.NIST_P256, TPM_ALG.SHA256)
  if (area.type !== TPM_ALG.ECC) throw new Error('not on a curve')
  const short = { ...area, unique: { ...area.unique, x: area.unique.x.subarray(1) } }
  const salt = prepareSalt(short)
  expect(saltBehind(salt, parent, area.unique.x, 'sha256')).toBe(hex(salt.salt))
})

it('a salt to an RSA key is found again with its private half and the label SECRET', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const spki = publicKey.export({ format: 'der', type: 'pkcs1' })
  const area: PublicArea = {
    type: TPM_ALG.RSA,
    nameAlg: TPM_ALG.SHA256,
    attributes,
    authPolicy: nothing,
    symmetric: aes128Cfb,
    scheme: null,
    keyBits: 2048,
    exponent: 0,
    // RFC 8017, A.1.1: SEQUENCE, INTEGER n of 257 bytes, INTEGER e of 3.
    unique: spki.subarray(9, 9 + 256),
  }
  const { salt, encrypted } = prepareSalt(area)
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: Buffer.from('SECRET\0') }
  expect(hex(privateDecrypt({ key: privateKey, ...oaep }, encrypted))).toBe(hex(salt))
  expect(salt).toHaveLength(32)
})

it('refuses a point that is not on its curve', () => {
  const area = eccArea(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)]), TPM_ECC.NIST_P256, TPM_ALG.SHA256)
  expect(() => prepareSalt(area)).toThrow(expect.objectContaining({ code: 'ERR_DEVICE_FAILED' }))
})

it('refuses a key that cannot salt: no decryption key, another curve, not asymmetric', () => {
  const area = eccArea(createECDH('prime256v1').generateKeys(), TPM_ECC.NIST_P256, TPM_ALG.SHA256)
  const unusable = (words: string) =>
    expect.objectContaining({ code: 'ERR_KEY_UNUSABLE', message: expect.stringContaining(words) })
  const signing = writePublicArea({ ...area, attributes: TPMA_OBJECT.sign })
  expect(() => saltKey(1, signing)).toThrow(unusable('no decryption key'))
  if (area.type !== TPM_ALG.ECC) throw new Error('not on a curve')
  expect(() => prepareSalt({ ...area, curve: TPM_ECC.NIST_P521 })).toThrow(unusable('P-256 nor P-384'))
  const { nameAlg, authPolicy } = area
  expect(() =>
    prepareSalt({ type: TPM_ALG.KEYEDHASH, nameAlg, attributes, authPolicy, scheme: null, unique: nothing }),
  ).toThrow(unusable('neither an ECC nor an RSA key'))
})

it('F-T17 compares the Name with the pinned one, over the bytes as they came', () => {
  const bytes = writePublicArea(eccArea(createECDH('prime256v1').generateKeys(), TPM_ECC.NIST_P256, TPM_ALG.SHA256))
  expect(hex(saltKey(1, bytes, nameOf(bytes)).name)).toBe(hex(nameOf(bytes)))
  const other = Buffer.from(bytes)
  other.writeUInt8(other.readUInt8(8) ^ 1, 8)
  for (const pinned of [nameOf(other), nothing, nameOf(bytes).subarray(0, 33)]) {
    expect(() => saltKey(1, bytes, pinned)).toThrow(expect.objectContaining({ code: 'ERR_DEVICE_FAILED' }))
  }
  expect(() => saltKey(1, bytes.subarray(0, 20))).toThrow(expect.objectContaining({ code: 'ERR_DEVICE_FAILED' }))
})

it('a salt that was prepared for another key is wiped and not used', () => {
  const areas = [1, 2].map(() => eccArea(createECDH('prime256v1').generateKeys(), TPM_ECC.NIST_P256, TPM_ALG.SHA256))
  const [key, other] = areas.map((area) => saltKey(1, writePublicArea(area)))
  if (key === undefined || other === undefined) throw new Error('no keys')
  const prepared = prepareSalt(other.area)
  expect(saltFor(other, prepared)).toBe(prepared)
  const fresh = saltFor(key, prepared)
  expect(fresh).not.toBe(prepared)
  expect(prepared.salt.every((byte) => byte === 0)).toBe(true)
  expect(fresh.salt.every((byte) => byte === 0)).toBe(false)
})
