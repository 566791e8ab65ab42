// Keys on PKCS#11 tokens. In: `pkcs11:token=…;object=…?module-path=…&pin-source=…`. Out: an HmacKey whose HMAC-SHA256 is
// computed by the token. RFC 7512 (URIs), OASIS PKCS#11 Specification 3.1. The module runs in a process of its own.

import type { DeviceContext, HmacKey, KeyBackend } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { OpenedKey } from './opened-key.ts'
import { type Pkcs11Options, type Settings, settingsOf } from './token-session.ts'

export type { Pkcs11Options } from './token-session.ts'

/**
 * Opens keys on PKCS#11 tokens. Each key owns one process in which the module runs: a hang, a crash or a print of the
 * module stays there. The URI names the module by an absolute path; token by label, serial and the other attributes of
 * RFC 7512; the key by `object` (CKA_LABEL) and `id` (CKA_ID). Needs the optional package koffi.
 *
 * `open` throws ERR_URI_INVALID, ERR_BACKEND_NOT_INSTALLED (koffi), ERR_DEVICE_UNAVAILABLE (no such token),
 * ERR_DEVICE_FAILED, ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS, ERR_KEY_UNUSABLE, ERR_PIN_REQUIRED, ERR_PIN_INCORRECT (tried
 * once), ERR_PIN_LOCKED (not tried where the next wrong PIN would lock it), ERR_POLICY_REFUSED and ERR_TIMEOUT.
 *
 * Who must not need it: `openKey` finds this backend by the scheme. It is for options that only PKCS#11 has.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { pkcs11Backend } from 'hardkey/backends/pkcs11'
 * const backend = pkcs11Backend({ timeoutMilliseconds: 30_000 })
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so', { backends: [backend] })
 * try {
 *   const answer = await key.hmac(new TextEncoder().encode('20260101'))
 *   answer.fill(0)
 * } finally {
 *   await key.close()
 * }
 * ```
 */
export function pkcs11Backend(options: Pkcs11Options = {}): KeyBackend {
  return new Pkcs11Backend(settingsOf(options))
}

class Pkcs11Backend implements KeyBackend {
  readonly scheme = 'pkcs11'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async open(uri: KeyUri, context: DeviceContext): Promise<HmacKey> {
    return await OpenedKey.open({ uri, settings: this.#settings, context })
  }
}
