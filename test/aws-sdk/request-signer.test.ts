// Our signer in the SDK's shape against the SDK's own signer: the same requests, the same signatures.

import { Readable } from 'node:stream'
import { SignatureV4 } from '@smithy/signature-v4'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RequestSignerOptions, requestSigner, type SdkRequest } from '../../src/aws-sdk/index.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type RandomRequest, randomRequest } from '../properties/random-requests.ts'
import { StockSha256 } from './stock-sha256.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const region = 'eu-west-1'
const signingDate = new Date('2026-03-01T12:00:00Z')
const keys = secretDateKeys({ accessKeyId, secretAccessKey })
const ours = (more: Partial<RequestSignerOptions> = {}) => requestSigner({ keys, region, service: 'sqs', ...more })

/** The class that the SDK would have. */
class Request implements SdkRequest {
  method = 'GET'
  protocol = 'https:'
  hostname = 'h.example'
  path = '/a/b'
  query: Record<string, string | string[] | null> = {}
  headers: Record<string, string> = { host: 'h.example' }
  body: unknown
  constructor(members: Partial<SdkRequest> = {}) {
    Object.assign(this, members)
  }
}

/** The SDK's signer for the same request. */
function theirs({ service, region: place, sessionToken }: RandomRequest): SignatureV4 {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  return new SignatureV4({ credentials, service, region: place, uriEscapePath: service !== 's3', sha256: StockSha256 })
}

function signerOf({ service, region: place, sessionToken }: RandomRequest) {
  const same = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  return requestSigner({ keys: same, service, region: place, payloadHashHeader: true })
}

function requestOf(one: RandomRequest): Request {
  const { protocol, host, hostname } = new URL(one.strictUrl)
  const [path = '', search = ''] = one.strictUrl.slice(one.origin.length).split('?')
  const query: Record<string, string | string[]> = {}
  for (const pair of search.split('&').filter((part) => part !== '')) {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    query[name] = name in query ? [query[name] ?? '', value].flat() : value
  }
  const headers = { host, 'x-amz-meta-a': ' a  b ', 'Content-Type': 'text/plain', 'user-agent': 'me' }
  return new Request({ method: one.method, protocol, hostname, path, query, headers, body: one.body })
}

describe('a request signer', () => {
  it('signs as @smithy/signature-v4 does', async () => {
    await fc.assert(
      fc.asyncProperty(randomRequest({ uniqueNames: true }), async (one) => {
        const signing = { signingDate: one.time }
        const right = await theirs(one).sign(requestOf(one), signing)
        const { headers } = await signerOf(one).sign(requestOf(one), signing)
        expect(headers.Authorization).toBe(right.headers.authorization)
      }),
      { numRuns: 300 },
    )
  })

  it('presigns as @smithy/signature-v4 does', async () => {
    await fc.assert(
      fc.asyncProperty(randomRequest({ uniqueNames: true }), async (one) => {
        fc.pre(one.service !== 's3')
        const signing = { signingDate: one.time, expiresIn: one.expiresIn }
        const right = await theirs(one).presign(requestOf(one), signing)
        const { headers, query } = await signerOf(one).presign(requestOf(one), signing)
        expect(query).toEqual(right.query)
        expect(headers).toEqual(right.headers)
      }),
      { numRuns: 300 },
    )
  })

  it('leaves the request as it was, and returns one of its class', async () => {
    const request = new Request({ query: { a: ['1', '2'], b: null } })
    const before = structuredClone({ ...request })
    const [signed, presigned] = [await ours().sign(request), await ours().presign(request)]
    expect({ ...request }).toEqual(before)
    expect([signed, presigned].map((one) => one instanceof Request)).toEqual([true, true])
    expect(presigned.query).toMatchObject({ a: ['1', '2'], b: '', 'X-Amz-Expires': '3600' })
  })

  it.each([signingDate, signingDate.getTime() / 1000, '2026-03-01T12:00:00Z'])('takes the date %s', async (date) => {
    expect((await ours().sign(new Request(), { signingDate: date })).headers['X-Amz-Date']).toBe('20260301T120000Z')
  })

  it('signs for another region and service where it is said', async () => {
    const signer = ours()
    for (let at = 0; at < 100; at += 1) {
      const { headers } = await signer.sign(new Request(), { signingRegion: `r${at}`, signingService: 'sns' })
      expect(headers.Authorization).toContain(`/r${at}/sns/`)
    }
  })

  it('sends a header unsigned where it is said', async () => {
    const request = new Request({ headers: { host: 'h.example', 'X-Other': 'a', 'x-signed': 'b' } })
    const { headers } = await ours().sign(request, { unsignableHeaders: new Set(['x-other']) })
    expect(headers).toMatchObject({ 'X-Other': 'a', 'x-signed': 'b' })
    expect(headers.Authorization).toContain('SignedHeaders=host;x-amz-date;x-signed,')
  })

  it('moves headers into the query of a URL, or leaves them, as is said', async () => {
    const headers = { host: 'h.example', 'x-amz-acl': 'private', 'x-amz-meta-a': 'b', range: 'bytes=0-1' }
    const presigned = await ours({ service: 's3' }).presign(new Request({ headers }), {
      unhoistableHeaders: new Set(['x-amz-meta-a']),
      hoistableHeaders: new Set(['range']),
    })
    expect(presigned.headers).toEqual({ host: 'h.example', 'x-amz-meta-a': 'b' })
    const names = 'host;x-amz-meta-a'
    expect(presigned.query).toMatchObject({ 'x-amz-acl': 'private', range: 'bytes=0-1', 'X-Amz-SignedHeaders': names })
  })

  it('leaves headers of encryption, which S3 does not read in a query', async () => {
    const encryption = { 'x-amz-server-side-encryption': 'aws:kms', 'X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id': 'k' }
    const headers = { host: 'h.example', ...encryption }
    const presigned = await ours({ service: 's3' }).presign(new Request({ headers }))
    expect(presigned.headers).toEqual(headers)
    const names = 'host;x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id'
    expect(presigned.query).toMatchObject({ 'X-Amz-SignedHeaders': names })
  })

  it('B-115: signs a stream by its header, unsigned where allowed, and else refuses', async () => {
    const put = { method: 'PUT', body: Readable.from(['a']) }
    await expect(ours().sign(new Request(put))).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
    const unsigned = await ours({ unsignedStreams: true }).sign(new Request(put))
    expect(unsigned.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
    const literal = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    const headers = { host: 'h.example', 'X-Amz-Content-Sha256': literal }
    const trailing = await ours({ service: 's3' }).sign(new Request({ ...put, headers }))
    expect(trailing.headers['X-Amz-Content-Sha256']).toBe(literal)
  })

  it('B-117: signs no region set', async () => {
    const refused = { code: 'ERR_REQUEST_INVALID', hint: expect.stringContaining('temporary credentials') }
    await expect(ours().sign(new Request(), { signingRegion: '*' })).rejects.toMatchObject(refused)
    await expect(ours().presign(new Request(), { signingRegion: '*' })).rejects.toMatchObject(refused)
  })

  it.each([
    [{ protocol: 'ftp:' }],
    [{ hostname: 'a b' }],
    [{ path: '/a?b\n' }],
    [{ method: 'get' }],
    [{ query: { 'X-Amz-Signature': 'x' } }],
    [{ query: { a: '\ud800' } }],
    [{ headers: { 'a b': 'x' } }],
  ])('refuses a request with %j', async (members) => {
    await expect(ours().sign(new Request(members))).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })
})
