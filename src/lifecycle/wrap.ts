// A secret access key is encrypted for a device that is elsewhere. In: the secret, the public key of the device. Out: one file,
// which only that device can open, with the ID of the access key in it. No device is asked. RFC 2104 for check and proof.

import { createHmac } from 'node:crypto'
import { checkLabel } from '../key/check-label.ts'
import type { KeyWrapping, WrappingKey } from '../key/hmac-key.ts'
import type { Secret } from '../key/secret.ts'
import { checkValueOf } from './check-value.ts'
import { deviceKey } from './held-key.ts'
import { formatWrappedKey } from './wrapped-file.ts'

export interface WrapInput {
  readonly wrappingKey: WrappingKey
  readonly wrapping: KeyWrapping
  readonly accessKeyId: string
  /** The bare secret access key, its form already checked; stays the caller's. */
  readonly secret: Secret
  /** tpmcopy's own file, for a TPM: without a proof. */
  readonly format?: 'tpmcopy' | undefined
  readonly now: Date
}

/** The text of the file. @throws ERR_KEY_FILE_INVALID for a wrapping key that is none, ERR_SECRET_INVALID as its device would */
export async function wrapSecret(input: WrapInput): Promise<string> {
  const { wrappingKey, wrapping, accessKeyId, secret, now } = input
  const key = deviceKey(secret)
  const hmac = (data: Uint8Array) => key.lend((bytes) => createHmac('sha256', bytes).update(data).digest())
  try {
    const { scheme, kind, device, name } = wrappingKey
    const check = checkValueOf(hmac(checkLabel()))
    const wrapped = { scheme, kind, device, name, ciphertext: wrapping.wrap(key, wrappingKey), check }
    if (input.format === 'tpmcopy') {
      return (await import('../backends/tpm2/tpmcopy.ts')).formatTpmcopy(wrapped, accessKeyId)
    }
    return formatWrappedKey({ accessKeyId, created: `${now.toISOString().slice(0, 19)}Z`, wrapped }, hmac)
  } finally {
    key.wipe()
  }
}
