// The official vectors with the key in the embedded keyset: checked in to a file, opened from it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { describeOfficialVectors, officialKey } from './describe-official-vectors.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-vectors-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pin = async (): Promise<Uint8Array> => new TextEncoder().encode('correct horse battery staple')

describeOfficialVectors('the key in the embedded keyset', async () => {
  const uri = KeyUri.of('tink', { file: join(folder, 'official.keyset.json') }, { kek: 'passphrase:' })
  const key = Secret.take(officialKey())
  await tinkImporter({ N: 2 ** 14 }).import(uri, key, { pin })
  key.wipe()
  return openKey(uri, { pin })
})
