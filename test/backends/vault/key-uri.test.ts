// What a vault: URI says, and what none may say.

import { describe, expect, it } from 'vitest'
import { redirectTarget } from '../../../src/backends/vault/address.ts'
import { vaultKeyAddress } from '../../../src/backends/vault/key-uri.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const read = (text: string) => vaultKeyAddress(KeyUri.parse(text))
const at = (address: string) => read(`vault:key=aws?address=${encodeURIComponent(address)}`)
const invalid = (message: string) =>
  expect.objectContaining({ code: 'ERR_URI_INVALID', message: expect.stringContaining(message) })

describe('a key URI', () => {
  it('says which key, where, and how it is reached', () => {
    const text =
      'vault:key=aws;mount=team/transit?address=https://a:8200,https://b:8200&namespace=/eu/&key-version=3' +
      '&ca=file:///etc/ca.pem&client-cert=/etc/c.pem&client-key=file:/etc/k.pem&server-name=vault.internal'
    expect(read(text)).toEqual({
      key: 'aws',
      mount: 'team/transit',
      addresses: [
        { base: 'https://a:8200', name: 'a:8200', socketPath: undefined },
        { base: 'https://b:8200', name: 'b:8200', socketPath: undefined },
      ],
      namespace: 'eu',
      keyVersion: 3,
      ca: '/etc/ca.pem',
      clientCertificate: { cert: '/etc/c.pem', key: '/etc/k.pem' },
      serverName: 'vault.internal',
      login: { method: 'token' },
    })
  })

  it('takes the mount transit, a path behind the host, this machine without TLS, and Unix sockets', () => {
    expect(at('https://proxy.example/bao/')).toMatchObject({ mount: 'transit', keyVersion: undefined })
    expect(at('https://proxy.example/bao/').addresses[0]?.base).toBe('https://proxy.example/bao')
    for (const here of ['http://127.0.0.1:8200', 'http://localhost:8200', 'http://[::1]:8200']) {
      expect(at(here).addresses).toHaveLength(1)
    }
    for (const socket of ['unix:///run/bao.sock', 'unix:/run/bao.sock']) {
      expect(at(socket).addresses[0]?.socketPath).toBe('/run/bao.sock')
    }
  })

  it.each([
    ['login=approle&role-id=r&secret-source=file:/s', { method: 'approle', mount: 'approle', roleId: 'r' }],
    ['login=kubernetes&role=r&login-mount=k8s&jwt-source=file:/j', { method: 'kubernetes', mount: 'k8s', role: 'r' }],
    ['login=userpass&username=me', { method: 'userpass', mount: 'userpass', username: 'me' }],
    ['login=cert&client-cert=/c&client-key=/k', { method: 'cert', mount: 'cert', role: undefined }],
    ['login=none', { method: 'none' }],
  ])('logs in as %s says', (query, login) => {
    expect(read(`vault:key=aws?address=https://a&${query}`).login).toEqual(login)
  })

  it.each([
    ['vault:key=aws', 'does not say where the server is'],
    ['vault:mount=transit?address=https://a', 'names no key'],
    ['vault:key=aws?address=https://a&key-version=0', 'key-version'],
    ['vault:key=aws?address=https://a&ca=ca.pem', 'ca in the key URI is not an absolute path'],
    ['vault:key=aws?address=https://a&client-cert=/c', 'client-cert and client-key go together'],
    ['vault:key=aws?address=https://a&server-name=a%2Fb', 'server-name'],
    ['vault:key=aws?address=https://a&namespace=a%2F..', 'namespace'],
    ['vault:key=aws?address=https://a&login=magic', 'login'],
    ['vault:key=aws?address=https://a&login=approle', 'needs role-id'],
    ['vault:key=aws?address=https://a&role-id=r', 'role-id in the key URI is not for login=token'],
    [
      'vault:key=aws?address=https://a&login=cert&client-cert=/c&client-key=/k&token-source=file:/t',
      'token-source is not',
    ],
    ['vault:key=aws?address=https://a&jwt-source=file:/t', 'jwt-source is not for login=token'],
    ['vault:key=aws?address=https://a&adress=https://b', 'does not have the attribute "adress"'],
  ])('as %s is refused', (text, message) => {
    expect(() => read(text)).toThrow(invalid(message))
  })
})

describe('an address', () => {
  it.each([
    ['http://vault.example:8200', 'not encrypted'],
    ['https://me@vault.example', 'user name'],
    ['https://me:canary-password@vault.example', 'user name'],
    ['https://vault.example/?x=1', 'query'],
    ['https://vault.example/?', 'query'],
    ['https://vault.example/#x', 'fragment'],
    ['https://', 'no https URL'],
    ['https:///v1', 'no https URL'],
    ['vault.example:8200', 'no https URL'],
    ['ftp://vault.example', 'no https URL'],
    ['https://a/../b', 'upwards'],
    ['unix://run/bao.sock', 'not absolute'],
    ['https://a,https://a', 'twice'],
    ['https://a,', 'no https URL'],
  ])('B-032: as %s is refused', (address, message) => {
    let thrown: unknown
    try {
      at(address)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toEqual(invalid(message))
    expect(String(thrown)).not.toContain('canary')
  })

  it.each(['..', 'a/../b', 'a//b', '/', 'a b', 'a?b'])('B-032: the mount %s is refused', (mount) => {
    expect(() => read(`vault:key=aws;mount=${encodeURIComponent(mount)}?address=https://a`)).toThrow(
      invalid('mount in the key URI'),
    )
  })

  it.each(['a/b', 'a?b', '..', '-a', 'a.', 'a b', 'ä', 'x'.repeat(300)])('B-033: the key %s is refused', (key) => {
    expect(() => read(`vault:key=${encodeURIComponent(key)}?address=https://a`)).toThrow(invalid('key='))
  })

  it('B-033: an empty key is refused', () => {
    expect(() => read('vault:key=?address=https://a')).toThrow(invalid('has no value'))
  })
})

describe('a redirect', () => {
  const { addresses } = at('https://a:8200,https://b:8200,http://127.0.0.1:8200')
  const to = (location: string | undefined) =>
    redirectTarget(location, '/v1/transit/hmac/aws/sha2-256', addresses)?.name

  it('F-V06: leads to another address of the list', () => {
    expect(to('https://b:8200/v1/transit/hmac/aws/sha2-256')).toBe('b:8200')
  })

  it.each([
    undefined,
    '/v1/transit/hmac/aws/sha2-256',
    'https://c:8200/v1/transit/hmac/aws/sha2-256',
    'https://b:8201/v1/transit/hmac/aws/sha2-256',
    'http://b:8200/v1/transit/hmac/aws/sha2-256',
    'https://b:8200/v1/transit/hmac/other/sha2-256',
    'https://b:8200/v1/transit/hmac/aws/sha2-256?x=1',
    'https://b:8200/v1/transit/hmac/aws/sha2-256#x',
    'https://me@b:8200/v1/transit/hmac/aws/sha2-256',
  ])('F-V06: leads nowhere with the Location %s', (location) => {
    expect(to(location)).toBeUndefined()
  })
})
