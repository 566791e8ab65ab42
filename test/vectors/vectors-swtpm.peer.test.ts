// The official vectors with the key in a software TPM, reached in three ways: checked in, opened, each DateKey computed there.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { tpm2Importer } from '../../src/backends/tpm2/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type Swtpm, startSwtpm, swtpmWays } from '../peers/swtpm.ts'
import { describeOfficialVectors, officialKey } from './describe-official-vectors.ts'

const pin = async (): Promise<Uint8Array> => {
  throw new Error('the key has no auth value')
}

const folder = mkdtempSync(join(tmpdir(), 'hardkey-vectors-'))
const tpms: Swtpm[] = []
afterAll(async () => {
  for (const tpm of tpms) await tpm.stop()
  rmSync(folder, { recursive: true, force: true })
})

for (const way of swtpmWays) {
  describeOfficialVectors(`the key in swtpm over ${way}`, async () => {
    const tpm = await startSwtpm(way)
    tpms.push(tpm)
    const uri = KeyUri.of('tpm2', { file: join(folder, `${way}.tss2.pem`) }, { device: tpm.device })
    const key = Secret.take(officialKey())
    const imported = await tpm2Importer().import(uri, key, { pin })
    key.wipe()
    return openKey(imported.uri, { pin })
  })
}
