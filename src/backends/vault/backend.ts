// Keys in the transit engine of Vault or OpenBao. In: `vault:key=aws?address=https://…&token-source=file:…`. Out: an HmacKey
// whose HMAC-SHA256 is computed by the server; protection `service`. HTTP API, "Transit secrets engine", Generate HMAC.

import type { KeyBackend } from '../../key/hmac-key.ts'
import { VaultBackend } from './opening.ts'
import { settingsOf, type VaultOptions } from './settings.ts'

export type { ClientCertificate as VaultClientCertificate } from '../../http/client.ts'
export type { VaultOptions } from './settings.ts'

/**
 * Opens keys of a transit engine. The URI names the key, the mount (default `transit`), one or several addresses of the
 * same cluster, the CA, and how a token is come by: `token-source`, or `login=approle`, `kubernetes`, `userpass`, `cert`
 * with their names and sources, or `login=none` where an Agent adds its own token.
 *
 * `open` throws ERR_URI_INVALID, ERR_CONFIG_INVALID (a CA or certificate file), ERR_DEVICE_UNAVAILABLE (sealed, no
 * connection, for the whole deadline), ERR_TIMEOUT, ERR_DEVICE_FAILED, ERR_KEY_NOT_FOUND (key, mount or namespace),
 * ERR_KEY_UNUSABLE (another key version; exportable, with `strict`), ERR_PIN_REQUIRED, ERR_PIN_INCORRECT (the token or the
 * login is refused), ERR_SECRET_INVALID. `hmac` throws ERR_POLICY_REFUSED where the policy of the token pins other days.
 *
 * Who must not need it: `openKey` finds this backend by the scheme. It is for options that only this service has.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { vaultBackend } from 'hardkey/backends/vault'
 * export async function open(token: () => Promise<string>) {
 *   const uri = 'vault:key=aws;mount=transit?address=https://vault.example:8200&ca=file:/etc/hardkey/vault-ca.pem'
 *   return openKey(uri, { backends: [vaultBackend({ token })] })
 * }
 * ```
 */
export function vaultBackend(options: VaultOptions = {}): KeyBackend {
  return new VaultBackend(settingsOf(options), false)
}
