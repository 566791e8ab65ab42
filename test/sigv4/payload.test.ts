import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { bodyHash, hashPayload } from '../../src/sigv4/payload.ts'

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

it.each([undefined, '', new Uint8Array()])('knows the hash of nothing: %j', (body) => {
  expect(bodyHash(body)).toBe(sha256(''))
})

it('hashes only the part of a buffer that a view shows', () => {
  const view = new TextEncoder().encode('abcdef').subarray(2, 4)
  expect(bodyHash(view)).toBe(sha256('cd'))
})

it('hashes a stream in parts as the whole', async () => {
  const parts = [new Uint8Array(70_000).fill(1), new Uint8Array(), new Uint8Array([2])]
  expect(await hashPayload(Readable.from(parts))).toBe(sha256(Buffer.concat(parts)))
})
