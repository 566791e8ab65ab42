// Keys in a TPM 2.0. In: `tpm2:file=prod.tss2.pem?device=/dev/tpmrm0`, or `tpm2:handle=0x81000100`. Out: an HmacKey whose
// HMAC-SHA256 is computed by the TPM. TPM 2.0 Library, Parts 1 to 3; RFC 7512 for the URI.
// What crosses the bus is encrypted: neither the secret, nor an auth value, nor an answer is ever in clear on it.

import type { KeyBackend } from '../../key/hmac-key.ts'
import { timeLimit } from '../../key/time-limit.ts'
import { OpenedKey } from './opened-key.ts'
import type { CallersPolicy } from './policy-session.ts'

export type { CallersPolicy, PolicySession, PolicySigner } from './policy-session.ts'

export interface Tpm2Options {
  /** The steps of a policy that hardkey cannot know, run for each use of the key. Without it the policies that it knows. */
  readonly policy?: CallersPolicy | undefined
  /** How long one command of the TPM may take, with all its repetitions. 10000 by default, more for a new primary key. */
  readonly commandMilliseconds?: number | undefined
}

/**
 * Opens keys in a TPM 2.0: TSS2 key files of any maker, raw pairs of public and private area, persistent handles. PCRs,
 * auth values and date rules are applied as the key's policy wants them.
 *
 * `open` throws ERR_URI_INVALID, ERR_KEY_FILE_INVALID, ERR_DEVICE_UNAVAILABLE (no TPM, no right to it, or it is busy),
 * ERR_DEVICE_FAILED (an answer that cannot be right, or a salting key with another Name than the pinned one),
 * ERR_KEY_NOT_FOUND, ERR_KEY_UNUSABLE (the TPM was cleared, or is another one), ERR_PIN_REQUIRED, ERR_PIN_INCORRECT (tried
 * once), ERR_PIN_LOCKED (locked, or not tried since it could lock the TPM), ERR_POLICY_REFUSED and ERR_TIMEOUT.
 *
 * Who must not need it: `openKey` finds this backend by the scheme. It is for a policy of the caller's own.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { tpm2Backend } from 'hardkey/backends/tpm2'
 * const backend = tpm2Backend({
 *   policy: async (session) => {
 *     await session.pcr('sha256:7')
 *     await session.authValue()
 *   },
 * })
 * const key = await openKey('tpm2:file=/etc/hardkey/keys/prod.tss2.pem?pin-source=file:/run/auth', { backends: [backend] })
 * try {
 *   const answer = await key.hmac(new TextEncoder().encode('20260101'))
 *   answer.fill(0)
 * } finally {
 *   await key.close()
 * }
 * ```
 */
export function tpm2Backend(options: Tpm2Options = {}): KeyBackend {
  const { policy, commandMilliseconds } = options
  if (commandMilliseconds !== undefined) timeLimit('commandMilliseconds', commandMilliseconds)
  return {
    scheme: 'tpm2',
    open: async (uri, context) => await OpenedKey.open({ uri, context, policy, commandMilliseconds, describes: false }),
  }
}
