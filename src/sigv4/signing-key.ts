// The SigningKey of one day, region and service, and the signature made with it.
// In: a DateKey. Out: kRegion, kService, kSigning in turn, of which the last stays. Then: a string to sign in, 64 hex digits out.
// AWS Signature Version 4, "Derive the signing key" and "Calculate the signature".
// 1. The key lies as the two padded blocks of HMAC (RFC 2104, section 2), each followed by room for what is hashed behind
//    it: two one-shot hashes cost half of what createHmac costs.
// 2. Every signature writes into these buffers, so nothing waits between write and hash.
// 3. The blocks are key material: their owner wipes them.

import { createHash, createHmac, hash, type KeyObject } from 'node:crypto'
import type { SigningMoment } from './signing-moment.ts'
import { algorithm } from './string-to-sign.ts'

/** SHA-256 works on blocks of 64 bytes and gives 32. */
const blockBytes = 64
const hashBytes = 32

/** Enough for the string to sign of a chunk with the longest scope that is let through: 25 + 17 + 152 + 65 + 65 + 64. */
const textBytes = 512

export class SigningKey {
  readonly #inner = Buffer.alloc(blockBytes + textBytes)
  readonly #outer = Buffer.alloc(blockBytes + hashBytes)
  /** Whose string to sign lies in the buffer but for its last 64 digits, and where these begin. */
  #moment: SigningMoment | undefined
  #digitsAt = 0
  #hashed = this.#inner.subarray(0, blockBytes)

  private constructor(key: Uint8Array) {
    this.#inner.fill(0x36, 0, blockBytes)
    this.#outer.fill(0x5c, 0, blockBytes)
    for (const [at, byte] of key.entries()) {
      this.#inner.writeUInt8(0x36 ^ byte, at)
      this.#outer.writeUInt8(0x5c ^ byte, at)
    }
  }

  /** Derives the key; what lies between is wiped. */
  static derive(dateKey: KeyObject, region: string, service: string): SigningKey {
    const regionKey = createHmac('sha256', dateKey).update(region).digest()
    const serviceKey = createHmac('sha256', regionKey).update(service).digest()
    const signingKey = createHmac('sha256', serviceKey).update('aws4_request').digest()
    try {
      return new SigningKey(signingKey)
    } finally {
      for (const key of [regionKey, serviceKey, signingKey]) key.fill(0)
    }
  }

  /** HMAC-SHA256 of a string to sign, which is ASCII, in lower-case hex. */
  sign(stringToSign: string): string {
    if (stringToSign.length > textBytes) return this.#signLong(stringToSign)
    this.#moment = undefined
    const length = blockBytes + stringToSign.length
    // The length is the same for one scope, so the view is made once.
    if (this.#hashed.length !== length) this.#hashed = this.#inner.subarray(0, length)
    this.#inner.write(stringToSign, blockBytes, 'latin1')
    this.#outer.write(hash('sha256', this.#hashed, 'binary'), blockBytes, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }

  /** As `sign`, of a string to sign that ends with this hash (64 hex digits): of one second only the hash is written. */
  signHash(moment: SigningMoment, canonicalHash: string): string {
    if (moment !== this.#moment) return this.#signFirst(moment, canonicalHash)
    this.#inner.write(canonicalHash, this.#digitsAt, 'latin1')
    this.#outer.write(hash('sha256', this.#hashed, 'binary'), blockBytes, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }

  #signFirst(moment: SigningMoment, canonicalHash: string): string {
    const text = `${algorithm}\n${moment.time}\n${moment.scope}\n${canonicalHash}`
    const signature = this.sign(text)
    this.#digitsAt = blockBytes + text.length - canonicalHash.length
    this.#moment = moment
    return signature
  }

  /** A POST policy may have many kilobytes, which do not lie in the buffer. */
  #signLong(text: string): string {
    const inner = createHash('sha256').update(this.#inner.subarray(0, blockBytes)).update(text, 'latin1')
    this.#outer.write(inner.digest('binary'), blockBytes, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }

  /** Overwrites the key. A signature made afterwards is wrong, so the owner lets go of it first. */
  wipe(): void {
    this.#inner.fill(0)
    this.#outer.fill(0)
  }
}
