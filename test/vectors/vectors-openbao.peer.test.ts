// The official vectors with the key in OpenBao: checked in wrapped, opened over TLS, each DateKey computed by the server.

import { afterAll } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { vaultImporter } from '../../src/backends/vault/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type OpenBao, startOpenBao } from '../peers/openbao.ts'
import { describeOfficialVectors, officialKey } from './describe-official-vectors.ts'

let bao: OpenBao | undefined
afterAll(async () => bao?.stop())

describeOfficialVectors('the key in OpenBao', async () => {
  bao = await startOpenBao()
  const { token, url, caFile } = bao
  const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(token)
  const uri = KeyUri.of('vault', { key: 'official' }, { address: url, ca: `file:${caFile}` })
  const key = Secret.take(officialKey())
  const imported = await vaultImporter().import(uri, key, { pin })
  key.wipe()
  return openKey(imported.uri, { pin })
})
