// One HMAC-SHA256 by a key in the TPM. In: the key, who may use it, data. Out: 32 bytes.
// TPM 2.0 Library, Part 3, 15.5 TPM2_HMAC; where a TPM does not have it, 17.2 TPM2_HMAC_Start and 17.5 SequenceComplete.
// Data and answer cross the bus encrypted, but for data that a policy has approved as they are.

import { HardkeyError } from '../../errors.ts'
import { type AuthorizeWish, authorizeUse, type KeyUse } from './authorize.ts'
import type { Authorization } from './wire/authorized-command.ts'
import { hmac, hmacBySequence } from './wire/hmac-commands.ts'
import { Session } from './wire/session.ts'

const nothing: Uint8Array = new Uint8Array(0)

/** What a TPM can do, as it showed so far. */
export interface HmacAbility {
  /** False once TPM2_HMAC was refused as unknown. */
  hasHmac: boolean
}

/**
 * The HMAC, in a buffer that the caller wipes.
 *
 * @throws ERR_PIN_*, ERR_POLICY_REFUSED, ERR_KEY_NOT_FOUND, ERR_KEY_UNUSABLE, and as `Tpm.send`
 */
export async function computeHmac(wish: AuthorizeWish, ability: HmacAbility): Promise<Uint8Array> {
  const use = await authorizeUse(wish)
  try {
    if (ability.hasHmac) {
      try {
        return await byOneCommand(wish, use)
      } catch (error) {
        if (!(error instanceof HardkeyError) || error.serviceCode !== 'TPM_RC_COMMAND_CODE') throw error
        ability.hasHmac = false
      }
    }
    return await bySequence(wish, use)
  } finally {
    await use.end()
  }
}

async function byOneCommand({ tpm, key, data, signal }: AuthorizeWish, use: KeyUse): Promise<Uint8Array> {
  const encrypts = { encrypt: true, decrypt: use.mayEncryptCommand }
  const authorizations: readonly Authorization[] =
    use.encrypting === undefined
      ? [{ ...use.key, ...encrypts, last: true }]
      : [
          { ...use.key, last: true },
          { ...use.encrypting, ...encrypts, last: true },
        ]
  return await hmac(tpm, { key, data, authorizations }, { signal })
}

async function bySequence({ tpm, key, data, salt, signal }: AuthorizeWish, use: KeyUse): Promise<Uint8Array> {
  if (!use.mayEncryptCommand) {
    throw new HardkeyError(
      'ERR_BACKEND_UNSUPPORTED',
      `the TPM at ${tpm.description} has no TPM2_HMAC, which a date rule needs`,
      {
        hint: 'check the secret in without --date-rule, or into another TPM',
        serviceCode: 'TPM_RC_COMMAND_CODE',
      },
    )
  }
  const isReused = use.key.session.kind === 'hmac'
  const session = isReused ? use.key.session : await Session.start(tpm, { kind: 'hmac', salt, signal })
  try {
    const start = [{ ...use.key, last: !isReused }]
    const complete = [{ session, authValue: nothing, encrypt: true, decrypt: true, last: true }]
    return await hmacBySequence(tpm, { key, data, start, complete }, { signal })
  } finally {
    await session.end()
  }
}
