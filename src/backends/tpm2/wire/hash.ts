// The hashes a TPM can have, by their number. In: a TPM_ALG_ID, and bytes. Out: its names, its size, a digest.
// TCG Algorithm Registry, table 3.

import { createHash, hash } from 'node:crypto'
import { TPM_ALG } from './constants.ts'

export interface HashAlgorithm {
  readonly id: number
  /** As `node:crypto` calls it. */
  readonly name: string
  /** As tpm2-tools calls its bank of PCRs. */
  readonly bank: string
  /** Bytes of a digest. */
  readonly size: number
}

/** Those that `node:crypto` has everywhere: SM3 is not in every build of OpenSSL. */
export const hashAlgorithms: readonly HashAlgorithm[] = [
  { id: TPM_ALG.SHA1, name: 'sha1', bank: 'sha1', size: 20 },
  { id: TPM_ALG.SHA256, name: 'sha256', bank: 'sha256', size: 32 },
  { id: TPM_ALG.SHA384, name: 'sha384', bank: 'sha384', size: 48 },
  { id: TPM_ALG.SHA512, name: 'sha512', bank: 'sha512', size: 64 },
  { id: TPM_ALG.SHA3_256, name: 'sha3-256', bank: 'sha3_256', size: 32 },
  { id: TPM_ALG.SHA3_384, name: 'sha3-384', bank: 'sha3_384', size: 48 },
  { id: TPM_ALG.SHA3_512, name: 'sha3-512', bank: 'sha3_512', size: 64 },
]

/** Undefined for a number that is no hash known here. */
export function hashAlgorithm(id: number): HashAlgorithm | undefined {
  return hashAlgorithms.find((algorithm) => algorithm.id === id)
}

/** The digest over the parts in order. For bytes that are no secret: they are left where the hash put them. */
export function digestOf(algorithm: HashAlgorithm, ...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  // Measured: one-shot hashing costs a third of createHash for a few bytes.
  if (only !== undefined && parts.length === 1) return new Uint8Array(hash(algorithm.name, only, 'buffer'))
  const state = createHash(algorithm.name)
  for (const part of parts) state.update(part)
  return new Uint8Array(state.digest())
}

/** SHA-256 over the parts in order. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digestOf(sha256Algorithm, ...parts)
}

const sha256Algorithm: HashAlgorithm = { id: TPM_ALG.SHA256, name: 'sha256', bank: 'sha256', size: 32 }
