// A policy that pins days, on a real server: it refuses every other day and every other form of the request, and hardkey
// says so in one line that names the allowed period.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vaultInspector } from '../../../src/backends/vault/inspector.ts'
import { narrowPolicy, writePolicy } from '../../../src/backends/vault/policy.ts'
import { HardkeyError } from '../../../src/errors.ts'
import { checkLabel } from '../../../src/key/check-label.ts'
import { checkValue } from '../../../src/lifecycle/check-value.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { dateKey, day, failureOf, hex, keyUri, opened, pins, secretBytes } from './fixture.ts'

const now = new Date('2015-08-24T17:20:00Z')
const period = { from: now, months: 2, labels: [checkLabel()] }

let bao: OpenBao
let pinned: string
beforeAll(async () => {
  bao = await startOpenBao()
  await bao.importHmacKey('aws', secretBytes)
  pinned = await bao.tokenFor(narrowPolicy(keyUri(bao), period).text)
})
afterAll(async () => bao?.stop())

const send = async (path: string, body: unknown) => (await bao.call('POST', path, body, pinned)).status
const base64 = (text: string) => Buffer.from(text).toString('base64')
const path = 'transit/hmac/aws/sha2-256'

describe('the printed policy', () => {
  it('allows the days of its months and the check value', async () => {
    const key = await opened(keyUri(bao, { 'key-version': '1' }), pinned)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    await key.hmac(Buffer.from('20150930'))
    expect(await checkValue(key)).toMatch(/^[0-9a-f]{16}$/)
    // Reading the key is allowed too, to see whether it can be exported.
    expect(key.info.attributes).toMatchObject({ exportable: false })
  })

  it.each(['20150731', '20151001', '20160830', '11111111', '20140830'])(
    'refuses the day %s, and names what it allows',
    async (date) => {
      const key = await opened(keyUri(bao), pinned)
      const failure = await failureOf(key.hmac(Buffer.from(date)))
      const told = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
      expect(failure).toBeInstanceOf(HardkeyError)
      expect(failure).toMatchObject({
        code: 'ERR_POLICY_REFUSED',
        message: `the policy of the token does not allow ${told} with key "aws": it allows 2015-08 to 2015-09`,
        tryAgain: false,
      })
    },
  )

  it.each([
    ['a batch', path, { batch_input: [{ input: base64('20150830') }] }],
    ['a batch beside the input', path, { input: base64('20150830'), batch_input: [{ input: base64('20160101') }] }],
    ['a list of inputs', path, { input: [base64('20150830')] }],
    ['a version', path, { input: base64('20150830'), key_version: 1 }],
    ['an algorithm in the body', path, { input: base64('20150830'), algorithm: 'sha2-512' }],
    ['another algorithm', 'transit/hmac/aws/sha2-512', { input: base64('20150830') }],
    ['the bare path', 'transit/hmac/aws', { input: base64('20150830') }],
    ['another use of the key', 'transit/verify/aws/sha2-256', { input: base64('20150830') }],
    ['the export', 'transit/export/hmac-key/aws', {}],
    ['the configuration', 'transit/keys/aws/config', { exportable: true }],
    ['the backup', 'transit/backup/aws', {}],
  ])('refuses %s', async (_what, where, body) => {
    expect(await send(where, body)).toBe(403)
  })

  it('gives nothing to an input in the wrong case, whatever its value', async () => {
    const answer = await bao.call('POST', path, { Input: base64('20160101') }, pinned)
    expect(answer.status).not.toBe(200)
    expect(JSON.stringify(answer)).not.toContain('vault:v')
  })

  it('allows what it allows, to be sure that the others were refused for their form', async () => {
    expect(await send(path, { input: base64('20150830') })).toBe(200)
  })

  it('is written by --apply to the server, and again in place of the old one', async () => {
    const policy = narrowPolicy(keyUri(bao), period)
    for (const text of ['# old', policy.text]) {
      await writePolicy(keyUri(bao), { ...policy, text }, { pin: pins(bao.token) })
    }
    const written = await bao.bao('policy', 'read', 'hardkey-aws')
    expect(written.trim()).toBe(policy.text)
    await expect(writePolicy(keyUri(bao), policy, { pin: pins(pinned) })).rejects.toMatchObject({
      code: 'ERR_POLICY_REFUSED',
      hint: 'it needs "update" on sys/policies/acl/hardkey-aws',
    })
  })
})

describe('a policy without a way to be read', () => {
  it('still is told as the cause, with the path', async () => {
    const blind = await bao.tokenFor(
      `path "${path}" { capabilities = ["update"] allowed_parameters = { "input" = ["MjAxNTA4*"] } }`,
    )
    const key = await opened(keyUri(bao), blind)
    expect(hex(await key.hmac(day))).toBe(dateKey)
    await expect(key.hmac(Buffer.from('20160101'))).rejects.toMatchObject({
      code: 'ERR_POLICY_REFUSED',
      hint: `it needs "update" on ${path}`,
    })
  })
})

describe('inspect', () => {
  it.each([
    ['2015-09-20T23:59:59Z', undefined],
    ['2015-09-21T00:00:01Z', 'it ends in 9 days'],
    ['2015-09-30T12:00:00Z', 'it ends today'],
    ['2015-10-01T00:00:00Z', 'today is not in it'],
  ])('on %s warns: %s', async (at, words) => {
    const backend = vaultInspector({ now: () => new Date(at) })
    const key = await backend.open(keyUri(bao), { pin: pins(pinned) })
    await key.close()
    const told = `the policy of the token allows 2015-08 to 2015-09, and ${words}: have it allow the next period`
    expect(key.info.warnings).toEqual(words === undefined ? [] : [told])
  })
})
