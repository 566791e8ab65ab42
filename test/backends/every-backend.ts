// Every backend with a key in it, for tests that walk them all. In: a secret access key. Out: the opened key that holds
// it, on the real device or its official simulator. A backend that is added is added here (every-backend.test.ts).

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { pkcs11Backend } from '../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../src/backends/pkcs11/import.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { tpm2Importer } from '../../src/backends/tpm2/import.ts'
import { vaultImporter } from '../../src/backends/vault/import.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import type { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { aws4Key } from '../../src/sigv4/aws4-key.ts'
import { startOpenBao } from '../peers/openbao.ts'
import { softHsm, testPin } from '../peers/softhsm.ts'
import { startSwtpm } from '../peers/swtpm.ts'

/** A key, and the device around it. */
export interface KeyInDevice {
  readonly key: HmacKey
  /** Closes the key and removes the device. */
  close(): Promise<void>
}

export interface BackendForTests {
  readonly scheme: string
  /** Checks the secret access key in and opens the key. @throws PeerMissing where the device cannot be had */
  open(secretAccessKey: string): Promise<KeyInDevice>
}

const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(testPin)
const keyOf = (secretAccessKey: string): Secret => aws4Key(new TextEncoder().encode(secretAccessKey))

/** One for each scheme of `backendList`, and `memory`. */
export const everyBackend: readonly BackendForTests[] = [
  {
    scheme: 'memory',
    async open(secretAccessKey) {
      const bytes = keyOf(secretAccessKey).lend((lent) => Uint8Array.from(lent))
      const key = await openKey('memory:', { pin: async () => bytes, backends: [memoryBackend()] })
      return { key, close: () => key.close() }
    },
  },
  {
    scheme: 'tink',
    async open(secretAccessKey) {
      const folder = mkdtempSync(join(tmpdir(), 'hardkey-tink-'))
      const uri = KeyUri.of('tink', { file: join(folder, 'k.keyset.json') }, { kek: 'passphrase:' })
      await tinkImporter({ N: 2 ** 14 }).import(uri, keyOf(secretAccessKey), { pin })
      return closing(await openKey(uri, { pin }), () => rmSync(folder, { recursive: true, force: true }))
    },
  },
  {
    scheme: 'pkcs11',
    async open(secretAccessKey) {
      const hsm = await softHsm()
      await hsm.addToken('prod')
      const { module, environment } = hsm
      const uri = KeyUri.of('pkcs11', { token: 'prod', object: 'aws' }, { 'module-path': module })
      await pkcs11Importer({ environment }).import(uri, keyOf(secretAccessKey), { pin })
      const key = await openKey(uri, { pin, backends: [pkcs11Backend({ environment })] })
      return closing(key, () => hsm.remove())
    },
  },
  {
    scheme: 'tpm2',
    async open(secretAccessKey) {
      const tpm = await startSwtpm('tcp')
      const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm2-'))
      const uri = KeyUri.of('tpm2', { file: join(folder, 'k.tss2.pem') }, { device: tpm.device })
      const imported = await tpm2Importer().import(uri, keyOf(secretAccessKey), { pin })
      return closing(await openKey(imported.uri, { pin }), async () => {
        await tpm.stop()
        rmSync(folder, { recursive: true, force: true })
      })
    },
  },
  {
    scheme: 'vault',
    async open(secretAccessKey) {
      const bao = await startOpenBao()
      const uri = KeyUri.of('vault', { key: 'aws' }, { address: bao.url, ca: `file:${bao.caFile}` })
      const token = async (): Promise<Uint8Array> => new TextEncoder().encode(bao.token)
      const imported = await vaultImporter().import(uri, keyOf(secretAccessKey), { pin: token })
      return closing(await openKey(imported.uri, { pin: token }), () => bao.stop())
    },
  },
]

function closing(key: HmacKey, remove: () => void | Promise<void>): KeyInDevice {
  return {
    key,
    async close() {
      await key.close()
      await remove()
    },
  }
}
