import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ChecksumAlgorithm, checksumHeader, checksumLength, startChecksum } from '../../src/sigv4/checksum.ts'

const algorithms: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']

function checksum(algorithm: ChecksumAlgorithm, parts: readonly Uint8Array[]): string {
  const running = startChecksum(algorithm)
  for (const part of parts) running.update(part)
  return running.digest()
}

// The check values of the CRC catalogue; SHA by FIPS 180-4.
it.each([
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
  ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
] as const)('gives the published %s of "123456789"', (algorithm, hex) => {
  expect(Buffer.from(checksum(algorithm, [Buffer.from('123456789')]), 'base64').toString('hex')).toBe(hex)
})

it('gives the same whatever the parts are in which the bytes come', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(fc.constantFrom(...algorithms), parts, (algorithm, given) => {
      expect(checksum(algorithm, given)).toBe(checksum(algorithm, [Buffer.concat(given)]))
    }),
  )
})

it('gives CRCs as a bit-by-bit division does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(checksum('CRC32C', [bytes])).toBe(slowCrc(bytes, 0x82f63b78n, 32))
      expect(checksum('CRC64NVME', [bytes])).toBe(slowCrc(bytes, 0x9a6c9329ac4bc9b5n, 64))
    }),
  )
})

it.each(algorithms)('tells the length of %s before it is known', (algorithm) => {
  expect(checksum(algorithm, []).length).toBe(checksumLength(algorithm))
  expect(checksumHeader(algorithm)).toBe(`x-amz-checksum-${algorithm.toLowerCase()}`)
})

it('refuses an algorithm that S3 does not know', () => {
  expect(() => startChecksum('MD5' as ChecksumAlgorithm)).toThrow(
    expect.objectContaining({ code: 'ERR_REQUEST_INVALID' }),
  )
})

function slowCrc(bytes: Uint8Array, polynomial: bigint, bits: number): string {
  const ones = (1n << BigInt(bits)) - 1n
  let crc = ones
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n
  }
  return Buffer.from((crc ^ ones).toString(16).padStart(bits / 4, '0'), 'hex').toString('base64')
}
