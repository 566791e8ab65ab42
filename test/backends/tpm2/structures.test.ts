// Public areas, Names and the other structures: those that tpm2-tools wrote, and any that can be. TPM 2.0 Library, Part 2.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Reader, readWhole, WireFault, type Writer, written } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG, TPM_ECC } from '../../../src/backends/tpm2/wire/constants.ts'
import {
  nameOf,
  type PublicArea,
  readPublic2b,
  readPublicArea,
  writePublicArea,
} from '../../../src/backends/tpm2/wire/public-area.ts'
import {
  readCommandCodes,
  readDigests,
  readHandles,
  readPcrSelections,
  readProperties,
  readTicket,
  writeDigests,
  writePcrSelections,
  writeSensitive2b,
  writeSensitiveCreate,
  writeSignature,
} from '../../../src/backends/tpm2/wire/structures.ts'
import * as tools from './made-by-tools.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
/** The TPMT_PUBLIC in a TPM2B_PUBLIC. */
const areaIn = (digits: string): Uint8Array => bytesOf(digits).subarray(2)

describe('a public area that tpm2-tools wrote', () => {
  it.each([
    ['an HMAC key', tools.hmacPublic2b, tools.hmacName],
    ['the H-2 primary key', tools.h2Public2b, tools.h2Name],
    ['the RSA endorsement key', tools.rsaEkPublic2b, tools.rsaEkName],
    ['the ECC endorsement key', tools.eccEkPublic2b, tools.eccEkName],
    ['an office key', tools.officePublic2b, tools.officeName],
  ])('of %s has the Name that the TPM gives it, and is written as it was read', (_, public2b, name) => {
    const { bytes, area } = readWhole(bytesOf(public2b), readPublic2b)
    expect(hex(nameOf(bytes))).toBe(name)
    expect(hex(writePublicArea(area))).toBe(hex(bytes))
  })

  it.each([tools.hmacPublic2b, tools.h2Public2b, tools.rsaEkPublic2b])(
    'is refused when it is cut at any byte',
    (digits) => {
      const area = areaIn(digits)
      for (let length = 0; length < area.length; length++) {
        expect(() => readPublicArea(area.subarray(0, length))).toThrow(WireFault)
      }
      expect(() => readPublicArea(Uint8Array.of(...area, 0))).toThrow(WireFault)
    },
  )

  it('says each of its parts', () => {
    expect(readPublicArea(areaIn(tools.hmacPublic2b))).toMatchObject({
      type: TPM_ALG.KEYEDHASH,
      nameAlg: TPM_ALG.SHA256,
      attributes: 0x0004_0040,
      scheme: { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 },
    })
    expect(readPublicArea(areaIn(tools.eccEkPublic2b))).toMatchObject({
      curve: TPM_ECC.NIST_P256,
      attributes: 0x0003_00b2,
    })
  })
})

describe('a Name', () => {
  it('has the digest of its nameAlg', () => {
    const area = areaIn(tools.hmacPublic2b).slice()
    area[3] = TPM_ALG.SHA384
    expect(nameOf(area)).toHaveLength(2 + 48)
  })

  it('is refused for a nameAlg that is no hash', () => {
    const area = areaIn(tools.hmacPublic2b).slice()
    area[3] = TPM_ALG.NULL
    expect(() => nameOf(area)).toThrow(expect.objectContaining({ offset: 2 }))
  })
})

describe('any public area', () => {
  const short = fc.uint8Array({ maxLength: 64 })
  const u16 = fc.nat(0xffff)
  const scheme = fc.oneof(
    fc.constant(null),
    fc.record({ scheme: fc.constantFrom(TPM_ALG.HMAC, TPM_ALG.RSASSA, TPM_ALG.ECDSA, TPM_ALG.OAEP), hash: u16 }),
    fc.record({ scheme: fc.constant(TPM_ALG.RSAES) }),
    fc.record({ scheme: fc.constant(TPM_ALG.XOR), hash: u16, kdf: u16 }),
    fc.record({ scheme: fc.constant(TPM_ALG.ECDAA), hash: u16, count: u16 }),
  )
  const symmetric = fc.oneof(
    fc.constant(null),
    fc.record({ algorithm: fc.constantFrom(TPM_ALG.AES, TPM_ALG.CAMELLIA), keyBits: u16, mode: u16 }),
  )
  const common = { nameAlg: u16, attributes: fc.nat(0x7fff_ffff), authPolicy: short }
  const area: fc.Arbitrary<PublicArea> = fc.oneof(
    fc.record({ type: fc.constant(TPM_ALG.KEYEDHASH), ...common, scheme, unique: short }),
    fc.record({ type: fc.constant(TPM_ALG.SYMCIPHER), ...common, symmetric, unique: short }),
    fc.record({
      type: fc.constant(TPM_ALG.RSA),
      ...common,
      symmetric,
      scheme,
      keyBits: u16,
      exponent: fc.nat(0x7fff_ffff),
      unique: fc.uint8Array({ maxLength: 512 }),
    }),
    fc.record({
      type: fc.constant(TPM_ALG.ECC),
      ...common,
      symmetric,
      scheme,
      curve: u16,
      kdf: scheme,
      unique: fc.record({ x: short, y: short }),
    }),
  )

  it('is read as it was written', () => {
    fc.assert(
      fc.property(area, (value) => {
        expect(readPublicArea(writePublicArea(value))).toEqual(value)
      }),
    )
  })

  it('that is no public area at all is refused as one, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(writePublicArea(readPublicArea(bytes))).toEqual(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(WireFault)
        }
      }),
    )
  })
})

describe('the other structures', () => {
  const back = <T>(write: (writer: Writer) => void, read: (reader: Reader) => T): T => readWhole(written(write), read)
  const one = Uint8Array.of(1, 2)

  it('stand in a command as the specification has them', () => {
    const selection = [{ hash: TPM_ALG.SHA256, select: Uint8Array.of(0, 0, 0x80) }]
    expect(hex(written((writer) => writePcrSelections(writer, selection)))).toBe('00000001000b03000080')
    expect(hex(written((writer) => writeSensitiveCreate(writer, { userAuth: one, data: new Uint8Array(1) })))).toBe(
      '000700020102000100',
    )
    const sensitive = { sensitiveType: TPM_ALG.KEYEDHASH, authValue: one, seedValue: new Uint8Array(1), sensitive: one }
    expect(hex(written((writer) => writeSensitive2b(writer, sensitive)))).toBe(
      '000d' + '0008' + '00020102' + '000100' + '00020102',
    )
    expect(hex(written((writer) => writeDigests(writer, [one, one])))).toBe('0000000200020102' + '00020102')
  })

  it.each([
    [{ scheme: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256, r: one, s: one }, '0018000b' + '00020102' + '00020102'],
    [{ scheme: TPM_ALG.RSASSA, hash: TPM_ALG.SHA256, signature: one }, '0014000b' + '00020102'],
    [{ scheme: TPM_ALG.RSAPSS, hash: TPM_ALG.SHA384, signature: one }, '0016000c' + '00020102'],
  ] as const)('stand in a command as the specification has them: a signature', (signature, digits) => {
    expect(hex(written((writer) => writeSignature(writer, signature)))).toBe(digits)
  })

  it('are read as they were written', () => {
    const selections = [{ hash: TPM_ALG.SHA1, select: Uint8Array.of(3, 0, 0) }]
    expect(back((writer) => writePcrSelections(writer, selections), readPcrSelections)).toEqual(selections)
    expect(back((writer) => writeDigests(writer, [one]), readDigests)).toEqual([one])
    expect(readWhole(bytesOf('80214000000100020102'), readTicket)).toEqual({
      tag: 0x8021,
      hierarchy: 0x4000_0001,
      digest: one,
    })
  })

  it('of GetCapability are lists of handles, commands and properties', () => {
    expect(readWhole(bytesOf('000000028100000181010100'), readHandles)).toEqual([0x8100_0001, 0x8101_0100])
    // TPMA_CC of TPM2_HMAC (one handle), of TPM2_FlushContext, and of a vendor's command.
    const commands = bytesOf('00000003' + '02000155' + '00000165' + '20000001')
    expect(readWhole(commands, readCommandCodes)).toEqual([0x155, 0x165, 0x2000_0001])
    expect([...readWhole(bytesOf('000000010000020f00000020'), readProperties)]).toEqual([[0x20f, 32]])
  })

  it.each<[string, string, (reader: Reader) => unknown]>([
    ['of 17 PCR selections', '00000011', readPcrSelections],
    ['of 9 digests', '00000009', readDigests],
    ['of four thousand million handles', 'ffffffff', readHandles],
  ])('F-T15 of a list %s are refused before it is read', (_, digits, read) => {
    expect(() => readWhole(bytesOf(digits), read)).toThrow(expect.objectContaining({ offset: 0 }))
  })
})
