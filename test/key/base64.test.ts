// Base64 between buffers, against Node's own.

import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { base64Decoded, base64Encoded } from '../../src/key/base64.ts'

it('encodes and decodes every length as Node does', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = randomBytes(length)
    const text = bytes.toString('base64')
    expect(Buffer.from(base64Encoded(bytes)).toString()).toBe(text)
    if (length > 0) expect(base64Decoded(Buffer.from(text))).toEqual(new Uint8Array(bytes))
  }
})

it.each(['', 'A', 'AA', 'AAA', 'AA=A', 'A===', '====', 'AB==', 'AAB=', 'AA-_', 'AAAA\n', ' AAA', 'AAA=AAA=', 'é=='])(
  'refuses "%s"',
  (text) => {
    expect(base64Decoded(Buffer.from(text))).toBeUndefined()
  },
)
