// An upload that is larger than what may be held: its SHA-256 goes behind the body, made by our hash as the body passes,
// and memory stays where it was. 256 MiB, in the long form 1 GiB.

import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { signWithKey } from '../../src/aws-sdk/index.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'

const mebibyte = 2 ** 20
const mebibytes = process.env.TEST_LONG === '1' ? 1024 : 256
/** What the growth may be: buffers on the way, and what a collection has not yet taken. */
const mostGrowth = 96 * mebibyte

let server: Server
let client: S3Client
let counted: CountedKey
/** The end of the last body, with its trailer. */
let tail = ''
let peak = 0

async function take(request: IncomingMessage): Promise<void> {
  for await (const piece of request) {
    tail = (tail + piece.subarray(-200).toString('latin1')).slice(-200)
    peak = Math.max(peak, process.memoryUsage.rss())
  }
}

beforeAll(async () => {
  counted = await countedKey()
  server = createServer((request, response) => {
    take(request).then(
      () => response.end(),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const signing = signWithKey({ key: counted.key, accessKeyId: 'AKIDEXAMPLE' })
  client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, ...signing })
})
afterAll(async () => {
  client?.destroy()
  server?.closeAllConnections()
  server?.close()
  await counted?.key.close()
})

function* pieces(count: number, hashed: Hash): Generator<Buffer> {
  const piece = Buffer.alloc(mebibyte, 'x')
  for (let at = 0; at < count; at += 1) {
    hashed.update(piece)
    yield piece
  }
}

/** Sends so many MiB. @returns their SHA-256 */
async function send(count: number): Promise<string> {
  const hashed = createHash('sha256')
  const body = { Body: Readable.from(pieces(count, hashed)), ContentLength: count * mebibyte }
  await client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', ...body, ChecksumAlgorithm: 'SHA256' }))
  return hashed.digest('base64')
}

it(`sends ${mebibytes} MiB with a trailing SHA-256 in memory that stays flat`, async () => {
  await send(32)
  const before = peak
  const right = await send(mebibytes)
  expect(tail).toContain(`x-amz-checksum-sha256:${right}`)
  expect(peak - before).toBeLessThan(mostGrowth)
})
