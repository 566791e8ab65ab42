// signedFetch against a service on loopback that checks each signature with lines of its own.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type SignedFetch, signedFetch } from '../../src/sigv4/signed-fetch.ts'
import { CheckingServer, movedTo } from '../aws-sdk/checking-server.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const keys = secretDateKeys({ accessKeyId, secretAccessKey })
const region = 'us-east-1'

let server: CheckingServer
let s3: SignedFetch
beforeAll(async () => {
  server = await new CheckingServer({ [accessKeyId]: secretAccessKey }).start()
  s3 = signedFetch({ keys, region, service: 's3' })
})
afterAll(() => server?.close())
beforeEach(() => server.reset())

const text = 'the body: ü'
const form = (): FormData => {
  const made = new FormData()
  made.set('a', 'ü')
  made.set('b', new Blob(['bytes']))
  return made
}
async function* parts(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array([1, 2])
  yield new Uint8Array([3])
}

const bodies: readonly (readonly [string, () => RequestInit['body']])[] = [
  ['text', () => text],
  ['bytes', () => new TextEncoder().encode(text)],
  ['part of a buffer', () => new TextEncoder().encode(text).subarray(2, 5)],
  ['an ArrayBuffer', () => new ArrayBuffer(9)],
  ['a Blob', () => new Blob([text], { type: 'text/plain' })],
  ['URLSearchParams', () => new URLSearchParams({ a: 'b c', d: 'ü' })],
  ['nothing', () => null],
]

it.each(bodies)('sends %s with its hash', async (_, body) => {
  expect((await s3(`${server.url}/bucket/k`, { method: 'PUT', body: body() ?? null })).status).toBe(200)
  expect(server.accepted).toMatchObject([{ method: 'PUT', service: 's3' }])
})

it('sends a form with the boundary that was signed', async () => {
  const api = signedFetch({ keys, region, service: 'execute-api' })
  const headers = { 'content-type': 'multipart/mixed; boundary=b' }
  expect((await api(`${server.url}/a`, { method: 'POST', body: '--b--', headers })).status).toBe(200)
  const seen: RequestInit[] = []
  const noting = signedFetch({
    keys,
    region,
    service: 'execute-api',
    fetch: async (_, init) => {
      seen.push(init)
      return new Response()
    },
  })
  await noting(`${server.url}/a`, { method: 'POST', body: form() })
  const boundary = /boundary=(.+)$/.exec(new Headers(seen[0]?.headers).get('content-type') ?? '')?.[1]
  expect(Buffer.from(seen[0]?.body as Uint8Array).toString()).toContain(`--${boundary}--`)
})

it('encodes a URL as fetch does, and signs that', async () => {
  for (const target of [
    '/bucket/a b/ü(1)~.txt',
    '/bucket/a%20b',
    '/bucket?x=a b&list-type=2&y=%C3%BC',
    '/bucket/#part',
  ]) {
    expect((await s3(server.url + target)).status).toBe(200)
  }
  const { url } = server
  expect((await s3(new URL('/bucket/k?y&x=1', url))).status).toBe(200)
  expect((await s3(new Request(`${url}/bucket/k`, { method: 'POST', body: 'x' }))).status).toBe(200)
})

it('sends a stream with its hash, or unsigned where asked', async () => {
  const payloadHash = createHash('sha256')
    .update(new Uint8Array([1, 2, 3]))
    .digest('hex')
  const put = { method: 'PUT', body: ReadableStream.from(parts()), payloadHash }
  expect((await s3(`${server.url}/bucket/k`, put)).status).toBe(200)
  const unsigned = { method: 'PUT', body: ReadableStream.from(parts()), unsignedPayload: true }
  expect((await s3(`${server.url}/bucket/k`, unsigned)).status).toBe(200)
  expect(server.accepted.map(({ bytes }) => bytes)).toEqual([3, 3])
})

it('B-115: refuses a stream of which nothing is said, and sends nothing', async () => {
  const put = s3(`${server.url}/bucket/k`, { method: 'PUT', body: ReadableStream.from(parts()) })
  await expect(put).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID', hint: expect.stringContaining('payloadHash') })
  expect(server.connections).toBe(0)
})

it.each(['/bucket/a/../b', '/bucket/./a', '/bucket/%2e%2E/a', '/bucket/..?x=1'])(
  'B-114: refuses the S3 key of %s, which fetch would fold',
  async (target) => {
    await expect(s3(server.url + target)).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
    expect(server.connections).toBe(0)
  },
)

it.each([
  ['no/url', {}],
  ['http://user:name@127.0.0.1/', {}],
  ['http://127.0.0.1/', { method: 'TRACE' }],
  ['http://127.0.0.1/', { headers: { 'bad name': 'x' } }],
  ['http://127.0.0.1/', { method: 'GET', body: 'x' }],
] as const)('refuses %s with %j by a typed error', async (url, init) => {
  await expect(s3(url, init)).rejects.toMatchObject({ name: 'HardkeyError', code: 'ERR_REQUEST_INVALID' })
})

it('does not follow a redirect, unless asked to', async () => {
  const answer = await s3(`${server.url}/moved/k`)
  expect([answer.status, answer.headers.get('x-amz-bucket-region')]).toEqual([301, movedTo])
})

it('throws the reason of the signal', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(s3(`${server.url}/bucket/k`, { signal })).rejects.toThrow('enough')
  expect(server.connections).toBe(0)
})
