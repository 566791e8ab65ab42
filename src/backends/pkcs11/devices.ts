// The tokens that a PKCS#11 module sees. In: a URI with module-path, and maybe some attributes of the token.
// Out: each token as a URI for `import --to` and a line for a person. No session, no PIN, nothing changed.

import type { DeviceLister, DeviceListing } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { tokenAddress } from './address.ts'
import { modulePathOf } from './module-path.ts'
import { describeToken, hasFlag, matchingTokens, uriOf } from './token.ts'
import { openModule, type Pkcs11Options, type Settings, settingsOf } from './token-session.ts'

/**
 * Lists the initialised tokens of the module that the URI names. Asks for no PIN.
 *
 * Who must not need it: the command's `devices` uses it. `list` throws ERR_URI_INVALID, ERR_BACKEND_NOT_INSTALLED,
 * ERR_DEVICE_FAILED and ERR_TIMEOUT.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function pkcs11Lister(options: Pkcs11Options = {}): DeviceLister {
  return new Pkcs11Lister(settingsOf(options))
}

class Pkcs11Lister implements DeviceLister {
  readonly scheme = 'pkcs11'
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  async list(
    uri: KeyUri,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<readonly DeviceListing[]> {
    const address = tokenAddress(uri)
    const { client, library } = await openModule(uri, this.#settings, options.signal)
    try {
      const tokens = matchingTokens(address, await client.tokens(options.signal), library)
      return tokens.map((token) => {
        const login = hasFlag(token, 'CKF_LOGIN_REQUIRED') ? '' : ', no PIN'
        return { uri: uriOf(token, modulePathOf(uri)), description: `${describeToken(token)}${login}` }
      })
    } finally {
      await client.close()
    }
  }
}
