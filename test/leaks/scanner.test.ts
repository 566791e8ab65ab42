// The scanner itself: it finds a secret in every form and place, one copy once, and does not find itself.

import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { Scanner } from './scanner.ts'

const secret = Buffer.from('q+V7mE0cPzW3sKf9XnT2bLr8YhJd5GuAo1RiBt/6')
const scanner = new Scanner({ secret })
const xored = (pad: number): Buffer => Buffer.alloc(64, pad).map((byte, at) => byte ^ (secret[at] ?? 0)) as Buffer
const behind = (count: number): Buffer => Buffer.concat([Buffer.alloc(count, 1), secret, Buffer.alloc(3, 2)])
const hex = secret.toString('hex')

const forms: readonly (readonly [string, Uint8Array | string])[] = [
  ['as it is', secret],
  ['cut to 16 bytes of its middle', secret.subarray(11, 27)],
  ['in UTF-16', Buffer.from(secret.toString(), 'utf16le')],
  ['in hex', hex],
  ['in capital hex', hex.toUpperCase()],
  ['as a Buffer is inspected', inspect(secret)],
  ['as bytes turned into a string', String(Uint8Array.from(secret))],
  ['as a Buffer in JSON', JSON.stringify(secret)],
  ['in base64', secret.toString('base64')],
  ['in base64 one byte later', behind(1).toString('base64')],
  ['in base64 two bytes later', behind(2).toString('base64')],
  ['in base64url', secret.toString('base64url')],
  ['in base64url one byte later', behind(1).toString('base64url')],
  ['in base64url two bytes later', behind(2).toString('base64url')],
  ['in a URL', encodeURIComponent(secret.toString())],
  ['in percent codes throughout', hex.replaceAll(/../g, '%$&')],
  ['in JSON with slashes escaped', secret.toString().replace('/', '\\/')],
  ['reversed', Buffer.from(secret).reverse()],
  ['as the inner block of HMAC', xored(0x36)],
  ['as the outer block of HMAC', xored(0x5c)],
]

it.each(forms)('finds a secret %s, amid other bytes, once', (_, form) => {
  const bytes = Buffer.concat([randomBytes(1000), Buffer.from(form as string), randomBytes(1000)])
  expect(scanner.search(bytes).map((hit) => hit.item)).toEqual(['secret'])
})

it('finds two copies side by side', () => {
  const copies = Buffer.concat([Buffer.alloc(1), secret, Buffer.alloc(1), secret])
  expect(scanner.search(copies).map((hit) => hit.at)).toEqual([1, 42])
})

it('finds bytes that are no text in the forms of a text', () => {
  const key = Buffer.concat([Buffer.from([0xff, 0xe9]), randomBytes(30)])
  const binary = new Scanner({ key })
  for (const text of [key.toString('latin1'), JSON.stringify(key.toString('latin1'))]) {
    expect(binary.search(Buffer.from(text, 'latin1')).length).toBeGreaterThan(0)
  }
})

it('finds nothing in random bytes, nor 15 bytes of a secret', () => {
  expect(scanner.search(randomBytes(1 << 20))).toEqual([])
  expect(scanner.search(secret.subarray(0, 15))).toEqual([])
})

it('does not find itself', () => {
  const needles = [Buffer.from(inspect(scanner, { showHidden: true, depth: 10 })), serialize({ ...scanner })]
  expect(needles.flatMap((bytes) => scanner.search(bytes))).toEqual([])
})
