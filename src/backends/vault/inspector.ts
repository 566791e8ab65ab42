// A key opened to be looked at. In: as backend.ts. Out: a key whose info also tells when the period that a policy pins
// comes to its end, which costs one request more.

import type { KeyBackend } from '../../key/hmac-key.ts'
import { VaultBackend } from './opening.ts'
import { settingsOf, type VaultOptions } from './settings.ts'

/** As `vaultBackend`. @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days */
export function vaultInspector(options: VaultOptions = {}): KeyBackend {
  return new VaultBackend(settingsOf(options), true)
}
