// What a server may answer, and what is refused as no answer of it.

import { describe, expect, it } from 'vitest'
import {
  readAllowedInputs,
  readErrors,
  readHmac,
  readKey,
  readLogin,
  readLookup,
} from '../../../src/backends/vault/answer.ts'
import { dateKey, hex } from './fixture.ts'

const where = 'vault.example'
const base64 = Buffer.from(dateKey, 'hex').toString('base64')
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const hmac = (value: unknown) => bytes({ request_id: 'x', data: { hmac: value }, auth: null })
const unlike = expect.objectContaining({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining(where) })

describe('the answer with an HMAC', () => {
  it('gives the bytes and the version, and is wiped', () => {
    const body = hmac(`vault:v12:${base64}`)
    const answer = readHmac(body, where)
    expect([answer.version, hex(answer.hmac)]).toEqual([12, dateKey])
    expect(body.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    ['no prefix', base64],
    ['no version', `vault:v:${base64}`],
    ['version 0', `vault:v0:${base64}`],
    ['a version of 10 digits', `vault:v1234567890:${base64}`],
    ['31 bytes', `vault:v1:${Buffer.alloc(31, 7).toString('base64')}`],
    ['33 bytes', `vault:v1:${Buffer.alloc(33, 7).toString('base64')}`],
    ['64 bytes', `vault:v1:${Buffer.alloc(64, 7).toString('base64')}`],
    ['base64url', `vault:v1:${base64.replaceAll('/', '_').replaceAll('+', '-')}`],
    ['base64 without its padding', `vault:v1:${base64.replace('=', '')}`],
    ['base64 with bits left over', `vault:v1:${base64.replace('E=', 'F=')}`],
    ['a blank in the base64', `vault:v1:${base64.replace(/^./, ' ')}`],
    ['a text behind it', `vault:v1:${base64} and more`],
    ['a list', [`vault:v1:${base64}`]],
    ['null', null],
  ])('F-V09: with %s is refused', (_what, value) => {
    expect(() => readHmac(hmac(value), where)).toThrow(unlike)
  })

  it.each([
    ['a batch', { data: { batch_results: [{ hmac: `vault:v1:${base64}` }] } }],
    ['another member of that form', { data: { other: `vault:v1:${base64}`, hmac: 'none' } }],
    ['two of that form', { other: `vault:v1:${base64}`, data: { hmac: `vault:v1:${base64}` } }],
    ['no data', { hmac: `vault:v1:${base64}` }],
    ['a page to log in', `<html>"vault:v1:${base64}"</html>`],
    ['nothing', ''],
    ['a prototype', `{"__proto__":{"data":{"hmac":"vault:v1:${base64}"}}}`],
    ['bytes that are no text', Buffer.concat([Buffer.from([0xff]), hmac(`vault:v1:${base64}`)]).toString('latin1')],
  ])('F-V09: that is %s is refused', (_what, value) => {
    expect(() => readHmac(bytes(value), where)).toThrow(unlike)
  })

  it('F-V09: cut off at any byte is refused and wiped', () => {
    const whole = hmac(`vault:v1:${base64}`)
    for (let length = 0; length < whole.length; length += 1) {
      const cut = Buffer.from(whole.subarray(0, length))
      expect(() => readHmac(cut, where), `cut at ${length}`).toThrow(unlike)
      expect(cut.every((byte) => byte === 0)).toBe(true)
    }
  })

  it('shows nothing of itself in an error', () => {
    const wrong = hmac(`vault:v1:${base64}canary-more`)
    expect(() => readHmac(wrong, where)).toThrow(
      expect.not.objectContaining({ message: expect.stringMatching(/canary|aKnk/) }),
    )
  })
})

const facts = {
  name: 'aws',
  type: 'hmac',
  latest_version: 1,
  exportable: false,
  allow_plaintext_backup: false,
  deletion_allowed: false,
}

describe('the answer about a key', () => {
  it('is read, with or without what older servers leave out', () => {
    expect(readKey(bytes({ data: facts }), 'aws', where)).toMatchObject({ type: 'hmac', imported: undefined })
    expect(readKey(bytes({ data: { ...facts, imported_key: true } }), 'aws', where)).toMatchObject({ imported: true })
  })

  it.each([
    { ...facts, name: 'other' },
    { ...facts, exportable: 'no' },
    { ...facts, exportable: undefined },
    { ...facts, latest_version: 1.5 },
    { ...facts, imported_key: 1 },
  ])('as %j is refused', (data) => {
    expect(() => readKey(bytes({ data }), 'aws', where)).toThrow(unlike)
  })
})

describe('the answer to a login', () => {
  it('gives token and time, and is wiped', () => {
    const body = bytes({ auth: { client_token: 's.canary', lease_duration: 60, renewable: true } })
    const lease = readLogin(body, where)
    expect(Buffer.from(lease.token ?? []).toString()).toBe('s.canary')
    expect(lease).toMatchObject({ seconds: 60, renewable: true })
    expect(body.every((byte) => byte === 0)).toBe(true)
  })

  it.each([{ auth: null }, { auth: { client_token: 7, lease_duration: 60, renewable: true } }, {}])(
    'as %j is refused',
    (value) => expect(() => readLogin(bytes(value), where)).toThrow(unlike),
  )

  it('of a look-up has a time alone', () => {
    expect(readLookup(bytes({ data: { id: 's.canary', ttl: 59, renewable: true } }), where)).toEqual({
      token: undefined,
      seconds: 59,
      renewable: true,
    })
  })
})

describe('a refusal', () => {
  it.each([
    [{ errors: ['permission denied'] }, 'permission denied'],
    [{ errors: ['1 error occurred:\n\t* permission denied\n\n'] }, 'permission denied'],
    [{ errors: ['2 errors occurred:\n\t* one\n\t* two\n\n'] }, 'one two'],
    [{ errors: [] }, ''],
    [{ errors: [1, 'x'] }, 'x'],
    [{ errors: 'x' }, undefined],
    ['<html>', undefined],
    ['', undefined],
  ])('as %j is told as %j', (value, words) => {
    expect(readErrors(bytes(value))).toBe(words)
  })
})

describe('what policies let through', () => {
  const path = 'transit/hmac/aws/sha2-256'
  const acl = (rule: unknown) => bytes({ data: { exact_paths: { [path]: rule } } })

  it('is the list of inputs, or not known', () => {
    expect(readAllowedInputs(acl({ allowed_parameters: { input: ['MjAyNjEx*'] } }), path, where)).toEqual(['MjAyNjEx*'])
    for (const rule of [{}, { allowed_parameters: {} }, { allowed_parameters: null }, undefined]) {
      expect(readAllowedInputs(acl(rule), path, where)).toBeUndefined()
    }
  })
})
