// A key comes to a transit engine encrypted. In: an engine, or a key that was wrapped for one. Out: its wrapping key; the
// wrapped key, without any server; the key in the engine, which alone can read it. HTTP API, transit, Get Wrapping Key and
// Import Key. Each engine has a wrapping key of its own, RSA-4096, made when it is first asked for.

import type { KeyObject } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import { fingerprint } from '../../key/fingerprint.ts'
import type { DeviceContext, KeyWrapping, WrappingKey } from '../../key/hmac-key.ts'
import type { KeyUri } from '../../key/uri.ts'
import { offeredKey, refuseShort, vaultImporter } from './import.ts'
import { vaultKeyAddress } from './key-uri.ts'
import { settingsOf, type VaultOptions } from './settings.ts'
import { withServer } from './with-server.ts'
import { checkedWrappingKey, spkiOf, wrapped } from './wrapped.ts'

/** The one way there is; another would be another kind. */
const kind = 'rsa-oaep-sha256+aes-kwp'
/** The engine alone matters: a URI without a key names one. */
const anyKey = 'hardkey'

/**
 * `vault:mount=transit?address=…` names the engine; the token must be allowed to read its `wrapping_key`.
 *
 * Who must not need it: the commands `wrapping-key`, `wrap` and `import` use it.
 */
export function vaultWrapping(options: VaultOptions = {}): KeyWrapping {
  const importer = vaultImporter(options)
  return {
    scheme: 'vault',
    wrappingKey: async (uri, context, { create }) => {
      if (create) throw alwaysThere()
      return await readWrappingKey(uri, context, options)
    },
    wrap: (key, wrappingKey) => {
      refuseShort(key)
      return wrapped(key, publicKeyOf(wrappingKey))
    },
    importWrapped: async (uri, delivered, context) => await importer.importWrapped(uri, delivered, context),
  }
}

async function readWrappingKey(uri: KeyUri, context: DeviceContext, options: VaultOptions): Promise<WrappingKey> {
  const address = vaultKeyAddress(uri.has('key') ? uri : uri.with({ path: { key: anyKey } }))
  return await withServer(address, settingsOf(options), context, async (asking) => {
    const publicKey = spkiOf(await offeredKey(asking))
    const device = `the transit engine at ${address.mount} of ${asking.client.where}`
    return { scheme: 'vault', kind, device, name: fingerprint(publicKey), publicKey }
  })
}

/** @throws ERR_KEY_FILE_INVALID where the file contradicts itself, ERR_DEVICE_FAILED for anything but RSA-4096 */
function publicKeyOf({ kind: named, publicKey, name, device }: WrappingKey): KeyObject {
  const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(publicKey).toString('base64')}\n-----END PUBLIC KEY-----\n`
  if (named === kind && fingerprint(publicKey) === name) return checkedWrappingKey(pem, device)
  throw new HardkeyError('ERR_KEY_FILE_INVALID', 'the wrapping key is not what the file says', {
    hint: 'it was changed on its way: print it anew',
  })
}

function alwaysThere(): HardkeyError {
  return new HardkeyError('ERR_BACKEND_UNSUPPORTED', 'a transit engine makes its wrapping key itself', {
    hint: 'leave --create out',
  })
}
