import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChecksumAlgorithm } from '../../src/sigv4/checksum.ts'
import { chunkedBody } from '../../src/sigv4/chunked-body.ts'
import type { ChunkedOptions } from '../../src/sigv4/chunked-form.ts'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { SignatureChain } from '../../src/sigv4/signature-chain.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { SigningKeys } from '../../src/sigv4/signing-keys.ts'
import { countedKey } from './counted-key.ts'

// The example of "Signature calculations: transferring payload in multiple chunks", and the one with a trailer.
const published = {
  keys: secretDateKeys({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }),
  region: 'us-east-1',
  service: 's3',
  now: () => new Date('2013-05-24T00:00:00Z'),
}
const url = 'https://s3.amazonaws.com/examplebucket/chunkObject.txt'
const length = 66_560
const letters = Buffer.alloc(length, 'a')

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

const signatures = (framed: string): string[] =>
  Array.from(framed.matchAll(/signature[=:]([0-9a-f]{64})/g), ([, one]) => one ?? '')

describe('an upload in chunks', () => {
  it('has the signatures that AWS published', async () => {
    const headers = { 'x-amz-storage-class': 'REDUCED_REDUNDANCY' }
    const request = { method: 'PUT', url, headers, body: [letters] }
    const signed = await sigV4Signer(published).signChunked(request, { length })
    expect(signed.headers.Authorization).toContain('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9')
    expect(signed.headers['Content-Length']).toBe('66824')
    expect(signatures(await text(signed.body))).toEqual([
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ])
  })

  it('has the signatures that AWS published for a trailer', async () => {
    const seed = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
    const keys = new SigningKeys(published.keys, 'us-east-1', 's3', () => published.now().getTime())
    const chain = new SignatureChain(seed, (date, signed) => keys.sign(date, signed, undefined))
    const scope = '20130524/us-east-1/s3/aws4_request'
    const moment = { time: '20130524T000000Z', date: '20130524', scope, credential: '', encodedCredential: '' }
    const options = { length, chunkBytes: 65_536, checksum: 'CRC32C' } as const
    expect(signatures(await text(chunkedBody([letters], options, { chain, moment })))).toEqual([
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
      'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    ])
  })

  it('is as long as its Content-Length says, in whatever parts the body comes', async () => {
    const algorithms: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC64NVME', 'SHA256']
    const parts = fc.array(fc.nat(20_000), { maxLength: 6 })
    const kinds = fc.record({
      checksum: fc.constantFrom(...algorithms),
      unsignedPayload: fc.boolean(),
      chunkBytes: fc.integer({ min: 8192, max: 20_000 }),
    })
    await fc.assert(
      fc.asyncProperty(parts, kinds, async (sizes, kind) => {
        const body = sizes.map((size, at) => new Uint8Array(size).fill(at))
        const whole = Buffer.concat(body)
        const options: ChunkedOptions = { ...kind, length: whole.length }
        const signed = await sigV4Signer(published).signChunked({ method: 'PUT', url, body }, options)
        const framed = await text(signed.body)
        expect(String(framed.length)).toBe(signed.headers['Content-Length'])
        expect(decoded(framed).equals(whole)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('says in its headers how the body is framed', async () => {
    const request = { method: 'PUT', url, headers: { 'Content-Encoding': 'gzip' }, body: [letters] }
    const signed = await sigV4Signer(published).signChunked(request, { length, checksum: 'SHA1' })
    expect(signed.headers).toMatchObject({
      'Content-Encoding': 'gzip,aws-chunked',
      'X-Amz-Decoded-Content-Length': '66560',
      'X-Amz-Trailer': 'x-amz-checksum-sha1',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    })
  })

  it('asks the device once, however many chunks there are', async () => {
    const { key, asked } = await countedKey()
    const now = (): Date => new Date('2026-11-24T12:00:00Z')
    const keys = deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE', now })
    const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3', now })
    const signed = await signer.signChunked({ method: 'PUT', url, body: [letters] }, { length, chunkBytes: 8192 })
    expect(signatures(await text(signed.body))).toHaveLength(10)
    expect(asked).toEqual(['20261124'])
  })

  it.each([
    ['shorter', length + 1],
    ['longer', length - 1],
  ])('breaks off where the stream is %s than was said', async (_, said) => {
    const signed = await sigV4Signer(published).signChunked({ method: 'PUT', url, body: [letters] }, { length: said })
    await expect(text(signed.body)).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })

  it.each<[string, ChunkedOptions]>([
    ['a length that is none', { length: -1 }],
    ['a length that is no number', { length: Number.NaN }],
    ['chunks below what S3 takes', { length, chunkBytes: 1024 }],
    ['an unsigned body without a checksum', { length, unsignedPayload: true }],
  ])('refuses %s', async (_, options) => {
    const signed = sigV4Signer(published).signChunked({ method: 'PUT', url, body: [letters] }, options)
    await expect(signed).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })

  it('refuses a header that contradicts the framing', async () => {
    const request = { method: 'PUT', url, headers: { 'x-amz-trailer': 'x' }, body: [letters] }
    const signed = sigV4Signer(published).signChunked(request, { length })
    await expect(signed).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })
})

/** Takes the frames off again. */
function decoded(framed: string): Buffer {
  const pieces: string[] = []
  let at = 0
  for (;;) {
    const end = framed.indexOf('\r\n', at)
    const size = Number.parseInt(framed.slice(at, end), 16)
    if (size === 0) return Buffer.from(pieces.join(''), 'latin1')
    pieces.push(framed.slice(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
