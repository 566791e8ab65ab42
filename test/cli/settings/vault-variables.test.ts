// What is read of the variables of Vault and OpenBao, and how they stand in for what a key URI leaves out.

import { describe, expect, it } from 'vitest'
import type { CommandContext } from '../../../src/cli/command.ts'
import { vaultOptions, withTransit, withVault } from '../../../src/cli/device/vault-uri.ts'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const read = (variables: Record<string, string>) => readEnvironment(variables, 'linux', () => '/home/me')
const invalid = (message: string) =>
  expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(message) })

/** The context as far as it is looked at here. */
function context(variables: Record<string, string>): CommandContext {
  return { environment: read(variables), report: { note: () => {} } } as unknown as CommandContext
}
const completed = (variables: Record<string, string>, uri: string, isRecord = false) =>
  withVault(context(variables), KeyUri.parse(uri), isRecord)

describe('a variable of Vault', () => {
  it.each([
    ['ADDR', 'address', 'https://a'],
    ['NAMESPACE', 'namespace', 'eu'],
    ['CACERT', 'ca', '/ca.pem'],
    ['CAPATH', 'ca', '/certs'],
    ['CLIENT_CERT', 'client-cert', '/c.pem'],
    ['CLIENT_KEY', 'client-key', '/k.pem'],
    ['TLS_SERVER_NAME', 'server-name', 'vault.internal'],
  ])('%s becomes %s of the URI, by either name, BAO_ first', (name, attribute, value) => {
    const uri = attribute === 'address' ? 'vault:key=aws' : 'vault:key=aws?address=https://a'
    expect(completed({ [`VAULT_${name}`]: value }, uri).get(attribute)).toBe(value)
    const both = { [`VAULT_${name}`]: 'https://other', [`BAO_${name}`]: value }
    expect(completed(both, uri).get(attribute)).toBe(value)
  })

  it('gives way to what the URI says', () => {
    const variables = {
      VAULT_ADDR: 'https://b',
      VAULT_CACERT: '/other.pem',
      VAULT_CLIENT_CERT: '/c',
      VAULT_NAMESPACE: 'x',
    }
    const uri = 'vault:key=aws?address=https://a&ca=/ca.pem&client-cert=/own&client-key=/key&namespace=eu'
    expect(completed(variables, uri).toString()).toBe(KeyUri.parse(uri).toString())
  })

  it('changes neither address nor namespace of a record, which has its own', () => {
    const variables = { VAULT_ADDR: 'https://b', VAULT_NAMESPACE: 'eu', VAULT_CACERT: '/ca.pem' }
    const uri = completed(variables, 'vault:key=aws?address=https://a', true)
    expect([uri.get('address'), uri.get('namespace'), uri.get('ca')]).toEqual(['https://a', undefined, '/ca.pem'])
  })

  it('does nothing to keys elsewhere', () => {
    expect(completed({ VAULT_ADDR: 'https://a', VAULT_SKIP_VERIFY: '1' }, 'tink:file=x').names()).toEqual(['file'])
  })

  it('AGENT_ADDR comes before ADDR, and its Agent adds the token where there is none', () => {
    const variables = { VAULT_ADDR: 'https://a', VAULT_AGENT_ADDR: 'http://127.0.0.1:8100' }
    const uri = completed(variables, 'vault:key=aws')
    expect([uri.get('address'), uri.get('login')]).toEqual(['http://127.0.0.1:8100', 'none'])
    expect(completed({ ...variables, VAULT_TOKEN: 's.x' }, 'vault:key=aws').has('login')).toBe(false)
  })

  it('PROXY_ADDR comes before HTTP_PROXY and before HTTPS_PROXY', () => {
    const proxies = { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a' }
    const options = (more: Record<string, string>) => vaultOptions(context({ ...proxies, ...more }), false).proxy
    expect(options({})).toEqual({ https: 'http://p:1', http: undefined, noProxy: 'a' })
    const own = { https: 'http://q:1', http: 'http://q:1' }
    expect(options({ VAULT_HTTP_PROXY: 'http://q:1' })).toEqual(own)
    expect(options({ VAULT_HTTP_PROXY: 'http://r:1', VAULT_PROXY_ADDR: 'http://q:1' })).toEqual(own)
  })

  it.each([
    ['60', 60_000],
    ['90s', 90_000],
    ['2m', 120_000],
    ['500ms', 500],
  ])('CLIENT_TIMEOUT=%s are %i ms', (value, milliseconds) => {
    expect(read({ VAULT_CLIENT_TIMEOUT: value }).vault.timeoutMilliseconds).toBe(milliseconds)
  })

  it('CACERT comes before CACERT_BYTES, and that before CAPATH', () => {
    const pem = { VAULT_CACERT_BYTES: 'PEM\nPEM', VAULT_CAPATH: '/certs' }
    expect(read(pem).vault).toMatchObject({ caBytes: 'PEM\nPEM', ca: undefined })
    expect(read({ ...pem, VAULT_CACERT: '/ca.pem' }).vault).toMatchObject({
      caBytes: undefined,
      ca: { value: '/ca.pem' },
    })
  })

  it('TOKEN is known by its name alone', () => {
    const { vault } = read({ VAULT_TOKEN: 's.canary', BAO_TOKEN_PATH: '/run/token' })
    expect([vault.tokenVariable, vault.tokenFile()]).toEqual(['VAULT_TOKEN', '/run/token'])
    expect(read({}).vault.tokenFile()).toBe('/home/me/.vault-token')
    expect(JSON.stringify(read({ VAULT_TOKEN: 's.canary' }).vault)).not.toContain('canary')
  })

  it.each(['SKIP_VERIFY', 'SRV_LOOKUP'])('%s is refused where it is on', (name) => {
    expect(() => completed({ [`BAO_${name}`]: 'true' }, 'vault:key=aws')).toThrow(invalid(`BAO_${name} is set`))
    expect(completed({ [`BAO_${name}`]: '0' }, 'vault:key=aws?address=https://a').has('address')).toBe(true)
    expect(() => read({ [`BAO_${name}`]: 'maybe' })).toThrow(invalid('neither true nor false'))
  })

  it.each([
    ['http://vault.example', 'VAULT_ADDR is http, which is not encrypted'],
    ['vault.example:8200', 'VAULT_ADDR is no https URL'],
    ['https://me:canary@vault.example', 'VAULT_ADDR has a user name'],
  ])('B-107: VAULT_ADDR=%s is refused by its name', (value, message) => {
    expect(() => completed({ VAULT_ADDR: value }, 'vault:key=aws')).toThrow(invalid(message))
    expect(() => completed({ VAULT_ADDR: value }, 'vault:key=aws')).not.toThrow(/canary/)
  })
})

describe('a keyset under a transit key', () => {
  const uri = KeyUri.parse('tink:file=x?kek=hcvault://a:8200/transit/keys/kek')
  const variables = {
    VAULT_NAMESPACE: 'eu',
    BAO_CAPATH: '/certs',
    VAULT_CLIENT_CERT: '/c.pem',
    VAULT_CLIENT_KEY: '/k.pem',
    VAULT_TLS_SERVER_NAME: 'vault.internal',
    VAULT_ADDR: 'https://b',
  }
  const added = { ca: '/certs', 'server-name': 'vault.internal', 'client-cert': '/c.pem', 'client-key': '/k.pem' }

  it('takes what a key of the engine itself takes, but for the address', () => {
    const complete = withTransit(context(variables), uri, false)
    expect(complete.toString()).toBe(uri.with({ query: { namespace: 'eu', ...added } }).toString())
  })

  it('has a namespace of its own in a record', () => {
    expect(withTransit(context(variables), uri, true).toString()).toBe(uri.with({ query: added }).toString())
  })

  it('is not opened where verification is switched off', () => {
    expect(() => withTransit(context({ VAULT_SKIP_VERIFY: '1' }), uri, false)).toThrow(invalid('VAULT_SKIP_VERIFY'))
  })
})

it('login=kubernetes takes the token that the kubelet brings, where no other source is named', () => {
  const uri = 'vault:key=aws?address=https://a&login=kubernetes&role=app'
  expect(completed({}, uri).get('jwt-source')).toBe('file:/var/run/secrets/kubernetes.io/serviceaccount/token')
  expect(completed({}, `${uri}&jwt-source=file:/own`).get('jwt-source')).toBe('file:/own')
})
