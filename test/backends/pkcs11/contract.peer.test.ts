// The contract of a key on three PKCS#11 implementations: SoftHSM behind the counting shim, kryoptic, and SoftHSM in
// another process behind p11-kit's remote module.

import { type Pkcs11Options, pkcs11Backend } from '../../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../../src/backends/pkcs11/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { type ContractSubject, describeHmacKey } from '../../contract/hmac-key.contract.ts'
import { kryoptic } from '../../peers/kryoptic.ts'
import { p11KitServer } from '../../peers/p11kit.ts'
import { softHsm, testPin } from '../../peers/softhsm.ts'
import { fixture, pins, secretBytes } from './fixture.ts'

interface Device {
  readonly module: string
  readonly environment: NonNullable<Pkcs11Options['environment']>
  readonly close: () => Promise<void>
}

async function subject({ module, environment, close }: Device): Promise<ContractSubject> {
  const importer = pkcs11Importer({ environment })
  const at = (object: string) =>
    KeyUri.parse(`pkcs11:token=contract;object=${object}?module-path=${encodeURIComponent(module)}`)
  await importer.import(at('aws'), Secret.join(secretBytes), { pin: pins(testPin) })
  let places = 0
  return {
    backend: pkcs11Backend({ environment }),
    importer,
    key: secretBytes,
    uri: at('aws'),
    missing: at('no-such-key'),
    freshPlace: () => at(`place-${++places}`),
    pin: Buffer.from(testPin),
    wrongPin: Buffer.from('canary-wrong-pin'),
    close,
  }
}

describeHmacKey('SoftHSM', async () => {
  const { hsm, shim, remove } = await fixture()
  await hsm.addToken('contract')
  const { module, environment } = shim
  const made = await subject({ module, environment, close: async () => remove() })
  return { ...made, pinTries: () => shim.count('C_Login') }
})

describeHmacKey('kryoptic', async () => {
  const { module, environment, remove } = await kryoptic('contract')
  return await subject({ module, environment, close: async () => remove() })
})

describeHmacKey('p11-kit remote', async () => {
  const hsm = await softHsm()
  await hsm.addToken('contract')
  const server = await p11KitServer(hsm, 'pkcs11:token=contract')
  const close = async () => {
    await server.remove()
    hsm.remove()
  }
  return await subject({ module: server.module, environment: server.environment, close })
})
