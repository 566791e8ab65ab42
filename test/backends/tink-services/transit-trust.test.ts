// How the server of a transit key is trusted, and what it is shown: by the key URI, by options. In: a server that asks for a
// certificate and has another name than its host. Out: whether it is asked.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { type TinkOptions, tinkBackend } from '../../../src/backends/tink/backend.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { testAuthority } from '../../http/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-trust-'))
const authority = testAuthority()
const host = authority.issue({ names: ['host.example'] })
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}
mkdirSync(join(folder, 'certs'))
const ca = file('certs/ca.pem', authority.ca)
const [cert, key] = [file('host.pem', host.cert), file('host.key', host.key)]
const keyset = file('any.json', JSON.stringify({ encryptedKeyset: Buffer.from('vault:v1:QUJD').toString('base64') }))

const server = createServer(
  { ...authority.issue({ names: ['vault.internal'] }), ca: authority.ca, requestCert: true, rejectUnauthorized: true },
  (_, response) => response.writeHead(400).end('{"errors":["encryption key not found"]}'),
)
let kek: string
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  kek = `hcvault://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/transit/keys/kek`
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const all = { ca, 'server-name': 'vault.internal', 'client-cert': cert, 'client-key': key }
const open = (query: Readonly<Record<string, string | undefined>>, options: TinkOptions = {}) => {
  const uri = KeyUri.of('tink', { file: keyset }, { kek }).with({ query })
  return openKey(uri, { backends: [tinkBackend({ vaultToken: 's.token', timeoutMilliseconds: 5000, ...options })] })
}
const wasAsked = { code: 'ERR_KEY_NOT_FOUND' }

describe('a transit key', () => {
  it.each([
    ['a file with the CA, the name in the certificate, and a certificate of its own', all],
    ['a folder with the CA', { ...all, ca: join(folder, 'certs') }],
  ])('is reached with %s', async (_what, query) => {
    await expect(open(query)).rejects.toMatchObject(wasAsked)
  })

  it('is reached with a certificate of the options', async () => {
    const query = { ...all, 'client-cert': undefined, 'client-key': undefined }
    await expect(open(query, { clientCertificate: host })).rejects.toMatchObject(wasAsked)
  })

  it('is not reached under another name', async () => {
    await expect(open({ ...all, 'server-name': undefined })).rejects.toThrow(/another name/)
  })

  it('shows no key that others can read', async () => {
    const open644 = file('open.key', host.key)
    chmodSync(open644, 0o644)
    await expect(open({ ...all, 'client-key': open644 })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('takes these of its own kind alone', async () => {
    const query = { ...all, kek: 'aws-kms://arn:aws:kms:eu-west-1:111122223333:key/1' }
    await expect(open(query)).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
  })
})
