// Each way to a token, at a real OpenBao: AppRole, user name, certificate, Kubernetes as far as it goes without a cluster,
// an Agent that adds its own, and the caller's function.

import { chmodSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { expectNoCanary } from '../../contract/canary.ts'
import { answer, bytesServerForTest, headerOf } from '../../faults/bytes-server.ts'
import { testAuthority } from '../../http/certificates.ts'
import { baoText } from '../../peers/bao-client.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { dateKey, day, failureOf, hex, keyUri, opened, secretBytes } from './fixture.ts'
import { recorder } from './recorder.ts'

let bao: OpenBao
let roleId: string
beforeAll(async () => {
  bao = await startOpenBao()
  await bao.importHmacKey('aws', secretBytes)
  await bao.done('PUT', 'sys/policies/acl/use', {
    policy: 'path "transit/hmac/aws/sha2-256" { capabilities = ["update"] }',
  })
  for (const type of ['approle', 'userpass', 'cert', 'kubernetes']) await bao.done('POST', `sys/auth/${type}`, { type })
  await bao.done('POST', 'auth/approle/role/host', { token_policies: 'use', token_ttl: '6s', token_max_ttl: '12s' })
  roleId = baoText(await bao.done('GET', 'auth/approle/role/host/role-id'), 'data', 'role_id')
})
afterAll(async () => bao?.stop())

const newSecretId = async () =>
  baoText(await bao.done('POST', 'auth/approle/role/host/secret-id', {}), 'data', 'secret_id')
const logins = () =>
  readFileSync(bao.auditFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('auth/approle/login') && line.includes('"type":"response"')).length
const signed = async (...words: Parameters<typeof opened>) => hex(await (await opened(...words)).hmac(day))

function readableByAll(file: string): string {
  chmodSync(file, 0o644)
  return file
}

describe('AppRole', () => {
  it('logs in with the secret ID of a file', async () => {
    const file = bao.write('secret-id', `${await newSecretId()}\n`)
    const uri = keyUri(bao, { login: 'approle', 'role-id': roleId, 'secret-source': `file:${file}` })
    const key = await openKey(uri)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    await key.close()
  })

  it('tells a wrong secret ID as such, tries it once and shows nothing of it', async () => {
    const before = logins()
    const wrong = 'canary-0000-1111-2222-333344445555'
    const failure = await failureOf(opened(keyUri(bao, { login: 'approle', 'role-id': roleId }), wrong))
    expect(failure).toMatchObject({
      code: 'ERR_PIN_INCORRECT',
      message: `127.0.0.1:${bao.port} refused the login at auth/approle: invalid role or secret ID`,
    })
    expectNoCanary(failure, { secretId: Buffer.from(wrong) })
    expect(logins()).toBe(before + 1)
  })

  it('F-V05: renews its token, and logs in once more when it cannot live longer', async () => {
    const key = await opened(keyUri(bao, { login: 'approle', 'role-id': roleId }), await newSecretId())
    const before = logins()
    await pause(9000)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    expect(logins()).toBe(before)
    await pause(6000)
    expect(await Promise.all(Array.from({ length: 8 }, async () => hex(await key.hmac(day))))).toEqual(
      Array(8).fill(dateKey),
    )
    expect(logins()).toBe(before + 1)
  })

  it('F-V05: refused for an opened key is tried once, until its source gives another secret ID', async () => {
    const file = bao.write('changing-id', await newSecretId())
    const key = await openKey(keyUri(bao, { login: 'approle', 'role-id': roleId, 'secret-source': `file:${file}` }))
    onTestFinished(async () => key.close())
    bao.write('changing-id', 'no-such-secret-id')
    // The token ends, and a server locks an AppRole that is wrong five times.
    await pause(14_000)
    const before = logins()
    for (let calls = 0; calls < 6; calls++) {
      expect(await failureOf(key.hmac(day))).toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    }
    expect(logins()).toBe(before + 1)
    bao.write('changing-id', await newSecretId())
    expect(hex(await key.hmac(day))).toBe(dateKey)
    expect(logins()).toBe(before + 2)
  })

  it('whose answer is lost is not sent again, since its secret ID may be for one use', async () => {
    const between = await recorder(bao)
    const caFile = bao.write('between.pem', between.ca)
    const uri = keyUri({ url: between.url, caFile }, { login: 'approle', 'role-id': roleId })
    between.order({ at: /auth\/approle\/login/, answer: 'lost', times: 1 })
    const before = logins()
    expect(await failureOf(opened(uri, await newSecretId()))).toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      hint: expect.stringContaining('not sent again by itself'),
    })
    expect(logins()).toBe(before + 1)
  })

  it('at another mount, or at none, names the mount to check', async () => {
    await bao.done('POST', 'sys/auth/hosts', { type: 'approle' })
    const wrong = keyUri(bao, { login: 'approle', 'role-id': roleId, 'login-mount': 'hosts' })
    await expect(opened(wrong, await newSecretId())).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    const none = keyUri(bao, { login: 'approle', 'role-id': roleId, 'login-mount': 'nowhere' })
    await expect(opened(none, await newSecretId())).rejects.toMatchObject({
      // A server tells nobody without a token which mounts it has.
      code: 'ERR_PIN_INCORRECT',
      hint: expect.stringContaining('login-mount'),
    })
  })
})

describe('a user name', () => {
  it.each(['two words', 'quote " and \\ back', 'naïve ☂ ’', '\tTab'])(
    'logs in with the password %j',
    async (password) => {
      await bao.done('POST', 'auth/userpass/users/me', { password, token_policies: 'use' })
      expect(await signed(keyUri(bao, { login: 'userpass', username: 'me' }), password)).toBe(dateKey)
    },
  )

  it('with a wrong password is told as such', async () => {
    const failure = await failureOf(opened(keyUri(bao, { login: 'userpass', username: 'me' }), 'canary-wrong-password'))
    expect(failure).toMatchObject({ code: 'ERR_PIN_INCORRECT', message: expect.stringContaining('auth/userpass') })
    expectNoCanary(failure, { password: Buffer.from('canary-wrong-password') })
  })
})

describe('a client certificate', () => {
  const authority = testAuthority()
  const host = authority.issue({ names: ['host.example'] })

  it('logs in, and no pin source is asked', async () => {
    await bao.done('POST', 'auth/cert/certs/hosts', { certificate: authority.ca, token_policies: 'use' })
    const files = { 'client-cert': bao.write('host.pem', host.cert), 'client-key': bao.write('host.key', host.key) }
    for (const role of [undefined, 'hosts']) {
      const key = await openKey(keyUri(bao, { login: 'cert', role, ...files }))
      expect(hex(await key.hmac(day))).toBe(dateKey)
      await key.close()
    }
  })

  it('of another authority is refused, and so is none', async () => {
    const other = testAuthority().issue({ names: ['host.example'] })
    const refused = { code: 'ERR_PIN_INCORRECT', message: expect.stringContaining('auth/cert') }
    const clientCertificate = { cert: other.cert, key: other.key }
    await expect(opened(keyUri(bao, { login: 'cert' }), '', { clientCertificate })).rejects.toMatchObject(refused)
    await expect(opened(keyUri(bao, { login: 'cert' }), '')).rejects.toMatchObject(refused)
  })

  it('whose key others can read is refused', async () => {
    const files = {
      'client-cert': bao.write('host.pem', host.cert),
      'client-key': readableByAll(bao.write('open.key', host.key)),
    }
    await expect(openKey(keyUri(bao, { login: 'cert', ...files }))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('must hold a secret and is readable by others'),
    })
  })
})

describe('Kubernetes', () => {
  it('sends the role and the token of the service account, which a real server refuses without a cluster', async () => {
    const jwt = `canary.${'x'.repeat(1500)}.jwt`
    const file = readableByAll(bao.write('jwt', `${jwt}\n`))
    const uri = keyUri(bao, { login: 'kubernetes', role: 'app', 'jwt-source': `file:${file}` })
    const failure = await failureOf(openKey(uri))
    expect(failure).toMatchObject({
      code: 'ERR_PIN_INCORRECT',
      message: expect.stringMatching(/auth\/kubernetes: .*"app"/),
    })
    expectNoCanary(failure, { jwt: Buffer.from(jwt) })
  })

  it('takes the token of the answer', async () => {
    const lease = JSON.stringify({ auth: { client_token: 's.from-kubernetes', lease_duration: 60, renewable: true } })
    const server = await bytesServerForTest(({ text }) => [
      { send: text.includes('/login ') ? answer(200, lease) : answer(404, '{"errors":[]}') },
    ])
    const uri = keyUri(
      { url: `http://127.0.0.1:${server.port}`, caFile: bao.caFile },
      { login: 'kubernetes', role: 'app' },
    )
    await expect(opened(uri, 'canary.jwt')).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
    expect(server.heard[0]?.text).toMatch(
      /^POST \/v1\/auth\/kubernetes\/login [\s\S]*\{"role":"app","jwt":"canary\.jwt"\}$/,
    )
    expect(server.heard[1] && headerOf(server.heard[1], 'x-vault-token')).toBe('s.from-kubernetes')
  })
})

describe('an Agent at the address', () => {
  it('is sent no token, and the header that it asks for', async () => {
    const server = await bytesServerForTest(() => [{ send: answer(404, '{"errors":[]}') }])
    const uri = keyUri({ url: `http://127.0.0.1:${server.port}`, caFile: bao.caFile }, { login: 'none' })
    await expect(openKey(uri)).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
    expect(server.heard[0]?.text).not.toMatch(/x-vault-token/i)
    expect(server.heard[0] && headerOf(server.heard[0], 'x-vault-request')).toBe('true')
  })
})

describe('a token of the caller', () => {
  it.each([
    ['text', () => bao.token],
    ['bytes, which stay as they are', () => Buffer.from(bao.token)],
    ['a function', () => async () => bao.token],
  ])('is taken as %s', async (_what, token) => {
    const given = token()
    expect(await signed(keyUri(bao), 'not asked', { token: given })).toBe(dateKey)
    if (given instanceof Uint8Array) expect(given.toString()).toBe(bao.token)
  })

  it.each(['', 'a b', 'a\nb', 'ä'])('as %j is refused before anything is sent', async (token) => {
    await expect(opened(keyUri(bao), '', { token })).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
  })
})
