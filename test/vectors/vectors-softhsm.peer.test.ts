// The official vectors with the key in SoftHSM: checked in, opened, each DateKey computed by the token.

import { afterAll } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { pkcs11Backend } from '../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../src/backends/pkcs11/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { describeOfficialVectors, officialKey } from './describe-official-vectors.ts'

const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(testPin)

let hsm: SoftHsm | undefined
afterAll(() => hsm?.remove())

describeOfficialVectors('the key in SoftHSM', async () => {
  hsm = await softHsm()
  await hsm.addToken('official')
  const { module, environment } = hsm
  const uri = KeyUri.of('pkcs11', { token: 'official', object: 'aws' }, { 'module-path': module })
  const key = Secret.take(officialKey())
  await pkcs11Importer({ environment }).import(uri, key, { pin })
  key.wipe()
  return openKey(uri, { pin, backends: [pkcs11Backend({ environment })] })
})
