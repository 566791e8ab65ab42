// SHA-256 and HMAC-SHA256 as an AWS SDK client takes them (`sha256` in its configuration). In: what the SDK hashes. Out:
// the same hashes as its own, and for the placeholder the signatures of the key: a key derived from the placeholder is
// derived from the device. AWS Signature Version 4, "Derive the signing key" and "Calculate the signature".
// 1. The device is asked at the first step, the date; what it throws, the SDK's call throws.
// 2. No derived key goes to the SDK, which would keep it in its own memory: it gets what stands for it.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { SigningKeys } from '../sigv4/signing-keys.ts'
import type { DerivationSteps, DerivedKeys } from './derived-key.ts'
import { notTaken, type Placeholder } from './placeholder.ts'

/** What the SDK hashes, and what it takes as a key. */
export type HashInput = string | ArrayBuffer | ArrayBufferView

/** A hash in the SDK's form. */
export interface SdkHash {
  update(data: HashInput, encoding?: 'utf8' | 'ascii' | 'latin1'): void
  digest(): Promise<Uint8Array>
  reset(): void
}

/** With a key it makes HMACs, without one hashes. */
export type SdkHashConstructor = new (key?: HashInput) => SdkHash

/** What an instance does with its data. */
type Act =
  | { readonly kind: 'hash' }
  | { readonly kind: 'hmac'; readonly key: string | Uint8Array }
  /** The name under which the SDK keeps a signing key. */
  | { readonly kind: 'name' }
  /** The next step of a derivation; after the fourth, a signature. */
  | { readonly kind: 'step'; readonly steps: DerivationSteps }

/** Date, region, service and the end. */
const allSteps = 4

/** More scopes than these are derived anew for each signature: a server may name any region in a redirect. */
const mostScopes = 64

/** What the class needs from the one call of `signWithKey` that it belongs to. */
export interface HashSeam {
  readonly placeholder: Placeholder
  readonly derived: DerivedKeys
  readonly keys: DateKeySource
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** The steps of a derivation, taken by the device, and the signatures at its end. */
class Derivation {
  readonly #seam: HashSeam
  readonly #scopes = new Map<string, SigningKeys>()

  constructor(seam: HashSeam) {
    this.#seam = seam
  }

  /** What stands for the key of the next step; after the last step the signature of the data, 32 bytes. */
  async next(steps: DerivationSteps, data: Buffer): Promise<Uint8Array> {
    const { keys, derived } = this.#seam
    const [date, region, service] = steps
    if (steps.length < allSteps) {
      if (date === undefined) await keys.dateKey(data.toString())
      return derived.standIn([...steps, data.toString()])
    }
    if (date === undefined || region === undefined || service === undefined) throw notTaken()
    // Strings to sign and policies are ASCII.
    const signature = await this.#signingKeys(region, service).sign(date, data.toString('latin1'), undefined)
    return new Uint8Array(Buffer.from(signature, 'hex'))
  }

  #signingKeys(region: string, service: string): SigningKeys {
    const scope = `${region}/${service}`
    const there = this.#scopes.get(scope)
    if (there !== undefined) return there
    const made = new SigningKeys(this.#seam.keys, region, service, this.#seam.now)
    if (this.#scopes.size < mostScopes) this.#scopes.set(scope, made)
    return made
  }
}

/** The class. Its instances throw what the key throws, and ERR_SDK_INCOMPATIBLE for a derivation that is not SigV4's. */
export function sdkSha256(seam: HashSeam): SdkHashConstructor {
  const derivation = new Derivation(seam)
  return class Sha256 implements SdkHash {
    readonly #act: Act
    #native: Hash | Hmac | undefined
    #parts: Uint8Array[] = []

    constructor(key?: HashInput) {
      this.#act = actFor(key, seam)
      this.reset()
    }

    update(data: HashInput, encoding?: 'utf8' | 'ascii' | 'latin1'): void {
      const bytes = bytesOf(data, encoding)
      if (this.#native === undefined) this.#parts.push(Uint8Array.from(bytes))
      else this.#native.update(bytes)
    }

    async digest(): Promise<Uint8Array> {
      if (this.#native !== undefined) return new Uint8Array(this.#native.digest())
      const data = Buffer.concat(this.#parts)
      return this.#act.kind === 'step' ? await derivation.next(this.#act.steps, data) : seam.derived.named(data)
    }

    reset(): void {
      this.#parts = []
      if (this.#act.kind === 'hash') this.#native = createHash('sha256')
      if (this.#act.kind === 'hmac') this.#native = createHmac('sha256', this.#act.key)
    }
  }
}

function actFor(key: HashInput | undefined, { placeholder, derived }: HashSeam): Act {
  if (key === undefined) return { kind: 'hash' }
  const given = key instanceof Uint8Array ? derived.stepsOfGiven(key) : undefined
  if (given !== undefined) return { kind: 'step', steps: given }
  const bytes = typeof key === 'string' ? undefined : bytesOf(key)
  const text = typeof key === 'string' ? key : Buffer.from(bytes ?? []).toString('latin1')
  const at = text.indexOf(placeholder.text)
  if (at >= 0) {
    const prefix = text.slice(0, at)
    if (prefix === 'AWS4A') throw permanentKey()
    if (!/^(?:AWS4)?$/.test(prefix) || text.length !== at + placeholder.text.length) throw notTaken()
    placeholder.taken()
    return prefix === '' ? { kind: 'name' } : { kind: 'step', steps: [] }
  }
  // A copy of the credentials holds no placeholder either.
  if (/^(?:AWS4A?)?$/.test(text)) throw notTaken()
  if (bytes === undefined) return { kind: 'hmac', key: text }
  const steps = derived.stepsOf(bytes)
  return steps === undefined ? { kind: 'hmac', key: bytes } : { kind: 'step', steps }
}

/** ERR_REQUEST_INVALID: the key that SigV4a derives from a secret is good for all days, so it never leaves the device. */
export function permanentKey(): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', 'SigV4a is not signed with a key in a device', {
    hint: 'sign it with temporary credentials: credentials: fromHardkey({ … })',
  })
}

function bytesOf(data: HashInput, encoding: 'utf8' | 'ascii' | 'latin1' = 'utf8'): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, encoding)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
