// Where a token that the user has already goes: to the server that the variables name, or to that of a record, and to no
// server that a bare key URI names. Nothing listens at the address: a token that is used ends in a refused connection.

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { userToken } from '../../../src/cli/device/vault-token.ts'
import { readEnvironment } from '../../../src/cli/settings/environment.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { CommandHome, type Ran, throwAwayKey } from '../hardkey.ts'

const home = new CommandHome()
afterAll(() => home.remove())

let server: string
beforeAll(async () => {
  const listening = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  server = `https://127.0.0.1:${(listening.address() as AddressInfo).port}`
  await new Promise((resolve) => listening.close(resolve))
})

const token = 's.canary-0123456789abcdef'
const notUsed = 'your token is not used for the server of this key URI, which no variable names'
const { accessKeyId } = throwAwayKey()
const whoami = (uri: string, environment: Record<string, string>): Promise<Ran> =>
  home.run(['whoami', uri, '--access-key-id', accessKeyId, '--region', 'eu-west-1'], {
    // What refuses connections is tried for so long.
    environment: { VAULT_CLIENT_TIMEOUT: '500ms', ...environment },
  })

describe('the token of a user', () => {
  it('is not sent to a server that only a bare key URI names', async () => {
    const { stderr, status } = await whoami(`vault:key=aws?address=${server}`, { VAULT_TOKEN: token })
    expect(stderr).toContain(`hardkey: note: ${notUsed}: set VAULT_ADDR or BAO_ADDR to it, or add a token-source\n`)
    expect(stderr).toContain('there is no terminal to ask for the token')
    expect(stderr).toContain('hardkey: hint: set BAO_ADDR or VAULT_ADDR to this server')
    expect(status).toBe(1)
  })

  it('is not sent where ~/.vault-token holds it', async () => {
    home.write('.vault-token', token)
    const { stderr } = await whoami(`vault:key=aws?address=${server}`, {})
    expect(stderr).toContain(notUsed)
    home.write('.vault-token', '')
  })

  it('is not sent to a server that only --to names', async () => {
    const to = `vault:key=aws?address=${server}`
    const words = ['import', 'prod', '--to', to, '--access-key-id', accessKeyId, '--offline', '--from', 'stdin']
    const ran = await home.run(words, {
      input: throwAwayKey().secretAccessKey,
      environment: { BAO_TOKEN: token },
    })
    expect(ran.stderr).toContain(notUsed)
    expect(ran.status).toBe(1)
  })

  it('goes to that server where a variable names it too', async () => {
    const { stderr } = await whoami(`vault:key=aws?address=${server}`, { VAULT_TOKEN: token, VAULT_ADDR: `${server}/` })
    expect(stderr).not.toContain('token')
    expect(stderr).toContain('127.0.0.1')
  })

  it('goes where an explicit token-source is', async () => {
    const source = home.write('token', token)
    const { stderr } = await whoami(`vault:key=aws?address=${server}&token-source=file:${source}`, {})
    expect(stderr).not.toContain('token')
  })
})

describe('the server of a key URI and that of a variable', () => {
  const notes: string[] = []
  const vaultKey = (address: string): KeyUri => KeyUri.of('vault', { key: 'aws' }, { address })
  const found = async (uri: KeyUri | string, variable: string | undefined, isBare = true): Promise<boolean> => {
    const variables = { VAULT_TOKEN: token, ...(variable === undefined ? {} : { VAULT_ADDR: variable }) }
    const context = {
      environment: readEnvironment(variables, 'linux', () => '/home/me'),
      report: { note: (text: string) => notes.push(text) },
    }
    // Only these two members are read.
    const named = typeof uri === 'string' ? vaultKey(uri) : uri
    return (await userToken(context as never, named, isBare)) !== undefined
  }

  it.each([
    ['https://vault.example', 'https://VAULT.example:443/'],
    ['https://vault.example:443', 'https://vault.example'],
    ['https://a.example,https://b.example', 'https://b.example'],
    ['unix:/run/vault.sock', 'unix:/run/vault.sock'],
  ])('%s is %s', async (address, variable) => {
    expect(await found(address, variable)).toBe(true)
  })

  it.each([
    ['https://vault.example', 'https://vault.example:8200'],
    ['https://vault.example', 'https://vault.example.net'],
    ['unix:/run/VAULT.sock', 'unix:/run/vault.sock'],
    ['https://vault.example', undefined],
  ])('%s is not %s', async (address, variable) => {
    expect(await found(address, variable)).toBe(false)
  })

  it('are compared for a keyset under a transit key too', async () => {
    const keyset = KeyUri.parse('tink:file=/x?kek=hcvault://vault.example:8200/transit/keys/kek')
    expect(await found(keyset, undefined)).toBe(false)
    expect(await found(keyset, 'https://vault.example:8200')).toBe(true)
  })

  it('need no variable where the server is that of a record', async () => {
    expect(await found('https://vault.example', undefined, false)).toBe(true)
    expect(await found('https://vault.example', 'https://other.example', false)).toBe(false)
  })
})
