// What a signer takes and refuses, and when it asks the device. In: requests and URLs as callers write them. A case a rule;
// they fill a little more than 250 lines together.

import { describe, expect, it } from 'vitest'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import type { HttpRequest } from '../../src/sigv4/request.ts'
import { type SigV4SignerOptions, sigV4Signer } from '../../src/sigv4/signer.ts'
import { countedKey } from './counted-key.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const accessKeyId = 'AKIDEXAMPLE'
const keys = secretDateKeys({ accessKeyId, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' })
const get: HttpRequest = { method: 'GET', url: 'https://example.amazonaws.com/a?b=c' }
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const signer = (options: Partial<SigV4SignerOptions> = {}) =>
  sigV4Signer({ keys, region: 'eu-west-1', service: 'sqs', now: () => noon, ...options })
const s3 = signer({ service: 's3' })
const invalid = expect.objectContaining({ code: 'ERR_REQUEST_INVALID' })

describe('a signed request', () => {
  it('is the given one with time and signature among its headers', async () => {
    const body = new Uint8Array([1, 2, 3])
    const signed = await signer().sign({
      method: 'POST',
      url: 'https://example.amazonaws.com/a',
      headers: { 'X-A': ' b' },
      body,
    })
    expect(signed).toEqual({
      method: 'POST',
      url: 'https://example.amazonaws.com/a',
      headers: {
        'X-A': ' b',
        'X-Amz-Date': '20261124T120000Z',
        Authorization: expect.stringContaining('Credential=AKIDEXAMPLE/20261124/eu-west-1/sqs/aws4_request'),
      },
      body,
    })
  })

  it('leaves what it was given unchanged', async () => {
    const request = Object.freeze({ ...get, headers: Object.freeze({ 'X-A': 'b' }) })
    await expect(signer().sign(request)).resolves.toBeDefined()
  })

  it('is the same for a URL object and its text', async () => {
    expect(await signer().sign({ ...get, url: new URL(String(get.url)) })).toEqual(await signer().sign(get))
  })

  it('carries the payload hash for S3', async () => {
    expect((await s3.sign(get)).headers['x-amz-content-sha256']).toBe(emptyHash)
  })

  it('signs text as its bytes in UTF-8', async () => {
    const text = await s3.sign({ ...get, body: 'é漢' })
    const bytes = await s3.sign({ ...get, body: new TextEncoder().encode('é漢') })
    expect(text.headers).toEqual(bytes.headers)
  })

  it('B-116: takes the place of an earlier signature', async () => {
    const once = await signer().sign(get, { date: new Date('2026-11-23T08:00:00Z') })
    expect((await signer().sign({ ...get, headers: once.headers })).headers).toEqual((await signer().sign(get)).headers)
  })

  it('leaves out the session token of an earlier signature when it has none itself', async () => {
    const { headers } = await signer().sign({ ...get, headers: { 'x-amz-security-token': 'old' } })
    expect(headers).not.toHaveProperty('x-amz-security-token')
  })

  it('signs a Host header that was given in place of the one of the URL', async () => {
    const direct = await signer().sign({ ...get, headers: { Host: 'example.amazonaws.com' } })
    const tunnelled = await signer().sign({
      ...get,
      url: 'http://127.0.0.1:8080/a?b=c',
      headers: { Host: 'example.amazonaws.com' },
    })
    expect(tunnelled.headers).toEqual(direct.headers)
  })
})

describe('the payload', () => {
  it('is unsigned only when asked for', async () => {
    const { headers } = await s3.sign({ ...get, body: 'a' }, { unsignedPayload: true })
    expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
  })

  it('is taken from an x-amz-content-sha256 header as from the option', async () => {
    const payloadHash = 'ab'.repeat(32)
    const byHeader = await s3.sign({ ...get, headers: { 'x-amz-content-sha256': payloadHash } })
    expect(byHeader.headers.Authorization).toBe((await s3.sign(get, { payloadHash })).headers.Authorization)
  })

  it.each([
    ['a payload hash that is none', get, { payloadHash: 'abc' }],
    ['a payload hash in upper case', get, { payloadHash: 'AB'.repeat(32) }],
    ['both a hash and unsignedPayload', get, { payloadHash: emptyHash, unsignedPayload: true }],
    [
      'a header that contradicts the option',
      { ...get, headers: { 'X-Amz-Content-Sha256': emptyHash } },
      { payloadHash: 'ab'.repeat(32) },
    ],
  ])('refuses %s', async (_, request, options) => {
    await expect(s3.sign(request, options)).rejects.toEqual(invalid)
  })

  it('B-115: tells how to sign a stream', async () => {
    // A caller without types may pass anything.
    const body = new ReadableStream() as unknown as Uint8Array
    await expect(s3.sign({ ...get, body })).rejects.toMatchObject({
      code: 'ERR_REQUEST_INVALID',
      hint: expect.stringContaining('payloadHash'),
    })
  })
})

describe('a presigned URL', () => {
  it('keeps the query that was given and adds the signature behind it', async () => {
    const url = await s3.presign({ method: 'GET', url: 'https://a.example/k?x=1&a=2' }, { expiresIn: 60 })
    expect(url).toMatch(
      /^https:\/\/a\.example\/k\?x=1&a=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&.*&X-Amz-Expires=60&X-Amz-Signature=[0-9a-f]{64}$/,
    )
  })

  it.each(['https://a.example/k', 'https://a.example/k?', 'https://a.example/k?a=1&'])(
    'has one "?" and no empty parameter: %s',
    async (url) => {
      expect(await s3.presign({ method: 'GET', url }, { expiresIn: 60 })).not.toMatch(/\?.*\?|&&|\?&/)
    },
  )

  it.each([0, -1, 604_801, 1.5, Number.NaN])('B-112: refuses to live %d seconds', async (expiresIn) => {
    await expect(s3.presign(get, { expiresIn })).rejects.toEqual(invalid)
  })

  it('lives up to seven days', async () => {
    await expect(s3.presign(get, { expiresIn: 604_800 })).resolves.toContain('X-Amz-Expires=604800')
  })

  it.each(['X-Amz-Signature=a', 'x-amz-date=a', 'X-Amz-Sec%75rity-Token=a'])(
    'B-116: refuses a URL that is signed already: %s',
    async (query) => {
      await expect(
        s3.presign({ method: 'GET', url: `https://a.example/?${query}` }, { expiresIn: 60 }),
      ).rejects.toEqual(invalid)
    },
  )

  it('leaves the body unsigned for S3, and binds the URL to a body that is given', async () => {
    const open = await s3.presign({ method: 'PUT', url: 'https://a.example/k' }, { expiresIn: 60 })
    const bound = await s3.presign({ method: 'PUT', url: 'https://a.example/k', body: '' }, { expiresIn: 60 })
    expect([open, bound].map((url) => new URL(url).searchParams.get('X-Amz-Content-Sha256'))).toEqual([null, emptyHash])
  })
})

describe('what cannot be signed', () => {
  it.each(['', 'EU-WEST-1', 'eu/west', 'eu west', 'a'.repeat(65), 'eu-west-1\n'])(
    'B-113: refuses the region %j',
    (region) => {
      expect(() => signer({ region })).toThrow(invalid)
    },
  )

  it.each(['', 'S3', 's3/', 's 3', 'é'])('B-113: refuses the service %j', (service) => {
    expect(() => signer({ service })).toThrow(invalid)
  })

  it.each([
    ['a relative URL', '/a'],
    ['another scheme', 'ftp://a.example/'],
    ['a user name', 'https://user@a.example/'],
    ['a backslash before the path', 'https://a.example\\@b.example/'],
    ['no host', 'https:///a'],
    ['a host that is none', 'https://a b/'],
    ['a fragment', 'https://a.example/#b'],
    ['a tab', 'https://a.example/a\tb'],
    ['a line end', 'https://a.example/a\nb'],
    ['half of a surrogate pair', 'https://a.example/?a=\udc00'],
  ])('refuses a URL with %s', async (_, url) => {
    await expect(signer().sign({ method: 'GET', url })).rejects.toEqual(invalid)
  })

  it.each([
    ['an empty URL', { ...get, url: '' }],
    ['an empty method', { ...get, method: '' }],
  ])('refuses %s, also where the key is kept and nothing came the fast way yet', async (_, request) => {
    await expect(signer().sign(request)).rejects.toEqual(invalid)
    const kept = signer()
    await kept.sign({ ...get, headers: [] })
    await expect(kept.sign(request)).rejects.toEqual(invalid)
    await expect(kept.presign(request, { expiresIn: 60 })).rejects.toEqual(invalid)
  })

  it.each(['get', '', 'GET /', 'GET\n'])('refuses the method %j', async (method) => {
    await expect(signer().sign({ ...get, method })).rejects.toEqual(invalid)
  })

  it.each([
    ['no time', new Date(Number.NaN)],
    ['the year 10000', new Date('+010000-01-01T00:00:00Z')],
    ['a year before 0', new Date('-000001-01-01T00:00:00Z')],
  ])('B-111: refuses %s', async (_, date) => {
    await expect(signer().sign(get, { date })).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
  })

  it.each(['2026-11-24', 1_764_000_000_000, {}])(
    'refuses %j for a date, as a caller without types may give it',
    async (given) => {
      // What the compiler would refuse.
      const date = given as unknown as Date
      await expect(signer().sign(get, { date })).rejects.toEqual(invalid)
      await expect(signer().presign(get, { date, expiresIn: 60 })).rejects.toEqual(invalid)
    },
  )

  it('does not ask the device for a request that it cannot sign', async () => {
    const { key, asked } = await countedKey()
    const device = signer({ keys: deviceDateKeys({ key, accessKeyId, now: () => noon }) })
    await device.sign({ ...get, headers: { a: '\n' } }).catch(() => {})
    await device.presign(get, { expiresIn: 0 }).catch(() => {})
    expect(asked).toEqual([])
  })
})

describe('the key of a signer', () => {
  it('is derived by one device call for 20 requests at the same time, also when the source keeps nothing', async () => {
    const { key, asked } = await countedKey()
    const device = signer({ keys: deviceDateKeys({ key, accessKeyId, keepDateKey: false, now: () => noon }) })
    await Promise.all(Array.from({ length: 20 }, () => device.sign(get)))
    await device.sign(get)
    expect(asked).toEqual(['20261124'])
  })

  it('is refused for a date two days ahead, before the device is asked', async () => {
    const { key, asked } = await countedKey()
    const device = signer({ keys: deviceDateKeys({ key, accessKeyId, now: () => noon }) })
    const ahead = device.sign(get, { date: new Date('2026-11-26T00:00:00Z') })
    await expect(ahead).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
    expect(asked).toEqual([])
  })

  it('is derived anew each day, and signs as a fresh signer does', async () => {
    let now = noon
    const long = signer({ now: () => now })
    for (let day = 0; day < 5; day++) {
      now = new Date(noon.getTime() + day * 86_400_000)
      expect(await long.sign(get)).toEqual(await signer({ now: () => now }).sign(get))
    }
  })

  it('signs yesterday after 00:15 UTC as a fresh signer does', async () => {
    let now = noon
    const long = signer({ now: () => now })
    await long.sign(get)
    now = new Date('2026-11-25T09:00:00Z')
    expect(await long.sign(get, { date: noon })).toEqual(await signer().sign(get))
  })

  it('is not asked for once the signal has aborted', async () => {
    const { key, asked } = await countedKey()
    const device = signer({ keys: deviceDateKeys({ key, accessKeyId, now: () => noon }) })
    await expect(device.sign(get, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    expect(asked).toEqual([])
  })
})
