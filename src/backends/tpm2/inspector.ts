// Keys in a TPM, described. In: as backend.ts. Out: the same key, whose `info` holds all that the TPM tells of it and of itself.
// It costs the TPM two commands more than an opening for use.

import type { KeyBackend } from '../../key/hmac-key.ts'
import { OpenedKey } from './opened-key.ts'

/** Opens keys as `tpm2Backend()`. Who must not need it: it is for a check-in and for `inspect` of the command. */
export function tpm2Inspector(): KeyBackend {
  return {
    scheme: 'tpm2',
    open: async (uri, context) => await OpenedKey.open({ uri, context, describes: true }),
  }
}
