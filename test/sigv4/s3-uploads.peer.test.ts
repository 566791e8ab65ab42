// Chunks, trailers, forms and streams of unknown length, judged by stores that check every signature.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpClient } from '../../src/http/client.ts'
import type { ChecksumAlgorithm } from '../../src/sigv4/checksum.ts'
import type { ChunkedOptions, SignedStream } from '../../src/sigv4/chunked-form.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import type { PostForm } from '../../src/sigv4/post-policy.ts'
import { type SigV4Signer, sigV4Signer } from '../../src/sigv4/signer.ts'
import { type S3Store, s3Stores } from './s3-stores.ts'

const length = 200_000
const body = Buffer.alloc(length, 'abcdefghij')

describe.each(s3Stores)('%s', (_, start) => {
  let store: S3Store
  let signer: SigV4Signer
  let bucket: string
  const http = httpClient()
  beforeAll(async () => {
    store = await start()
    signer = sigV4Signer({ keys: secretDateKeys(store), region: store.region, service: 's3' })
    bucket = `${store.s3Url}/hardkey-chunks`
    expect((await http.send(await signer.sign({ method: 'PUT', url: bucket }))).status).toBe(200)
  })
  afterAll(async () => {
    http.close()
    await store?.stop()
  })

  async function sent(request: Omit<SignedStream, 'body'> & { body: AsyncIterable<Uint8Array> }): Promise<string> {
    const answer = await http.stream?.(request)
    const pieces: Uint8Array[] = []
    for await (const piece of answer?.body ?? []) pieces.push(piece)
    return `${answer?.status} ${/<Code>(.*?)<\/Code>/.exec(Buffer.concat(pieces).toString())?.[1] ?? ''}`.trim()
  }

  async function stored(key: string): Promise<Buffer> {
    const answer = await http.send(await signer.sign({ method: 'GET', url: `${bucket}/${key}` }), { maxBytes: 1 << 20 })
    expect(answer.status).toBe(200)
    return Buffer.from(answer.body)
  }

  const upload = (key: string, options: Partial<ChunkedOptions>): Promise<SignedStream> =>
    signer.signChunked({ method: 'PUT', url: `${bucket}/${key}`, body: [body] }, { length, ...options })

  it('takes signed chunks', async () => {
    expect(await sent(await upload('signed', {}))).toBe('200')
    expect((await stored('signed')).equals(body)).toBe(true)
  })

  const algorithms: readonly ChecksumAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']
  it.each(algorithms)('takes signed chunks with %s in a signed trailer', async (checksum) => {
    expect(await sent(await upload(checksum, { checksum }))).toBe('200')
    expect((await stored(checksum)).equals(body)).toBe(true)
  })

  it.each(algorithms)('takes unsigned chunks with %s in a trailer', async (checksum) => {
    expect(await sent(await upload(`u-${checksum}`, { checksum, unsignedPayload: true }))).toBe('200')
    expect((await stored(`u-${checksum}`)).equals(body)).toBe(true)
  })

  it.each([
    ['a byte of a chunk', /abc/, 'abd'],
    ['the signature of a chunk', /(chunk-signature=)[0-9a-f]{8}/, '$100000000'],
    ['the checksum', /(x-amz-checksum-crc32:)..../, '$1AAAA'],
    ['the signature of the trailer', /(trailer-signature:)[0-9a-f]{8}/, '$100000000'],
  ])('refuses an upload where %s was changed on the way', async (_what, found, replacement) => {
    const signed = await upload('changed', { checksum: 'CRC32' })
    async function* changed(): AsyncGenerator<Uint8Array> {
      for await (const piece of signed.body)
        yield Buffer.from(Buffer.from(piece).toString('latin1').replace(found, replacement), 'latin1')
    }
    expect(await sent({ ...signed, body: changed() })).toMatch(/^4\d\d /)
  })

  it.each([
    ['the hash that the caller knows', { payloadHash: createHash('sha256').update(body).digest('hex') }],
    ['an unsigned payload', { unsignedPayload: true }],
  ])('takes a stream with %s', async (_what, options) => {
    // Whoever sends S3 a stream says its length, though the signer need not know it.
    const headers = { 'content-length': String(length) }
    const request = { method: 'PUT', url: `${bucket}/stream`, headers }
    const signed = await signer.sign(request, options)
    expect(await sent({ ...signed, body: inParts() })).toBe('200')
    expect((await stored('stream')).equals(body)).toBe(true)
  })

  it('takes a form, and refuses one whose conditions are not kept', async () => {
    const input = { url: bucket, bucket: 'hardkey-chunks', key: 'form/a.txt', fields: { 'x-amz-meta-a': 'b' } }
    const conditions = [['content-length-range', 1, length] as const]
    const form = await signer.postPolicy({ ...input, conditions }, { expiresIn: 600 })
    expect((await posted(form, 'a.txt')).status).toBe(204)
    expect((await stored('form/a.txt')).equals(body)).toBe(true)
    const elsewhere = { ...form, fields: { ...form.fields, key: 'elsewhere/a' } }
    expect((await posted(elsewhere, 'a')).status).toBe(403)
    const smaller = await signer.postPolicy(
      { ...input, conditions: [['content-length-range', 1, 10]] },
      { expiresIn: 600 },
    )
    expect((await posted(smaller, 'b')).status).toBe(400)
  })
})

async function* inParts(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += 30_000) yield body.subarray(at, at + 30_000)
}

async function posted({ url, fields }: PostForm, name: string): Promise<Response> {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('file', new Blob([body]), name)
  return await fetch(url, { method: 'POST', body: form })
}
