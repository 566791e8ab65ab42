// What the AWS SDK holds in the place of derived keys: the scope they belong to, and a mark that only we can make.
// In: the steps of a derivation (date, region, service, end). Out: bytes that stand for the key of that step. The SDK
// keeps them for as long as it likes; no key is among them. AWS Signature Version 4, "Derive the signing key".

import { createHmac, type KeyObject } from 'node:crypto'

/** SHA-256. */
const markBytes = 32

/** The steps so far, in their order. The longest has four. */
export type DerivationSteps = readonly string[]

export class DerivedKeys {
  readonly #key: KeyObject
  /** The SDK keeps what it is given and gives it back as the same object, mostly. */
  readonly #given = new WeakMap<Uint8Array, DerivationSteps>()

  /** `key` is random for each `signWithKey`: what stands for a key of one says nothing to another. */
  constructor(key: KeyObject) {
    this.#key = key
  }

  /** Bytes that stand for the key after these steps. */
  standIn(steps: DerivationSteps): Uint8Array {
    const text = Buffer.from(JSON.stringify(steps))
    const bytes = new Uint8Array(Buffer.concat([this.#mark(text), text]))
    this.#given.set(bytes, steps)
    return bytes
  }

  /** The steps that an object stands for, where it is the very object that was given. */
  stepsOfGiven(key: Uint8Array): DerivationSteps | undefined {
    return this.#given.get(key)
  }

  /** The steps that the bytes stand for, be they a copy, or undefined where they are no stand-in of ours. */
  stepsOf(bytes: Uint8Array): DerivationSteps | undefined {
    if (bytes.length <= markBytes) return undefined
    const text = bytes.subarray(markBytes)
    if (!this.#mark(text).equals(bytes.subarray(0, markBytes))) return undefined
    // The mark says that `standIn` wrote it.
    return JSON.parse(Buffer.from(text).toString()) as DerivationSteps
  }

  /** HMAC-SHA256 of anything else under the same random key. */
  named(data: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#key).update('name').update(data).digest()
  }

  #mark(text: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update('steps').update(text).digest()
  }
}
