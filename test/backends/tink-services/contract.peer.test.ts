// The contract and the official vectors with the key in a keyset under each service: OpenBao's transit engine, moto's KMS,
// and Google's KMS as its reference has it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tinkBackend } from '../../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../../src/backends/tink/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { type ContractSubject, describeHmacKey } from '../../contract/hmac-key.contract.ts'
import { describeOfficialVectors, officialKey } from '../../vectors/describe-official-vectors.ts'
import { keyBytes } from '../tink-files.ts'
import { serviceUri, startAwsKms, startGoogle, startTransit, type TestService } from './services.ts'

const noPin = async (): Promise<Uint8Array> => {
  throw new Error('no PIN is asked for')
}

async function subject(service: TestService, more: Partial<ContractSubject>): Promise<ContractSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'hardkey-kek-'))
  const importer = tinkImporter(service.options)
  const at = (name: string) => serviceUri(service, join(folder, name))
  const uri = at('prod.keyset.json')
  await importer.import(uri, Secret.join(keyBytes), { pin: async () => Uint8Array.from(service.secret) })
  let places = 0
  return {
    backend: tinkBackend(service.options),
    importer,
    key: keyBytes,
    uri,
    pin: service.secret,
    missing: at('missing.keyset.json'),
    freshPlace: () => at(`${places++}.keyset.json`),
    close: async () => {
      await service.stop()
      await rm(folder, { recursive: true })
    },
    ...more,
  }
}

describeHmacKey('a keyset under AWS KMS', async () => {
  const reason = 'credentials of AWS are no PIN; their refusal is in faults.peer.test.ts'
  return subject(await startAwsKms(), { cannot: { PIN: reason, 'wrong PIN': reason } })
})

describeHmacKey("a keyset under Google's KMS", async () => {
  const service = await startGoogle()
  const asking = { ...service, options: {}, query: { ...service.query, 'token-source': 'prompt:' } }
  return subject(asking, { wrongPin: Buffer.from('ya29.another-token') })
})

describeHmacKey("a keyset under OpenBao's transit engine", async () => {
  const service = await startTransit()
  return subject({ ...service, options: {} }, { wrongPin: Buffer.from('s.anothertoken0000000000') })
})

const services: TestService[] = []
const folders: string[] = []
afterAll(async () => {
  for (const service of services) await service.stop()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

for (const [name, start] of [
  ['AWS KMS', startAwsKms],
  ['the transit engine', startTransit],
] as const) {
  describeOfficialVectors(`the key in a keyset under ${name}`, async () => {
    const service: TestService = await start()
    services.push(service)
    const folder = await mkdtemp(join(tmpdir(), 'hardkey-kek-vectors-'))
    folders.push(folder)
    const uri = serviceUri(service, join(folder, 'official.keyset.json'))
    const key = Secret.take(officialKey())
    await tinkImporter(service.options).import(uri, key, { pin: noPin })
    key.wipe()
    return openKey(uri, { backends: [tinkBackend(service.options)] })
  })
}
