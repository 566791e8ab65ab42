// Faults of a real OpenBao: each has its error, and none shows the token.

import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoCanary } from '../../contract/canary.ts'
import { answer } from '../../faults/bytes-server.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { dateKey, day, failureOf, hex, keyUri, opened, secretBytes } from './fixture.ts'
import { recorder } from './recorder.ts'

let bao: OpenBao
let narrow: string
beforeAll(async () => {
  bao = await startOpenBao()
  await bao.importHmacKey('aws', secretBytes)
  narrow = await bao.tokenFor('path "transit/hmac/aws/sha2-256" { capabilities = ["update"] }')
})
afterAll(async () => bao?.stop())

const failing = { timeoutMilliseconds: 6000 }

describe('a server that is sealed', () => {
  it('F-V01: is waited for until it is unsealed, and named when it is not', async () => {
    const own = await startOpenBao()
    try {
      await own.importHmacKey('aws', secretBytes)
      const key = await opened(keyUri(own), own.token, failing)
      await own.done('POST', 'sys/seal', {})
      const failure = await failureOf(key.hmac(day))
      expect(failure).toMatchObject({
        code: 'ERR_DEVICE_UNAVAILABLE',
        message: `127.0.0.1:${own.port} is sealed; tried for 6 s`,
        tryAgain: true,
      })
      expectNoCanary(failure, { token: Buffer.from(`${own.token}-canary`) })
    } finally {
      await own.stop()
    }
  })
})

describe('a token that is refused', () => {
  it('F-V04: when it is bogus, says expired or not allowed, and the path that it needs', async () => {
    const bogus = 's.canarybogustoken0123456'
    const failure = await failureOf(opened(keyUri(bao), bogus))
    expect(failure).toMatchObject({
      code: 'ERR_PIN_INCORRECT',
      message: `127.0.0.1:${bao.port} does not accept the token: expired or not allowed`,
      hint: 'it must be valid, and its policy must allow "read" on transit/keys/aws',
      tryAgain: false,
    })
    expectNoCanary(failure, { token: Buffer.from(bogus) })
  })

  it('F-V04: by its policy alone, without a default policy, is told apart: the path is named', async () => {
    const other = await bao.tokenFor('path "transit/hmac/other/sha2-256" { capabilities = ["update"] }')
    const key = await opened(keyUri(bao), other)
    await expect(key.hmac(day)).rejects.toMatchObject({
      code: 'ERR_POLICY_REFUSED',
      message: 'the policy of the token does not allow this with key "aws"',
      hint: 'it needs "update" on transit/hmac/aws/sha2-256',
    })
  })

  it('F-V04: when it was revoked meanwhile, is replaced by the one that the source has now', async () => {
    const tokens = [await bao.tokenFor(policy), await bao.tokenFor(policy)]
    let asked = 0
    const key = await opened(keyUri(bao), '', { token: async () => tokens[Math.min(asked++, 1)] ?? '' })
    await bao.done('POST', 'auth/token/revoke', { token: tokens[0] })
    expect(hex(await key.hmac(day))).toBe(dateKey)
    await bao.done('POST', 'auth/token/revoke', { token: tokens[1] })
    await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
  })
})

const policy = 'path "transit/hmac/aws/sha2-256" { capabilities = ["update"] }'
const withTime = `${policy} path "auth/token/lookup-self" { capabilities = ["read"] } path "auth/token/renew-self" { capabilities = ["update"] }`

describe('a token that ends', () => {
  it('F-V05: is renewed after two thirds of its time', async () => {
    const token = await bao.tokenFor(withTime, { ttl: '9s', renewable: true })
    const key = await opened(keyUri(bao), token)
    await pause(12_000)
    expect(hex(await key.hmac(day))).toBe(dateKey)
  })

  it('F-V05: that cannot be renewed says when it ended', async () => {
    const token = await bao.tokenFor(withTime, { ttl: '8s', renewable: false })
    const key = await opened(keyUri(bao), token)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    await pause(8500)
    const failure = await failureOf(key.hmac(day))
    expect(failure).toMatchObject({
      code: 'ERR_PIN_INCORRECT',
      message: expect.stringMatching(/expired or not allowed; its time ended 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    expectNoCanary(failure, { token: Buffer.from(token) })
  })
})

describe('a place that is not there', () => {
  it('F-V07: a key, is named with its mount', async () => {
    await expect(opened(keyUri(bao, {}, { key: 'nope' }), bao.token)).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: `127.0.0.1:${bao.port} has no key "nope" at the mount "transit"`,
    })
  })

  it('F-V07: a key, when the policy does not let it be read, is named at the first use', async () => {
    const token = await bao.tokenFor('path "transit/hmac/*" { capabilities = ["update"] }')
    const key = await opened(keyUri(bao, {}, { key: 'nope' }), token)
    await expect(key.hmac(day)).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: expect.stringContaining('"nope"'),
    })
  })

  it('F-V13: a mount, is named', async () => {
    await expect(opened(keyUri(bao, {}, { mount: 'other' }), bao.token)).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: `127.0.0.1:${bao.port} has no mount "other"`,
    })
  })

  it('F-V13: a namespace, is named', async () => {
    await expect(opened(keyUri(bao, { namespace: 'nowhere' }), bao.token)).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: `127.0.0.1:${bao.port} has no namespace "nowhere", or no mount "transit" in it`,
    })
  })

  it('F-V13: a mount of another engine, is refused', async () => {
    await bao.done('POST', 'sys/mounts/kv', { type: 'kv' })
    await expect(opened(keyUri(bao, {}, { mount: 'kv' }), bao.token)).rejects.toMatchObject({
      code: /^ERR_KEY_NOT_FOUND|ERR_DEVICE_FAILED$/,
    })
  })
})

describe('a key that has changed', () => {
  it('F-V08: to another version, is refused at the opening and at the use', async () => {
    await bao.done('POST', 'transit/keys/rotating', { type: 'hmac', key_size: 32 })
    const pinned = keyUri(bao, { 'key-version': '1' }, { key: 'rotating' })
    const mayUse = await bao.tokenFor('path "transit/hmac/rotating/sha2-256" { capabilities = ["update"] }')
    const key = await opened(pinned, mayUse)
    const unpinned = await opened(keyUri(bao, {}, { key: 'rotating' }), bao.token)
    await key.hmac(day)
    await bao.done('POST', 'transit/keys/rotating/rotate', {})
    const changed = {
      code: 'ERR_KEY_UNUSABLE',
      message: 'the key "rotating" has version 2 now, not 1',
      tryAgain: false,
    }
    await expect(key.hmac(day)).rejects.toMatchObject(changed)
    await expect(unpinned.hmac(day)).rejects.toMatchObject(changed)
    await expect(opened(pinned, bao.token)).rejects.toMatchObject(changed)
  })

  it('F-V08: nothing is asked for by version, which a pinned policy forbids', async () => {
    const wire = await recorder(bao)
    const key = await opened(keyUri(bao, { address: wire.url, ca: undefined, 'key-version': '1' }), narrow, {
      ca: wire.ca,
    })
    expect(hex(await key.hmac(day))).toBe(dateKey)
    expect(wire.sent()).not.toContain('key_version')
  })
})

describe('an answer that is none', () => {
  it.each([
    ['another shape', answer(200, '{"data":{"batch_results":[]}}')],
    ['a page with 200', answer(200, '<html>please log in</html>', { 'Content-Type': 'text/html' })],
    ['31 bytes', answer(200, `{"data":{"hmac":"vault:v1:${Buffer.alloc(31).toString('base64')}"}}`)],
  ])('F-V09: of %s is refused', async (_what, given) => {
    const wire = await recorder(bao)
    const key = await opened(keyUri(bao, { address: wire.url, ca: undefined }), narrow, { ca: wire.ca })
    wire.order({ at: /hmac\/aws/, answer: given, times: 1 })
    const failure = await failureOf(key.hmac(day))
    expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED', tryAgain: false })
    expectNoCanary(failure, { token: Buffer.from(narrow) })
    expect(hex(await key.hmac(day))).toBe(dateKey)
  })
})

describe('a key that can be exported', () => {
  const where = { key: 'leaky' }
  beforeAll(async () => {
    await bao.importHmacKey('leaky', secretBytes)
    await bao.done('POST', 'transit/keys/leaky/config', { exportable: true, allow_plaintext_backup: true })
  })

  it('F-V10: is warned of', async () => {
    const { info } = await opened(keyUri(bao, {}, where), bao.token)
    expect(info.warnings).toEqual([
      expect.stringContaining('can be exported (exportable is true)'),
      expect.stringContaining('allow_plaintext_backup is true'),
    ])
    expect(info.attributes).toMatchObject({ exportable: true, type: 'hmac' })
  })

  it('F-V10: is refused with strict, and so is one of which it cannot be seen', async () => {
    const strict = { strict: true }
    await expect(opened(keyUri(bao, {}, where), bao.token, strict)).rejects.toMatchObject({
      code: 'ERR_KEY_UNUSABLE',
      message: 'the key "leaky" can be exported (exportable is true)',
    })
    await expect(opened(keyUri(bao), narrow, strict)).rejects.toMatchObject({ code: 'ERR_KEY_UNUSABLE' })
    expect((await opened(keyUri(bao), bao.token, strict)).info.warnings).toEqual([])
  })
})
