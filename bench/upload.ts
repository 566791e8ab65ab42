// A streamed upload of 1 GiB in signed chunks, with a checksum behind them, to a server on loopback in a process of its own.
// In: nothing. Out: rows: the time against hashing alone, and how much memory grew.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { httpClient } from '../src/http/client.ts'
import type { ChecksumAlgorithm } from '../src/sigv4/checksum.ts'
import { secretDateKeys } from '../src/sigv4/date-key.ts'
import { sigV4Signer } from '../src/sigv4/signer.ts'
import { type Row, time } from './measure.ts'

const piece = Buffer.alloc(1 << 20, 7)
const pieces = 1024
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

const server = `require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

export async function uploadRows(): Promise<Row[]> {
  const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [port] = await once(child.stdout, 'data')
    const url = `http://127.0.0.1:${String(port).trim()}/bucket/key`
    return [await row(url, undefined), await row(url, 'CRC32'), await row(url, 'CRC64NVME')]
  } finally {
    child.kill()
  }
}

async function row(url: string, checksum: ChecksumAlgorithm | undefined): Promise<Row> {
  const before = process.memoryUsage.rss()
  const [taken, peak] = await upload(url, checksum)
  const alone = hashing()
  return {
    what: `upload 1 GiB in signed chunks${checksum === undefined ? '' : `, ${checksum}`}`,
    ours: time(taken),
    compared: `createHash alone ${time(alone)}; memory grew by ${((peak - before) / 1_048_576).toFixed(0)} MiB`,
    target: '',
  }
}

async function upload(
  url: string,
  checksum: ChecksumAlgorithm | undefined,
): Promise<[microseconds: number, peak: number]> {
  const http = httpClient()
  const signer = sigV4Signer({ keys: secretDateKeys(credentials), region: 'us-east-1', service: 's3' })
  let peak = 0
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < pieces; sent++) {
      yield piece
      peak = Math.max(peak, process.memoryUsage.rss())
    }
  }
  const began = performance.now()
  const options = { length: pieces * piece.length, checksum, chunkBytes: piece.length }
  const answer = await http.stream?.(await signer.signChunked({ method: 'PUT', url, body: body() }, options))
  if (answer?.status !== 200) throw new Error(`the upload was answered with ${answer?.status}`)
  for await (const _ of answer.body);
  http.close()
  return [(performance.now() - began) * 1000, peak]
}

function hashing(): number {
  const began = performance.now()
  const sha256 = createHash('sha256')
  for (let sent = 0; sent < pieces; sent++) sha256.update(piece)
  sha256.digest()
  return (performance.now() - began) * 1000
}
