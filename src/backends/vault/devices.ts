// The server that a URI names, if it answers. In: `vault:?address=https://…`. Out: the same as a place for `import --to`,
// with its version. HTTP API, sys/health: asks for no token and changes nothing.

import { HardkeyError } from '../../errors.ts'
import type { DeviceLister, DeviceListing } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { readHealth } from './answer.ts'
import { VaultClient } from './client.ts'
import { vaultServer } from './key-uri.ts'
import { connectionSettings, type Settings, settingsOf, type VaultOptions } from './settings.ts'

/** A sealed server, a standby and one without a root key answer 200 too. */
const health =
  'sys/health?standbyok=true&perfstandbyok=true&sealedcode=200&uninitcode=200&drsecondarycode=200&performancestandbycode=200'

/**
 * Lists the server of the URI. Who must not need it: the command's `devices` uses it. `list` throws ERR_URI_INVALID,
 * ERR_CONFIG_INVALID, ERR_DEVICE_UNAVAILABLE and ERR_TIMEOUT.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function vaultLister(options: VaultOptions = {}): DeviceLister {
  return new VaultLister(settingsOf(options))
}

class VaultLister implements DeviceLister {
  readonly scheme = 'vault'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async list(
    uri: KeyUri,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<readonly DeviceListing[]> {
    const server = vaultServer(uri)
    const client = new VaultClient(await connectionSettings(server, this.#settings))
    try {
      const answer = await client.call({ method: 'GET', path: health }, options.signal)
      if (answer.status !== 200) {
        throw new HardkeyError('ERR_DEVICE_FAILED', `${answer.where} answered ${answer.status}`, {
          hint: 'what answers there may be another server',
        })
      }
      const { version, sealed } = readHealth(answer.body, answer.where)
      const state = sealed ? ', sealed' : ''
      return [{ uri, description: `transit engine of Vault or OpenBao ${version} at ${answer.where}${state}` }]
    } finally {
      client.close()
    }
  }
}
