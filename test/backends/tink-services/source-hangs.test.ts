// Credentials for a key service that do not come: the deadline of the call and the signal of the caller end the wait.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { type TinkOptions, tinkBackend } from '../../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../../src/backends/tink/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { keyBytes } from '../tink-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-hang-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'any.json')
writeFileSync(file, '{ "encryptedKeyset": "QUJD" }', { mode: 0o600 })
const never = () => new Promise<never>(() => {})
const pin = () => Promise.reject(new Error('no PIN is asked'))

const aws = 'aws-kms://arn:aws:kms:eu-west-1:111122223333:key/1'
const google = 'gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k'
const transit = 'hcvault://127.0.0.1:1/transit/keys/kek'
const uriOf = (kek: string, path = file) => KeyUri.of('tink', { file: path }, { kek })
const open = (kek: string, options: TinkOptions, signal?: AbortSignal) =>
  openKey(uriOf(kek), { signal, backends: [tinkBackend(options)] })

it('a time that no timer can wait for is refused at once', () => {
  for (const timeoutMilliseconds of [0, -1, Number.NaN, 2 ** 31]) {
    const refused = expect.objectContaining({ code: 'ERR_USAGE' })
    expect(() => tinkBackend({ timeoutMilliseconds })).toThrow(refused)
    expect(() => tinkImporter({ timeoutMilliseconds })).toThrow(refused)
  }
})

describe('a source that gives nothing', () => {
  it.each([
    ['awsCredentials', aws, { awsCredentials: never }],
    ['googleToken', google, { googleToken: never }],
  ])('%s: is waited for as long as a call may take', async (_what, kek, options) => {
    await expect(open(kek, { ...options, timeoutMilliseconds: 300 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringMatching(/^no (credentials|token) for .* within 0\.3 s$/),
    })
  })

  it('as a metadata server that Google’s library waits for', async () => {
    const mute = createServer(() => {})
    await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done))
    onTestFinished(() => void mute.close())
    const address = mute.address()
    vi.stubEnv('GCE_METADATA_HOST', `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    vi.stubEnv('CLOUDSDK_CONFIG', folder)
    onTestFinished(() => void vi.unstubAllEnvs())
    await expect(open(google, { timeoutMilliseconds: 500 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it.each([
    ['awsCredentials', aws, { awsCredentials: never }],
    ['googleToken', google, { googleToken: never }],
    ['vaultToken', transit, { vaultToken: never }],
  ])('%s: is left at once by a check-in that is aborted', async (_what, kek, options) => {
    const aborter = new AbortController()
    const reason = new Error('no longer wanted')
    const path = join(folder, 'new.json')
    const key = Secret.join(keyBytes)
    const checkIn = tinkImporter(options).import(uriOf(kek, path), key, { pin, signal: aborter.signal })
    setTimeout(() => aborter.abort(reason), 50)
    await expect(checkIn).rejects.toBe(reason)
  })
})
