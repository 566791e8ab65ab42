// 1 GiB in signed chunks, over HTTP to a server that throws it away. Memory is judged by what lies outside V8's heap, where
// the bytes of a body are.

import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { listening, testClient } from '../http/servers.ts'

const mebibyte = 1_048_576

/** Bytes received, by a server that keeps none of them. */
async function drain(): Promise<{ readonly url: string; readonly received: () => number }> {
  let received = 0
  const server = createServer((request, response) => {
    request.on('data', (piece: Buffer) => {
      received += piece.length
    })
    request.on('end', () => response.end())
  })
  return { url: `http://127.0.0.1:${await listening(server)}/bucket/key`, received: () => received }
}

it('holds a few pieces of a body of 1 GiB, and asks nothing of its stream beforehand', async () => {
  const { url, received } = await drain()
  const piece = Buffer.alloc(mebibyte, 7)
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < 1024; sent++) {
      yield piece
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }
  }
  const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })
  const signer = sigV4Signer({ keys, region: 'us-east-1', service: 's3' })
  const options = { length: 1024 * mebibyte, checksum: 'CRC32' } as const
  const signed = await signer.signChunked({ method: 'PUT', url, body: body() }, options)
  expect(most).toBe(0)
  expect((await testClient().stream?.(signed))?.status).toBe(200)
  expect(String(received())).toBe(signed.headers['Content-Length'])
  expect(most - before).toBeLessThan(128 * mebibyte)
})
