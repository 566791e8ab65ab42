// A secret checks in to a real OpenBao: wrapped, complete or not at all, also where an answer is lost on the way.

import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vaultImporter } from '../../../src/backends/vault/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { expectNoCanary } from '../../contract/canary.ts'
import { answer } from '../../faults/bytes-server.ts'
import { Scanner } from '../../leaks/scanner.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { dateKey, day, failureOf, hex, keyUri, opened, pins, secretBytes } from './fixture.ts'
import { type Recorder, recorder } from './recorder.ts'

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(async () => bao?.stop())

const through = (wire: Recorder, key: string): KeyUri => keyUri(bao, { address: wire.url, ca: undefined }, { key })
const importing = (uri: KeyUri, token: string, options = {}) =>
  vaultImporter(options).import(uri, Secret.join(secretBytes), { pin: pins(token) })

describe('an import', () => {
  it('gives a key of type hmac that cannot be exported, and a URI with its version', async () => {
    const { uri, info } = await importing(keyUri(bao, {}, { key: 'made' }), bao.token)
    expect(uri.get('key-version')).toBe('1')
    expect(info).toMatchObject({
      protection: 'service',
      warnings: [],
      attributes: { type: 'hmac', exportable: false, allow_plaintext_backup: false, imported_key: true },
    })
    expect(hex(await (await opened(uri, bao.token)).hmac(day))).toBe(dateKey)
    expect((await bao.call('GET', 'transit/export/hmac-key/made')).status).toBe(400)
    expect((await bao.call('POST', 'transit/keys/made/rotate', {})).status).not.toBe(200)
  })

  it('L-5: sends the secret wrapped alone, and the token in its header alone', async () => {
    const token = await bao.tokenFor('path "*" { capabilities = ["create", "read", "update", "delete", "sudo"] }')
    const wire = await recorder(bao)
    const { uri } = await importing(through(wire, 'seen'), token, { ca: wire.ca })
    await (await opened(uri, token, { ca: wire.ca })).hmac(day)
    const secrets = { key: secretBytes, token: Buffer.from(token), dateKey: Buffer.from(dateKey, 'hex') }
    expect(new Scanner(secrets).search(wire.wire())).toEqual([])
    const sent = wire.sent()
    expect(new Scanner({ key: secretBytes }).search(Buffer.from(sent, 'latin1'))).toEqual([])
    const requests = sent.split(/(?=(?:GET|POST|PUT|DELETE) \/v1\/)/)
    expect(requests.length).toBeGreaterThan(5)
    for (const request of requests) {
      expect(request.match(/^x-vault-token: .*\r$/gim)).toEqual([`x-vault-token: ${token}\r`])
      expect(request.split(token)).toHaveLength(2)
    }
    // What the search would find: the answer of the server holds the DateKey, in base64.
    expect(new Scanner(secrets).search(Buffer.from(wire.received(), 'latin1')).map(({ item }) => item)).toContain(
      'dateKey',
    )
  })

  it('refuses a key of that name, and leaves it as it is', async () => {
    await bao.importHmacKey('taken', Buffer.alloc(44, 1))
    await expect(importing(keyUri(bao, {}, { key: 'taken' }), bao.token)).rejects.toMatchObject({
      code: 'ERR_KEY_EXISTS',
    })
    const key = await opened(keyUri(bao, {}, { key: 'taken' }), bao.token)
    expect(hex(await key.hmac(day))).toBe(createHmac('sha256', Buffer.alloc(44, 1)).update(day).digest('hex'))
  })

  it('refuses a key shorter than 32 bytes before it asks anybody', async () => {
    const short = Secret.take(Buffer.alloc(31, 1))
    const pin = async (): Promise<Uint8Array> => expect.fail('the token was asked for')
    await expect(vaultImporter().import(keyUri(bao), short, { pin })).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
    })
  })

  it.each([
    ['read the key', '', '"read" on transit/keys/denied'],
    [
      'read the wrapping key',
      'path "transit/keys/denied" { capabilities = ["read"] }',
      '"read" on transit/wrapping_key',
    ],
    [
      'import',
      'path "transit/keys/denied" { capabilities = ["read"] } path "transit/wrapping_key" { capabilities = ["read"] }',
      '"update" on transit/keys/denied/import',
    ],
  ])('with a token that may not %s names the path, and leaves nothing', async (_what, policy, needed) => {
    const token = await bao.tokenFor(`${policy} path "transit/hmac/x" { capabilities = ["update"] }`)
    await expect(importing(keyUri(bao, {}, { key: 'denied' }), token)).rejects.toMatchObject({
      code: 'ERR_POLICY_REFUSED',
      hint: `it needs ${needed}`,
    })
    expect((await bao.call('GET', 'transit/keys/denied')).status).toBe(404)
  })
})

const rsa2048 = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()

describe('an import that is disturbed', () => {
  it('F-V12: whose answer is lost finds its key, and makes no second one', async () => {
    const wire = await recorder(bao)
    wire.order({ at: /POST \/v1\/transit\/keys\/lost\/import/, answer: 'lost', times: 1 })
    const { uri } = await importing(through(wire, 'lost'), bao.token, { ca: wire.ca })
    expect(wire.sent().match(/POST \/v1\/transit\/keys\/lost\/import/g)).toHaveLength(1)
    expect(hex(await (await opened(uri, bao.token, { ca: wire.ca })).hmac(day))).toBe(dateKey)
  })

  it('F-V12: that never arrived says so, and leaves nothing', async () => {
    const wire = await recorder(bao)
    const importPath = /POST \/v1\/transit\/keys\/never\/import/
    const never = { at: importPath, answer: answer(502, ''), isForwarded: false }
    wire.order(never)
    await expect(importing(through(wire, 'never'), bao.token, { ca: wire.ca })).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      tryAgain: true,
    })
    expect((await bao.call('GET', 'transit/keys/never')).status).toBe(404)
  })

  it('F-V12: beside another of the same name does not take that key for its own, nor remove it', async () => {
    const wire = await recorder(bao)
    await bao.importHmacKey('raced', Buffer.alloc(44, 1))
    wire.order(
      { at: /GET \/v1\/transit\/keys\/raced/, answer: answer(404, '{"errors":[]}'), times: 1 },
      { at: /POST \/v1\/transit\/keys\/raced\/import/, answer: 'lost', times: 1 },
    )
    await expect(importing(through(wire, 'raced'), bao.token, { ca: wire.ca })).rejects.toMatchObject({
      code: 'ERR_KEY_EXISTS',
    })
    expect((await bao.call('GET', 'transit/keys/raced')).status).toBe(200)
  })

  it.each([
    ['RSA-2048', rsa2048],
    ['no key', 'nothing'],
  ])('F-V11: by a wrapping key that is %s sends nothing', async (_what, pem) => {
    const wire = await recorder(bao)
    wire.order({ at: /wrapping_key/, answer: answer(200, JSON.stringify({ data: { public_key: pem } })) })
    const failure = await failureOf(importing(through(wire, 'spied'), bao.token, { ca: wire.ca }))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('not RSA-4096') })
    expectNoCanary(failure, { key: secretBytes })
    expect(wire.sent()).not.toContain('/import')
  })

  it('F-V11: by a wrapping key of another host sends nothing: the redirect is not followed', async () => {
    const wire = await recorder(bao)
    const elsewhere = { Location: `${bao.url}/v1/transit/wrapping_key` }
    wire.order({ at: /wrapping_key/, answer: answer(307, '', elsewhere) })
    await expect(importing(through(wire, 'led'), bao.token, { ca: wire.ca })).rejects.toMatchObject({
      code: 'ERR_DEVICE_FAILED',
      message: expect.stringContaining('is not followed'),
    })
    expect(wire.sent()).not.toContain('/import')
  })

  it('is undone once, though the answer to the deletion is lost', async () => {
    const wire = await recorder(bao)
    const imported = await importing(through(wire, 'twice'), bao.token, { ca: wire.ca })
    wire.order({ at: /DELETE \/v1\/transit\/keys\/twice/, answer: 'lost', times: 1 })
    await imported.remove()
    expect((await bao.call('GET', 'transit/keys/twice')).status).toBe(404)
  })

  it('that the server keeps otherwise than asked is undone', async () => {
    const wire = await recorder(bao)
    const kept = {
      name: 'odd',
      type: 'hmac',
      latest_version: 1,
      exportable: true,
      allow_plaintext_backup: false,
      deletion_allowed: false,
    }
    wire.order(
      { at: /GET \/v1\/transit\/keys\/odd/, answer: answer(404, '{"errors":[]}'), times: 1 },
      { at: /GET \/v1\/transit\/keys\/odd/, answer: answer(200, JSON.stringify({ data: kept })) },
    )
    await expect(importing(through(wire, 'odd'), bao.token, { ca: wire.ca })).rejects.toMatchObject({
      code: 'ERR_KEY_UNUSABLE',
      message: expect.stringContaining('exportable'),
    })
    expect((await bao.call('GET', 'transit/keys/odd')).status).toBe(404)
  })
})

/** A backup as the seed's example has it: the secret as hmac_key beside an AES key that is not there. */
function backupPolicy(name: string): object {
  const now = '2026-11-24T00:00:00Z'
  const material = { key: null, hmac_key: Buffer.from(secretBytes).toString('base64'), time: now, creation_time: 0 }
  const rsa = { ec_x: null, ec_y: null, ec_d: null, rsa_key: null, public_key: '', convergent_version: 0 }
  return {
    name,
    keys: { '1': { ...material, ...rsa } },
    derived: false,
    kdf: 0,
    convergent_encryption: false,
    exportable: false,
    min_decryption_version: 1,
    min_encryption_version: 0,
    latest_version: 1,
    archive_version: 1,
    archive_min_version: 0,
    min_available_version: 0,
    deletion_allowed: false,
    type: 0,
    backup_info: { time: now, version: 1 },
    restore_info: null,
    allow_plaintext_backup: false,
    version_template: '',
    storage_prefix: '',
  }
}

describe('a key that was brought in the old way', () => {
  it('by restoring a backup, is used too', async () => {
    const policy = backupPolicy('restored')
    const backup = Buffer.from(JSON.stringify({ policy, archived_keys: { keys: [] } })).toString('base64')
    await bao.done('POST', 'transit/restore/restored', { backup })
    const key = await opened(keyUri(bao, {}, { key: 'restored' }), bao.token)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    expect(key.info.attributes).toMatchObject({ type: 'aes256-gcm96' })
  })
})
