// The contract of a key in a real OpenBao with TLS: over TCP with a token, and over a Unix socket.

import { vaultBackend } from '../../../src/backends/vault/backend.ts'
import { vaultImporter } from '../../../src/backends/vault/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { type ContractSubject, describeHmacKey } from '../../contract/hmac-key.contract.ts'
import { startOpenBao } from '../../peers/openbao.ts'
import { pins, secretBytes } from './fixture.ts'

async function subject(way: 'TLS' | 'socket'): Promise<ContractSubject> {
  const bao = await startOpenBao()
  const address =
    way === 'TLS' ? { address: bao.url, ca: `file:${bao.caFile}` } : { address: `unix://${bao.unixSocket}` }
  const at = (key: string): KeyUri => KeyUri.of('vault', { key, mount: 'transit' }, address)
  const pin = await bao.tokenFor('path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }')
  await vaultImporter().import(at('aws'), Secret.join(secretBytes), { pin: pins(pin) })
  let places = 0
  return {
    backend: vaultBackend(),
    importer: vaultImporter(),
    key: secretBytes,
    uri: at('aws'),
    missing: at('no-such-key'),
    freshPlace: () => at(`place-${++places}`),
    pin: Buffer.from(pin),
    wrongPin: Buffer.from('s.canarywrongtoken0000000'),
    close: async () => bao.stop(),
  }
}

describeHmacKey('OpenBao over TLS', async () => subject('TLS'))

describeHmacKey('OpenBao on a Unix socket', async () => subject('socket'))
