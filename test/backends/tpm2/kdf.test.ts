// Key derivation against other implementations: RFC 4231's vectors, node:crypto's createHmac, and answers of Python's
// `cryptography` (KBKDFHMAC in counter mode for KDFa, ConcatKDFHash for KDFe), which are given here.

import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashAlgorithm } from '../../../src/backends/tpm2/wire/hash.ts'
import { hmacSha256, kdfa, kdfe } from '../../../src/backends/tpm2/wire/kdf.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const counted = (length: number) => Uint8Array.from({ length }, (_, index) => index)

it.each([
  ['0b'.repeat(20), '4869205468657265', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    '4a656665',
    '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'aa'.repeat(131),
    '54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
])('RFC 4231: the HMAC under the key %s is right', (key, data, mac) => {
  expect(hex(hmacSha256(Buffer.from(key, 'hex'), Buffer.from(data, 'hex')))).toBe(mac)
})

it('gives the HMAC of createHmac for every key and parts, and leaves both as they were', () => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(bytes, fc.array(bytes, { maxLength: 5 }), (key, parts) => {
      const before = [key, ...parts].map(hex)
      const expected = createHmac('sha256', key).update(Buffer.concat(parts)).digest('hex')
      expect(hex(hmacSha256(key, ...parts))).toBe(expected)
      expect([key, ...parts].map(hex)).toEqual(before)
    }),
  )
})

it('derives by KDFa what SP 800-108 in counter mode derives', () => {
  const nonce = (byte: number) => new Uint8Array(32).fill(byte)
  expect(hex(kdfa(counted(32), 'ATH', nonce(0x11), nonce(0x22), 256))).toBe(
    'a8679444f320a6d0a02c03cac153c458f28758eca056594e887fcefdc2d7e95b',
  )
  const name = new Uint8Array(34).fill(0x33)
  expect(hex(kdfa(counted(80), 'STORAGE', name, new Uint8Array(0), 128))).toBe('fa4264c7b00462c0b660cff94c394000')
})

it.each([
  [0x000b, 32, 'a1c275359bb237e0d0ebc4568956da9792630b8c01304be5ae3391ded9955d8a'],
  [0x000c, 48, '5bc38ad40e5f59e480d875e15aafdbda83fbbe2c0f91e757a176363bd0644b747c111fc7dd8cc071a99f4a6a0245cc92'],
])('derives by KDFe with the hash %i what the concatenation KDF derives', (id, size, expected) => {
  const algorithm = hashAlgorithm(id)
  if (algorithm === undefined) throw new Error('the hash is not known')
  const part = (byte: number) => new Uint8Array(size).fill(byte)
  expect(hex(kdfe(algorithm, part(0x66), 'SECRET', part(0x44), part(0x55), size * 8))).toBe(expected)
})

it('refuses more bits than one round gives', () => {
  const nothing = new Uint8Array(0)
  expect(() => kdfa(nothing, 'ATH', nothing, nothing, 264)).toThrow(RangeError)
  expect(() => kdfa(nothing, 'ATH', nothing, nothing, 12)).toThrow(RangeError)
})

it('gives each derived key a buffer of its own, not a place in the pool of Node', () => {
  const nothing = new Uint8Array(0)
  for (const bits of [128, 256]) {
    expect(kdfa(counted(32), 'CFB', nothing, nothing, bits).buffer.byteLength).toBe(bits / 8)
  }
})
