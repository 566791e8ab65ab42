// The key derivations of TPM 2.0. In: secrets, a label, nonces. Out: keys, in buffers outside V8's heap.
// TPM 2.0 Library, Part 1, 11.4.10 "Key Derivation Function": KDFa (SP 800-108, counter mode, HMAC) and KDFe (SP 800-56A).
// HMACs are made of two one-shot hashes: on Node 24 one by createHmac costs 16 microseconds, and a session needs ten.

import { hash } from 'node:crypto'
import type { HashAlgorithm } from './hash.ts'

/** Bytes of a block and of a digest of SHA-256. */
const blockSize = 64
const digestSize = 32

/** A buffer of zeros outside V8's heap, where it can be wiped. */
export function ownBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length))
}

/** The parts in order in one buffer outside V8's heap, which the caller wipes where a part is secret. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = ownBytes(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** RFC 2104, HMAC-SHA256 over the parts in order: 32 bytes in a buffer of the caller's. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const inner = joined(zeroBlock, ...parts)
  const outer = ownBytes(blockSize + digestSize)
  const short = key.length > blockSize ? hash('sha256', key, 'buffer') : key
  let digest: Uint8Array | undefined
  try {
    for (let index = 0; index < blockSize; index++) {
      const byte = short[index] ?? 0
      inner[index] = byte ^ 0x36
      outer[index] = byte ^ 0x5c
    }
    digest = hash('sha256', inner, 'buffer')
    outer.set(digest, blockSize)
    return hash('sha256', outer, 'buffer')
  } finally {
    inner.fill(0)
    outer.fill(0)
    digest?.fill(0)
    if (short !== key) short.fill(0)
  }
}

const zeroBlock: Uint8Array = new Uint8Array(blockSize)

/**
 * Part 1, 11.4.10.2 KDFa with SHA-256, for up to 256 bits, which are one round of it. `label` without its closing zero byte,
 * which is added.
 */
export function kdfa(
  key: Uint8Array,
  label: string,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array {
  return firstBits(hmacSha256(key, firstRound, labelBytes(label), contextU, contextV, numberBytes(bits)), bits)
}

/**
 * Part 1, 11.4.10.3 KDFe, for up to as many bits as the hash has, which are one round of it. `z` is the x coordinate of the
 * shared point; the parties' are those of their public points.
 */
export function kdfe(
  algorithm: HashAlgorithm,
  z: Uint8Array,
  label: string,
  partyU: Uint8Array,
  partyV: Uint8Array,
  bits: number,
): Uint8Array {
  const input = joined(firstRound, z, labelBytes(label), partyU, partyV)
  try {
    return firstBits(hash(algorithm.name, input, 'buffer'), bits)
  } finally {
    input.fill(0)
  }
}

/** The counter of both functions starts at 1. */
const firstRound: Uint8Array = Uint8Array.of(0, 0, 0, 1)

function labelBytes(label: string): Uint8Array {
  return Buffer.from(`${label}\0`, 'latin1')
}

function numberBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function firstBits(bytes: Uint8Array, bits: number): Uint8Array {
  if (bits % 8 !== 0 || bits > bytes.length * 8) throw new RangeError(`${bits} bits are more than one round gives`)
  if (bits === bytes.length * 8) return bytes
  const first = ownBytes(bits / 8)
  first.set(bytes.subarray(0, first.length))
  bytes.fill(0)
  return first
}
