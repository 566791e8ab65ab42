// The auth values of a TPM's hierarchies and of a parent. In: the sources that the URI names. Out: bytes, each source asked
// once. TPM 2.0 Library, Part 1, 13.3 "Hierarchies": owner and endorsement each have their own, empty in most TPMs.
// 1. They belong to one opened key or one import, which wipes them at its end.
// 2. Each is tried once: what a TPM refuses is not asked for again.

import { HardkeyError } from '../../errors.ts'
import type { DeviceContext } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type AuthKind, authSource } from './key-uri.ts'
import { TPM_RH } from './wire/constants.ts'
import { describeTpmAddress, type TpmAddress } from './wire/tcti.ts'

/** Where an auth value goes, for messages. */
const words: Readonly<Record<AuthKind, string>> = {
  owner: 'the owner hierarchy',
  endorsement: 'the endorsement hierarchy',
  parent: 'the parent of the key',
}

/** The longest auth value: a digest of SHA-512 (Part 2, 10.4.5 TPM2B_AUTH). */
const longestAuth = 64

export class AuthValues {
  readonly #uri: KeyUri
  readonly #context: DeviceContext
  readonly #device: TpmAddress
  readonly #values = new Map<AuthKind, Secret>()

  constructor(uri: KeyUri, context: DeviceContext, device: TpmAddress) {
    this.#uri = uri
    this.#context = context
    this.#device = device
    // A source that is none is refused before anything is opened.
    for (const kind of ['owner', 'endorsement', 'parent'] as const) authSource(uri, kind, context.pin)
  }

  /** In words: `the owner hierarchy`. */
  of(kind: AuthKind): string {
    return words[kind]
  }

  /**
   * The value as the caller may use it until `wipe`; empty where the URI names no source.
   *
   * @throws what the source throws, ERR_SECRET_INVALID for more than 64 bytes
   */
  async value(kind: AuthKind): Promise<Uint8Array> {
    const known = this.#values.get(kind) ?? (await this.#ask(kind))
    this.#values.set(kind, known)
    return known.lend((bytes) => bytes)
  }

  /** What `act` does with an auth value; where a value is wanted that the URI has no source for, the error says which. */
  async explained<T>(kind: AuthKind, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof HardkeyError) || !isWrongAuth(error)) throw error
      if (this.#uri.has(`${kind}-auth-source`)) throw error
      const device = describeTpmAddress(this.#device)
      throw new HardkeyError('ERR_PIN_REQUIRED', `${words[kind]} of the TPM at ${device} has an auth value`, {
        hint: `name its source in the key URI: ${kind}-auth-source=prompt: or file:PATH`,
        serviceCode: error.serviceCode,
        cause: error,
      })
    }
  }

  wipe(): void {
    for (const value of this.#values.values()) value.wipe()
    this.#values.clear()
  }

  async #ask(kind: AuthKind): Promise<Secret> {
    const source = authSource(this.#uri, kind, this.#context.pin)
    if (source === undefined) return Secret.join()
    const target = `${words[kind]} of the TPM at ${describeTpmAddress(this.#device)}`
    const value = Secret.take(await source({ kind: 'auth value', target, signal: this.#context.signal }))
    if (value.length <= longestAuth) return value
    value.wipe()
    throw tooLong(words[kind], longestAuth)
  }
}

/** Which auth value a hierarchy wants. */
export function authKindOf(hierarchy: number): 'owner' | 'endorsement' {
  return hierarchy === TPM_RH.ENDORSEMENT ? 'endorsement' : 'owner'
}

/** True for the answer to a wrong auth value. */
export function isWrongAuth(error: unknown): boolean {
  return error instanceof HardkeyError && error.code === 'ERR_PIN_INCORRECT'
}

/** A key that has no auth value cannot refuse one: what the session proves is not what the TPM received. */
export function changedOnItsWay(tpm: { readonly description: string }, refusal: HardkeyError): HardkeyError {
  return new HardkeyError(
    'ERR_DEVICE_FAILED',
    `the TPM at ${tpm.description} received another command than the one that was sent: possible tampering`,
    {
      hint: 'the object has no auth value that could be wrong; something between this program and the TPM changes commands',
      serviceCode: refusal.serviceCode,
    },
  )
}

export function tooLong(whose: string, longest: number): HardkeyError {
  return new HardkeyError('ERR_SECRET_INVALID', `the auth value of ${whose} is longer than ${longest} bytes`, {
    hint: `a TPM takes at most ${longest} bytes`,
  })
}
