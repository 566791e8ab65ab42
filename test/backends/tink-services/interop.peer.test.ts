// Keysets under a service go between hardkey, Tink for Python and Tink for Go, in all directions, in JSON and in binary.
// Google's KMS has no double: that ours speaks its protocol is shown by Tink for Go, whose own client it serves.

import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tinkBackend } from '../../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../../src/backends/tink/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { keyBytes } from '../tink-files.ts'
import { startGoogleKms } from './google-kms.ts'
import { decryptWith } from './local-kek.ts'
import { serviceUri, startAwsKms, startTransit, type TestService } from './services.ts'
import { macBy, type TinkLanguage, type TinkPlace, writtenBy } from './tink-peers.ts'

const day = '20150830'
const kDate = createHmac('sha256', keyBytes).update(day).digest('hex')
const pin = async (): Promise<Uint8Array> => Buffer.from('no PIN is asked for')
const folder = mkdtempSync(join(tmpdir(), 'hardkey-interop-'))
const services: Record<string, { service: TestService; place: TinkPlace }> = {}

beforeAll(async () => {
  const aws = await startAwsKms()
  const { accessKeyId, secretAccessKey } = aws.moto
  const user = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }
  services.aws = { service: aws, place: { Uri: aws.kek, Endpoint: aws.moto.url, ...user } }
  const transit = await startTransit()
  const { ca, caFile } = transit.bao
  const reach = { Token: transit.secret.toString(), Ca: ca, CaFile: caFile }
  services.transit = { service: transit, place: { Uri: transit.kek, ...reach } }
  const google = await startGoogleKms({ anyToken: true })
  const kek = `gcp-kms://${google.name}`
  const options = { googleToken: Buffer.from(google.token) }
  const query = { 'kek-endpoint': google.url }
  const service = {
    url: google.url,
    kek,
    query,
    options,
    secret: Buffer.from(google.token),
    stop: () => google.close(),
  }
  services.google = { service, place: { Uri: kek, Endpoint: google.url } }
})
afterAll(async () => {
  for (const { service } of Object.values(services)) await service.stop()
  rmSync(folder, { recursive: true, force: true })
})

function at(name: string): { service: TestService; place: TinkPlace } {
  const found = services[name]
  if (found === undefined) throw new Error(`no service ${name}`)
  return found
}

async function kDateOf(file: Uint8Array, uriOf: (path: string) => KeyUri, options: object): Promise<string> {
  const path = join(folder, 'theirs.keyset')
  writeFileSync(path, file, { mode: 0o600 })
  const key = await openKey(uriOf(path), { backends: [tinkBackend(options)] })
  try {
    return Buffer.from(await key.hmac(Buffer.from(day))).toString('hex')
  } finally {
    await key.close()
  }
}

const cases: readonly (readonly [string, TinkLanguage])[] = [
  ['aws', 'Python'],
  ['aws', 'Go'],
  ['transit', 'Python'],
  ['transit', 'Go'],
  ['google', 'Go'],
]

describe.each(cases)('a keyset under %s and %s', (name, language) => {
  it.each(['json', 'binary'] as const)('that is written there in %s opens here', async (form) => {
    const { service, place } = at(name)
    const file = await writtenBy(language, place, form, keyBytes)
    expect(await kDateOf(file, (path) => serviceUri(service, path), service.options)).toBe(kDate)
  })

  it('that is written here opens there', async () => {
    const { service, place } = at(name)
    const path = join(folder, `${name}-${language}.keyset.json`)
    await tinkImporter(service.options).import(serviceUri(service, path), Secret.join(keyBytes), { pin })
    expect(await macBy(language, place, 'json', readFileSync(path), day)).toBe(kDate)
  })
})

it.each(['json', 'binary'] as const)(
  "a keyset that Go writes in %s opens with a local key of the caller's",
  async (form) => {
    const local = Buffer.alloc(32, 7)
    const file = await writtenBy('Go', { Uri: '', Local: local.toString('hex') }, form, keyBytes)
    const uriOf = (path: string): KeyUri => KeyUri.of('tink', { file: path })
    expect(await kDateOf(file, uriOf, { kek: decryptWith(local) })).toBe(kDate)
  },
)

it('a keyset that is written by Python opens in Go and here', async () => {
  const { service, place } = at('transit')
  const file = await writtenBy('Python', place, 'binary', keyBytes)
  expect(await macBy('Go', place, 'binary', file, day)).toBe(kDate)
  expect(await kDateOf(file, (path) => serviceUri(service, path), service.options)).toBe(kDate)
})
