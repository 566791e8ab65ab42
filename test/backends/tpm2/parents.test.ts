// The parents of TPM keys: their templates beside what tpm2-tools made, and where a key file's parent is looked for.

import { describe, expect, it } from 'vitest'
import { parentKinds, parentOf, parentsFor } from '../../../src/backends/tpm2/documents/parents.ts'
import { readWhole } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import { type PublicArea, readPublic2b, writePublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import * as tools from './made-by-tools.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The template of a primary key that was made: the same but for its unique value. */
function withUnique(digits: string, unique: object): string {
  const { area } = readWhole(Buffer.from(digits, 'hex'), readPublic2b)
  // What stands in `unique` belongs to the type of the area; Object drops the types to put it there.
  const changed: PublicArea = Object({ ...area, unique })
  return hex(writePublicArea(changed))
}

const point = (bytes: number): object => ({ x: new Uint8Array(bytes), y: new Uint8Array(bytes) })

describe('the template of a parent', () => {
  it.each([
    ['h2', tools.h2Public2b, point(0)],
    ['ecc-srk', tools.h2Public2b, point(32)],
    ['rsa-ek', tools.rsaEkPublic2b, new Uint8Array(256)],
    ['ecc-ek', tools.eccEkPublic2b, point(32)],
  ] as const)('%s is that of the key that tpm2-tools make, but for what is unique', (kind, made, unique) => {
    expect(hex(writePublicArea(parentOf(kind).template))).toBe(withUnique(made, unique))
  })

  it('rsa-srk has the attributes of the ECC one and the parameters of the RSA endorsement key', () => {
    const [srk, ek, ecc] = [parentOf('rsa-srk'), parentOf('rsa-ek'), parentOf('ecc-srk')].map(
      ({ template }) => template,
    )
    expect(srk).toEqual({ ...ek, attributes: ecc?.attributes, authPolicy: new Uint8Array(0) })
    expect(srk).toMatchObject({ type: TPM_ALG.RSA, attributes: 0x0003_0472, keyBits: 2048, exponent: 0 })
  })

  it('says its hierarchy, and that an endorsement key is used by its policy', () => {
    const told = parentKinds.map((kind) => [kind, parentOf(kind).hierarchy, parentOf(kind).usedByPolicy])
    expect(told).toEqual([
      ['h2', TPM_RH.OWNER, false],
      ['rsa-ek', TPM_RH.ENDORSEMENT, true],
      ['ecc-ek', TPM_RH.ENDORSEMENT, true],
      ['rsa-srk', TPM_RH.OWNER, false],
      ['ecc-srk', TPM_RH.OWNER, false],
    ])
  })

  it('is nobody else’s: one that is changed leaves the next as it was', () => {
    parentOf('rsa-ek').template.authPolicy.fill(0)
    expect(hex(parentOf('rsa-ek').template.authPolicy)).toMatch(/^837197/)
  })
})

describe('where the parent in a key file is looked for', () => {
  it.each([
    ['a transient handle', 0x8000_0000],
    ['another transient handle', 0x80ff_ffff],
    ['the owner hierarchy', 0x4000_0001],
    ['TPM_RH_FW_OWNER', 0x4000_0140],
  ])('%s says nothing: all are tried, H-2 first', (_, parent) => {
    expect(parentsFor(parent)).toEqual(['h2', 'rsa-ek', 'ecc-ek', 'rsa-srk', 'ecc-srk'])
  })

  it('the RSA storage root key comes first where the file says that the parent is RSA', () => {
    expect(parentsFor(0x4000_0001, true)).toEqual(['rsa-srk', 'h2', 'rsa-ek', 'ecc-ek', 'ecc-srk'])
  })

  it('the endorsement hierarchy has two', () => expect(parentsFor(0x4000_000b)).toEqual(['rsa-ek', 'ecc-ek']))

  it('a persistent handle is used as it is', () => {
    expect([parentsFor(0x8100_0001), parentsFor(0x81ff_ffff)]).toEqual([0x8100_0001, 0x81ff_ffff])
  })

  it.each([0, 0x0100_0001, 0x0200_0000, 0x4000_0007, 0x4000_000a, 0x4000_000c, 0x8200_0000, 0xffff_ffff])(
    'B-065 under %i no key lies',
    (parent) => {
      expect(parentsFor(parent)).toBeUndefined()
    },
  )
})
