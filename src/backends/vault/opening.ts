// The opening of a `vault:` key. In: a key URI, a pin source, settings. Out: the opened key, which owns its connections and
// its token; after a failure nothing is left open. What is asked: the token, and the server's description of the key.

import type { DeviceContext, HmacKey, KeyBackend } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { VaultClient } from './client.ts'
import { keyInfo, readKeyFacts, refuseExportable } from './key-facts.ts'
import { vaultKeyAddress } from './key-uri.ts'
import { OpenedKey } from './opened-key.ts'
import { periodWarnings } from './period-warning.ts'
import { TokenKeeper } from './renewal.ts'
import { connectionSettings, type Settings } from './settings.ts'

export class VaultBackend implements KeyBackend {
  readonly scheme = 'vault'
  readonly #settings: Settings
  readonly #tellsAll: boolean

  /** `tellsAll`: also when the period that a policy pins comes to its end. */
  constructor(settings: Settings, tellsAll: boolean) {
    this.#settings = settings
    this.#tellsAll = tellsAll
  }

  async open(uri: KeyUri, { pin, signal }: DeviceContext): Promise<HmacKey> {
    const address = vaultKeyAddress(uri)
    const { token, strict, now } = this.#settings
    const client = new VaultClient(await connectionSettings(address, this.#settings))
    let keeper: TokenKeeper | undefined
    try {
      keeper = await TokenKeeper.open({ client, login: address.login, pin, token, signal }, now)
      const asking = { client, token: keeper.token, address, signal }
      const facts = await readKeyFacts(asking)
      if (strict) refuseExportable(address, facts)
      const more = this.#tellsAll ? await periodWarnings(asking, now()) : []
      const info = keyInfo(address, client.where, facts, more)
      return new OpenedKey({ address, client, keeper, info, version: facts?.latestVersion })
    } catch (error) {
      keeper?.close()
      client.close()
      throw error
    }
  }
}
