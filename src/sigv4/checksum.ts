// The checksums that S3 knows, computed while a body passes. In: the name of an algorithm and bytes in parts. Out: base64.
// Amazon S3, "Checking object integrity": CRC32 (zlib), CRC32C (RFC 3720, appendix B.4), CRC64NVME (NVM Express, 64b CRC), SHA-1, SHA-256.
// A CRC is sent with its highest byte first.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { HardkeyError } from '../errors.ts'
import { Crc32c } from '../key/crc32c.ts'
import { Crc64Nvme } from './crc64-nvme.ts'

/** As S3 writes it in x-amz-checksum-algorithm. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'

/** A checksum under way. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void
  /** Ends it: the checksum in base64. */
  digest(): string
}

interface Kind {
  /** Characters of the checksum in base64. */
  readonly length: number
  readonly start: () => RunningChecksum
}

const kinds: Readonly<Record<ChecksumAlgorithm, Kind>> = Object.freeze({
  CRC32: { length: 8, start: () => ofCrc(new Crc32()) },
  CRC32C: { length: 8, start: () => ofCrc(new Crc32c()) },
  CRC64NVME: { length: 12, start: () => new Crc64Nvme() },
  SHA1: { length: 28, start: () => ofHash('sha1') },
  SHA256: { length: 44, start: () => ofHash('sha256') },
})

/** @throws ERR_REQUEST_INVALID for an algorithm that S3 does not know */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  return kindOf(algorithm).start()
}

/** Characters of the checksum in base64. */
export function checksumLength(algorithm: ChecksumAlgorithm): number {
  return kindOf(algorithm).length
}

/** The header or trailer that carries it: `x-amz-checksum-crc32c`. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** The names, for messages and for the command. */
export const checksumAlgorithms: readonly string[] = Object.freeze(Object.keys(kinds))

function kindOf(algorithm: string): Kind {
  // A caller without types may pass any text.
  if (Object.hasOwn(kinds, algorithm)) return kinds[algorithm as ChecksumAlgorithm]
  throw new HardkeyError('ERR_REQUEST_INVALID', 'there is no such checksum algorithm', {
    hint: `S3 knows ${checksumAlgorithms.join(', ')}`,
  })
}

class Crc32 {
  value = 0

  update(bytes: Uint8Array): void {
    this.value = crc32(bytes, this.value)
  }
}

/** Base64 of the highest byte first. */
function ofCrc(crc: Crc32 | Crc32c): RunningChecksum {
  const digest = (): string => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc.value)
    return bytes.toString('base64')
  }
  return { update: (bytes) => crc.update(bytes), digest }
}

function ofHash(name: string): RunningChecksum {
  const hash = createHash(name)
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest('base64'),
  }
}
