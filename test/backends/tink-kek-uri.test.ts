// What a `tink:` URI may say of a key in a service: B-034, and the attributes that each kind takes.

import { describe, expect, it } from 'vitest'
import { awsKmsKek } from '../../src/backends/tink/aws-kms.ts'
import { crc32c } from '../../src/backends/tink/gcp-kms.ts'
import { readKek } from '../../src/backends/tink/kek-uri.ts'
import { keysetAddress } from '../../src/backends/tink/keyset-uri.ts'
import { serviceParts } from '../../src/backends/tink/service-call.ts'
import { httpClient } from '../../src/http/client.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { partitions } from '../../src/sts/partitions.ts'

const key = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

describe('the key that encrypts a keyset', () => {
  it.each([
    [`aws-kms://${key}`, { kind: 'aws-kms', arn: key, region: 'eu-west-1', account: '111122223333', isAlias: false }],
    ['aws-kms://arn:aws-cn:kms:cn-north-1:111122223333:alias/prod/edge', { partition: 'aws-cn', isAlias: true }],
    ['aws-kms://arn:aws:kms:us-east-1:111122223333:key/mrk-0123456789abcdef', { isAlias: false }],
    ['gcp-kms://projects/p/locations/global/keyRings/r/cryptoKeys/k', { kind: 'gcp-kms' }],
    ['gcp-kms://projects/example.com:p/locations/l/keyRings/r/cryptoKeys/k', { kind: 'gcp-kms' }],
    ['hcvault://vault.example:8200/transit/keys/kek', { origin: 'https://vault.example:8200', mount: 'transit' }],
    ['hcvault://[::1]:8200/team/transit/keys/kek-1', { origin: 'https://[::1]:8200', mount: 'team/transit' }],
    ['passphrase:', { kind: 'passphrase' }],
  ])('%s is read', (text, expected) => {
    expect(readKek(text)).toMatchObject(expected)
  })

  it.each([
    'azure-kms://vault.azure.net/keys/k',
    'fake-kms://CM2b3_MDElQKSAowdHlwZS5nb29nbGVhcGlzLmNvbQ',
    'aws-kms:',
    'kms://x',
    'passphrase:secret',
    '/etc/kek',
  ])('B-034: %s is of an unknown kind, and the known forms are told', (text) => {
    const hint = expect.stringMatching(/passphrase:.*aws-kms:\/\/.*gcp-kms:\/\/.*hcvault:\/\//)
    expect(() => readKek(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID', hint }))
  })

  it.each([
    'aws-kms://',
    'aws-kms://1234abcd-12ab-34cd-56ef-1234567890ab',
    'aws-kms://alias/prod',
    'aws-kms://arn:aws:kms:eu-west-1:111122223333',
    'aws-kms://arn:aws:s3:eu-west-1:111122223333:key/1234',
    'aws-kms://arn:aws:kms::111122223333:key/1234',
    'aws-kms://arn:aws:kms:eu-west-1:1111:key/1234',
    `aws-kms://${key}/more`,
    'aws-kms://arn:evil:kms:eu-west-1:111122223333:key/1234',
    'aws-kms://arn:aws:kms:x.evil.example/?:111122223333:key/1234',
    'gcp-kms://',
    'gcp-kms://projects/p/locations/l/keyRings/r',
    'gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
    'gcp-kms://projects/p/locations/l/keyRings/../cryptoKeys/k',
    'gcp-kms://projects//locations/l/keyRings/r/cryptoKeys/k',
    'gcp-kms://projects/p?x/locations/l/keyRings/r/cryptoKeys/k',
    'hcvault://',
    'hcvault://vault.example',
    'hcvault:///transit/keys/kek',
    'hcvault://vault.example/transit/kek',
    'hcvault://vault.example/keys/kek',
    'hcvault://vault.example/transit/keys/kek/',
    'hcvault://vault.example/transit/../keys/kek',
    'hcvault://vault.example/transit/keys/k?x=1',
    'hcvault://user:pass@vault.example/transit/keys/kek',
    'hcvault://vault.example:99999/transit/keys/kek',
  ])('B-034: %s has not the parts it should have, and its form is told', (text) => {
    const [kind = ''] = text.split(':')
    const message = expect.stringContaining(`${kind}://`)
    expect(() => readKek(text)).toThrow(expect.objectContaining({ code: 'ERR_URI_INVALID', message }))
  })
})

describe('the attributes of a tink: URI', () => {
  const at = (kek: string, query: Readonly<Record<string, string>> = {}): KeyUri =>
    KeyUri.of('tink', { file: '/k' }, { kek, ...query })
  const kek = 'hcvault://vault.example/transit/keys/kek'

  it('are read where their kind has them', () => {
    const said = { ca: 'file:///etc/ca.pem', namespace: '/team/', 'token-source': 'file:/run/token' }
    const expected = { trust: { ca: '/etc/ca.pem' }, namespace: 'team', hasTokenSource: true, endpoint: undefined }
    expect(keysetAddress(at(kek, said))).toMatchObject(expected)
    const endpoint = 'https://vpce-1.kms.eu-west-1.vpce.amazonaws.com'
    expect(keysetAddress(at(`aws-kms://${key}`, { 'kek-endpoint': `${endpoint}/` }))).toMatchObject({ endpoint })
  })

  it('are read raw in a URI as a person writes it', () => {
    const uri = KeyUri.parse(`tink:file=prod.keyset.json?kek=aws-kms://${key}`)
    expect(keysetAddress(uri)).toMatchObject({ file: 'prod.keyset.json', kek: { arn: key } })
  })

  it.each([
    ['passphrase:', 'token-source', 'file:/x'],
    ['passphrase:', 'kek-endpoint', 'https://x'],
    [`aws-kms://${key}`, 'pin-source', 'file:/x'],
    [`aws-kms://${key}`, 'ca', '/x'],
    [kek, 'kek-endpoint', 'https://x'],
    [kek, 'ca', 'relative.pem'],
    [kek, 'namespace', '../x'],
    [`aws-kms://${key}`, 'kek-endpoint', 'ftp://x'],
    [`aws-kms://${key}`, 'kek-endpoint', 'https://user@x'],
    [`aws-kms://${key}`, 'kek-endpoint', 'https://x/path'],
  ])('with kek=%s and %s=%s are refused', (text, name, value) => {
    const refused = expect.objectContaining({ code: 'ERR_URI_INVALID', message: expect.stringContaining(name) })
    expect(() => keysetAddress(at(text, { [name]: value }))).toThrow(refused)
  })

  it('are corrected where kek is misspelt', () => {
    const uri = KeyUri.parse('tink:file=x?kex=passphrase:')
    expect(() => keysetAddress(uri)).toThrow(expect.objectContaining({ hint: 'did you mean "kek"?' }))
  })
})

it.each(partitions.map(({ name, dnsSuffix }) => [name, dnsSuffix]))(
  'AWS KMS in the partition %s is asked under %s',
  async (name, suffix) => {
    const address = readKek(`aws-kms://arn:${name}:kms:xx-test-1:111122223333:key/1`)
    if (address.kind !== 'aws-kms') throw new Error('not of AWS')
    const asked: string[] = []
    const http = {
      ...httpClient(),
      send: async ({ url }: { url: string }) => Promise.reject(new Error(asked.push(url).toString())),
    }
    const options = { credentials: async () => ({ accessKeyId: 'A', secretAccessKey: 'b' }), endpoint: undefined }
    await expect(awsKmsKek(address, options, serviceParts(http, {})).decrypt(Buffer.of(1))).rejects.toThrow()
    expect(asked).toEqual([`https://kms.xx-test-1.${suffix}/`])
  },
)

it('a partition that nobody knows needs an endpoint', () => {
  const address = readKek('aws-kms://arn:aws-new:kms:xx-test-1:111122223333:key/1')
  if (address.kind !== 'aws-kms') throw new Error('not of AWS')
  const options = { credentials: async () => ({ accessKeyId: 'A', secretAccessKey: 'b' }), endpoint: undefined }
  const refused = expect.objectContaining({ hint: expect.stringContaining('kek-endpoint') })
  expect(() => awsKmsKek(address, options, serviceParts(httpClient(), {}))).toThrow(refused)
})

// RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
it.each([
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
  [Buffer.from('123456789'), 0xe3069283],
  [Buffer.alloc(0), 0],
])('the CRC-32C of %o is that of its specification', (bytes, sum) => {
  expect(crc32c(bytes)).toBe(String(sum))
})
