// openKey: from a key URI to an opened key. In: the URI, and what unlocks the device. Out: the guarded HmacKey.
// 1. A backend that the caller hands in wins over the one of the list.
// 2. A device that answers after the abort is given back at once.

import { HardkeyError } from '../errors.ts'
import { abortable } from '../http/deadline.ts'
import { foreseen, guardKey } from '../key/guard.ts'
import type { HmacKey, KeyBackend } from '../key/hmac-key.ts'
import { type PinSource, pinSourceOf } from '../key/pin-source.ts'
import { KeyUri } from '../key/uri.ts'
import { backendList, backendUnknown, schemesOf } from './list.ts'

export interface OpenOptions {
  /** Asked for the PIN, passphrase or auth value where the URI names no `pin-source`. */
  readonly pin?: PinSource | undefined
  /** Ends the opening: the promise rejects with its reason. It does not close an opened key. */
  readonly signal?: AbortSignal | undefined
  /** Backends of the caller's own, or made by a factory with what only its device knows. */
  readonly backends?: readonly KeyBackend[] | undefined
}

/**
 * Opens the key that the URI names. The caller closes it.
 *
 * @throws ERR_URI_INVALID, ERR_BACKEND_UNKNOWN, ERR_BACKEND_NOT_INSTALLED, ERR_BACKEND_UNSUPPORTED, ERR_KEY_FILE_INVALID,
 * ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_FAILED, ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_UNUSABLE, ERR_PIN_REQUIRED,
 * ERR_PIN_INCORRECT, ERR_PIN_LOCKED, ERR_SECRET_INVALID, ERR_TIMEOUT; the signal's reason after an abort
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * try {
 *   console.log(key.info.device, key.info.protection)
 * } finally {
 *   await key.close()
 * }
 * ```
 */
export async function openKey(uri: string | KeyUri, options: OpenOptions = {}): Promise<HmacKey> {
  const handedIn = options.backends ?? []
  const parsed = typeof uri === 'string' ? parseKeyUri(uri, handedIn) : uri
  options.signal?.throwIfAborted()
  const backend = await findBackend(parsed.scheme, handedIn)
  const pin = pinSourceOf(parsed, options.pin)
  try {
    const opening = backend.open(parsed, { pin, signal: options.signal })
    return guardKey(await abortable(opening, options.signal, (late) => late.close()))
  } catch (error) {
    throw foreseen(error, options.signal, `the device of ${parsed.scheme}:`)
  }
}

/**
 * The URI that the text says, where its scheme is one of the list or of the backends handed in.
 *
 * @throws ERR_URI_INVALID, ERR_BACKEND_UNKNOWN, both with the schemes that there are
 */
export function parseKeyUri(text: string, handedIn: readonly { readonly scheme: string }[] = []): KeyUri {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    throw new HardkeyError('ERR_URI_INVALID', `the key URI ${text.trim() === '' ? 'is empty' : 'has no scheme'}`, {
      hint: `a key URI begins with one of ${schemesOf(handedIn).join(', ')}`,
    })
  }
  if (![...handedIn, ...backendList].some((one) => one.scheme === scheme)) throw backendUnknown(scheme, handedIn)
  return KeyUri.parse(text)
}

async function findBackend(scheme: string, handedIn: readonly KeyBackend[]): Promise<KeyBackend> {
  const own = handedIn.find((backend) => backend.scheme === scheme)
  if (own !== undefined) return own
  const entry = backendList.find((one) => one.scheme === scheme)
  if (entry === undefined) throw backendUnknown(scheme, handedIn)
  return entry.backend()
}
