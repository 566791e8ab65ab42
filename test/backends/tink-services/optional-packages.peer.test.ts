// What gives credentials where the caller gives none: the optional packages of AWS and Google, really asked; and without them.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished, vi } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tinkImporter } from '../../../src/backends/tink/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { root } from '../../laws/tree.ts'
import { builtEnvironment } from '../../peers/peer.ts'
import { keyBytes } from '../tink-files.ts'
import { noPin } from './behind-proxy.ts'
import { startGoogleKms } from './google-kms.ts'
import { serviceUri, startAwsKms } from './services.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-optional-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it("AWS's own chain finds what the environment gives it", async () => {
  const aws = await startAwsKms()
  onTestFinished(() => aws.stop())
  const uri = serviceUri(aws, join(folder, 'aws.json'))
  await tinkImporter(aws.options).import(uri, Secret.join(keyBytes), { pin: noPin })
  vi.stubEnv('AWS_ACCESS_KEY_ID', aws.moto.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', aws.moto.secretAccessKey)
  onTestFinished(() => void vi.unstubAllEnvs())
  await (await openKey(uri)).close()
})

it("AWS's own chain finds nothing, and that is told", async () => {
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'none'))
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'))
  onTestFinished(() => void vi.unstubAllEnvs())
  writeFileSync(join(folder, 'any.json'), '{ "encryptedKeyset": "QUJD" }', { mode: 0o600 })
  const kek = 'aws-kms://arn:aws:kms:eu-west-1:111122223333:key/1'
  const uri = KeyUri.of('tink', { file: join(folder, 'any.json') }, { kek })
  await expect(openKey(uri)).rejects.toMatchObject({ code: 'ERR_PIN_REQUIRED' })
})

it("Google's application default credentials give the token of the machine's metadata server", async () => {
  const google = await startGoogleKms()
  onTestFinished(() => google.close())
  const server = createServer((_, response) => {
    response.setHeader('metadata-flavor', 'Google')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: google.token, expires_in: 3599, token_type: 'Bearer' }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  // A TCP server that listens has an address with a port.
  const { port } = server.address() as AddressInfo
  vi.stubEnv('GCE_METADATA_HOST', `127.0.0.1:${port}`)
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
  vi.stubEnv('CLOUDSDK_CONFIG', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  const query = { kek: `gcp-kms://${google.name}`, 'kek-endpoint': google.url }
  const uri = KeyUri.of('tink', { file: join(folder, 'google.json') }, query)
  const importer = tinkImporter({ googleToken: Buffer.from(google.token) })
  await importer.import(uri, Secret.join(keyBytes), { pin: noPin })
  await (await openKey(uri)).close()
})

it.each([
  ['aws-kms://arn:aws:kms:eu-west-1:111122223333:key/1', '@aws-sdk/credential-providers'],
  ['gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k', 'google-auth-library'],
])('without its package, %s says what to install', (kek, name) => {
  const place = join(folder, 'alone')
  mkdirSync(place, { recursive: true })
  cpSync(join(root, 'dist'), join(place, 'dist'), { recursive: true })
  writeFileSync(join(place, 'package.json'), readFileSync(join(root, 'package.json')))
  writeFileSync(join(place, 'any.json'), '{ "encryptedKeyset": "QUJD" }', { mode: 0o600 })
  const script = `
    import { openKey } from './dist/index.js'
    await openKey('tink:file=any.json?kek=${kek}').catch(({ code, hint }) => console.log(code, hint))`
  writeFileSync(join(place, 'open.mjs'), script)
  const said = execFileSync(process.execPath, ['open.mjs'], { cwd: place, env: builtEnvironment(), encoding: 'utf8' })
  expect(said).toContain('ERR_BACKEND_NOT_INSTALLED')
  expect(said).toContain(`npm install ${name}`)
})
