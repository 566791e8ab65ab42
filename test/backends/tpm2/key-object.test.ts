// What hardkey can use as a key, and what another object is told to be. B-063, B-064: TPM 2.0 Library, Part 2, 8.3.

import { describe, expect, it } from 'vitest'
import { asHmacKey, attributeNames, keyWarnings, objectWords } from '../../../src/backends/tpm2/documents/key-object.ts'
import { TPM_ALG } from '../../../src/backends/tpm2/wire/constants.ts'
import { type PublicArea, readPublicArea } from '../../../src/backends/tpm2/wire/public-area.ts'
import * as tools from './made-by-tools.ts'

/** The TPMT_PUBLIC in a TPM2B_PUBLIC. */
const areaIn = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex')).subarray(2)

describe('an object that is no HMAC-SHA256 key', () => {
  const right = readPublicArea(areaIn(tools.hmacPublic2b))
  const common = { nameAlg: TPM_ALG.SHA256, attributes: 0x0004_0040, authPolicy: new Uint8Array(0) }
  const keyedHash = (change: object): PublicArea => Object({ ...right, ...change })

  it.each<[string, PublicArea, string]>([
    ['an RSA key', readPublicArea(areaIn(tools.rsaEkPublic2b)), 'an RSA-2048 key'],
    ['an ECC key', readPublicArea(areaIn(tools.h2Public2b)), 'an ECC key on NIST_P256'],
    [
      'an AES key',
      {
        type: TPM_ALG.SYMCIPHER,
        ...common,
        symmetric: { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB },
        unique: new Uint8Array(32),
      },
      'AES-128',
    ],
    ['sealed data', keyedHash({ scheme: null, attributes: 0x40 }), 'sealed data'],
    ['a key without a scheme', keyedHash({ scheme: null }), 'without a scheme'],
    [
      'a key for XOR',
      keyedHash({ scheme: { scheme: TPM_ALG.XOR, hash: TPM_ALG.SHA256, kdf: TPM_ALG.KDF1_SP800_108 } }),
      'XOR',
    ],
    [
      'HMAC with SHA-1',
      keyedHash({ scheme: { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA1 } }),
      'HMAC with SHA1, not with SHA256',
    ],
    ['HMAC with SHA-512', keyedHash({ scheme: { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA512 } }), 'SHA512'],
    ['a key that may not sign', keyedHash({ attributes: 0x40 }), 'attribute sign is clear'],
    ['a restricted key', keyedHash({ attributes: 0x0005_0040 }), 'attribute restricted is set'],
    ['a key with a Name of no hash', keyedHash({ nameAlg: TPM_ALG.NULL }), 'nameAlg'],
  ])('B-063 is refused with its attribute named: %s', (_, area, named) => {
    for (const code of ['ERR_KEY_FILE_INVALID', 'ERR_KEY_UNUSABLE'] as const) {
      const said = { code, message: expect.stringContaining(named) }
      expect(() => asHmacKey(area, code, 'the thing')).toThrow(expect.objectContaining(said))
    }
  })

  it('B-064 is told from one that can be moved', () => {
    const key = (attributes: number, policyBytes: number) =>
      asHmacKey(keyedHash({ attributes, authPolicy: new Uint8Array(policyBytes) }), 'ERR_KEY_UNUSABLE', 'it')
    expect(keyWarnings(key(0x0004_0052, 32))).toEqual([])
    expect(keyWarnings(key(0x0004_0040, 32))).toEqual([
      expect.stringContaining('this key can be moved with its policy'),
    ])
    expect(keyWarnings(key(0x0004_0040, 0))).toEqual([expect.stringContaining('made outside of this TPM')])
  })

  it('is described with its attributes by name', () => {
    expect(attributeNames(0x0004_0052)).toEqual(['fixedTPM', 'fixedParent', 'userWithAuth', 'sign'])
    expect(attributeNames(0x8000_0002)).toEqual(['fixedTPM', '0x80000000'])
    expect(objectWords(right)).toBe('a key for HMAC with SHA256')
  })
})
