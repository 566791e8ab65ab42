// Hashing a body of 1 GiB that comes in parts, against createHash over the same parts.

import { createHash } from 'node:crypto'
import { hashPayload } from '../src/sigv4/payload.ts'
import { compare, type Row, time } from './measure.ts'

const chunk = new Uint8Array(1 << 20).fill(7)
const chunks = 1024

export async function payloadRows(): Promise<Row[]> {
  const plain = (): string => {
    const sha256 = createHash('sha256')
    for (let sent = 0; sent < chunks; sent++) sha256.update(chunk)
    return sha256.digest('hex')
  }
  const contenders = [
    { name: 'hardkey', times: 1, run: () => hashPayload(body()) },
    { name: 'createHash', times: 1, run: plain },
  ]
  const figures = await compare(contenders, { rounds: 3, milliseconds: 1 })
  const percent = (figures.ratio('createHash', 'hardkey') * 100).toFixed(0)
  return [
    {
      what: 'hash a streamed body of 1 GiB',
      ours: time(figures.microseconds('hardkey')),
      compared: `createHash ${time(figures.microseconds('createHash'))}, ${percent} %`,
      target: '90 (97) %',
    },
  ]
}

async function* body(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < chunks; sent++) yield chunk
}
