// The auth value of one key. In: what the URI says of it, a PIN source. Out: the bytes, asked for once.
// TPM 2.0 Library, Part 1, 19.8 "Dictionary Attack Protection": a wrong value of a key without noDA counts against the whole
// TPM, and enough of them lock it for every program.
// 1. A value that the next wrong try would lock the TPM with is not tried; where no person watches, not from half way on.
// 2. It belongs to one opened key, which wipes it at its end.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { tooLong } from './auth-values.ts'
import type { KeyAuth } from './authorize.ts'
import { describePlace, type KeyAddress } from './key-uri.ts'
import type { Stay } from './stay.ts'
import { TPMA_OBJECT } from './wire/constants.ts'
import { readLockout } from './wire/lockout.ts'
import type { KeyedHashPublic } from './wire/public-area.ts'
import { describeTpmAddress } from './wire/tcti.ts'

/** The longest auth value: a digest of SHA-512 (Part 2, 10.4.5 TPM2B_AUTH). */
const longestAuth = 64
const nothing: Uint8Array = new Uint8Array(0)

export class AskedAuth {
  readonly #context: DeviceContext
  readonly #address: KeyAddress
  readonly #isUnattended: boolean
  #isEmpty: boolean
  #value: Secret | undefined
  #wasRisked = false

  constructor(uri: KeyUri, address: KeyAddress, context: DeviceContext) {
    this.#context = context
    this.#address = address
    this.#isEmpty = address.hasAuth === false
    const source = uri.get('pin-source')
    this.#isUnattended = uri.has('pin-value') || (source !== undefined && source !== 'prompt:')
  }

  /** Nobody has said whether there is one, and nobody was asked. */
  get isUnknown(): boolean {
    return !this.#isEmpty && this.#value === undefined
  }

  get isGiven(): boolean {
    return this.#value !== undefined
  }

  /** For one use of the key in its stay. */
  forUse(stay: Stay): KeyAuth {
    return {
      value: () => this.#known(),
      asked: () => this.ask(stay),
    }
  }

  /**
   * Asks where nobody did so yet. The bytes stay here.
   *
   * @throws what the source throws, ERR_PIN_LOCKED where it is not to be tried, ERR_SECRET_INVALID for its length
   */
  async ask({ tpm, area }: Stay): Promise<Uint8Array> {
    const known = this.#known()
    if (known !== undefined) return known
    await this.#refuseRisk({ tpm, area }, this.#isUnattended)
    const target = authTarget(this.#address)
    const value = Secret.take(await this.#context.pin({ kind: 'auth value', target, signal: this.#context.signal }))
    this.#context.signal?.throwIfAborted()
    if (value.length > longestAuth) {
      value.wipe()
      throw tooLong('the key', longestAuth)
    }
    this.#value = value
    return value.lend((bytes) => bytes)
  }

  /**
   * Asks before the empty value is tried, where that try could be the one too many. `emptyAuth`: of the key file; only where it
   * says outright that there is a value is it taken at its word, and not by the tools that write the opposite.
   */
  async askIfRisky(stay: Stay, emptyAuth: boolean | undefined): Promise<void> {
    if (!this.isUnknown || emptyAuth !== false || this.#wasRisked || !countsTries(stay.area)) return
    this.#wasRisked = true
    const { failedTries, mostTries } = await readLockout(stay.tpm)
    if (failedTries + 1 >= mostTries) await this.ask(stay)
  }

  wipe(): void {
    this.#value?.wipe()
    this.#value = undefined
  }

  #known(): Uint8Array | undefined {
    return this.#isEmpty ? nothing : this.#value?.lend((bytes) => bytes)
  }

  async #refuseRisk({ tpm, area }: Pick<Stay, 'tpm' | 'area'>, isUnattended: boolean): Promise<void> {
    if (!countsTries(area)) return
    const { isLocked, failedTries, mostTries, recoverySeconds } = await readLockout(tpm)
    const limit = isUnattended ? Math.max(1, Math.floor(mostTries / 2)) : mostTries - 1
    if (!isLocked && failedTries < Math.max(1, limit)) return
    const what = isLocked ? 'is locked' : 'could be locked by a wrong auth value, so none was tried'
    const watched = isUnattended && !isLocked ? 'check the pin-source, or type it: pin-source=prompt:; ' : ''
    throw new HardkeyError('ERR_PIN_LOCKED', `the TPM at ${tpm.description} ${what}`, {
      hint: `${watched}${failedTries} of ${mostTries} wrong tries count, and one is forgotten every ${recoverySeconds} s`,
      serviceCode: isLocked ? 'TPM_RC_LOCKOUT' : 'TPM_PT_LOCKOUT_COUNTER',
    })
  }
}

/** What is asked for, in words: the same when a key is made and when it is opened. */
export function authTarget({ place, device }: Pick<KeyAddress, 'place' | 'device'>): string {
  return `${describePlace(place)} in the TPM at ${describeTpmAddress(device)}`
}

/** True where a wrong value counts in the lockout of the TPM, as far as is known. */
function countsTries(area: KeyedHashPublic | undefined): boolean {
  return area !== undefined && (area.attributes & TPMA_OBJECT.noDA) === 0
}
