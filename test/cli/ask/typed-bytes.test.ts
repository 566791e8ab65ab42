// Keys as a terminal sends them, in any chunks.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { typedBytes } from '../../../src/cli/ask/typed-bytes.ts'

/** What a person gets for these keys, sent one after another. */
function typing(...chunks: string[]): string {
  const typed = typedBytes(true)
  for (const chunk of chunks) {
    const outcome = typed.take(Buffer.from(chunk))
    if (outcome === 'answered') return Buffer.from(typed.answer()).toString('utf8')
    if (outcome === 'interrupted') return 'interrupted'
  }
  return 'nothing yet'
}

describe('a hidden answer', () => {
  it.each([
    ['plain text', ['abc\r'], 'abc'],
    ['text in pieces', ['a', 'b', 'c', '\n'], 'abc'],
    ['a line that ends as on Windows', ['abc\r\n'], 'abc'],
    ['backspace', ['abx\u007fc\r'], 'abc'],
    ['backspace over a letter of two bytes', ['abé\u0008c\r'], 'abc'],
    ['backspace at the start', ['\u007fabc\r'], 'abc'],
    ['^U', ['wrong\u0015abc\r'], 'abc'],
    ['^W', ['wrong\u0017abc\r'], 'abc'],
    ['arrow keys', ['a\u001b[Db\u001b[1;5Cc\u001bOP\r'], 'abc'],
    ['an arrow key in two pieces', ['ab\u001b', '[Dc\r'], 'abc'],
    ['other control characters', ['a\u0001b\u0000c\r'], 'abc'],
    ['^D as an end', ['abc\u0004'], 'abc'],
    ['nothing at all', ['\r'], ''],
    ['^C', ['abc\u0003'], 'interrupted'],
  ])('reads %s', (_, chunks, answer) => {
    expect(typing(...chunks)).toBe(answer)
  })

  it('B-005: is refused where a second line was pasted with it', () => {
    expect(() => typing('abc\rdef\r')).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID' }))
  })

  it('is refused where it is longer than any secret', () => {
    expect(() => typing('x'.repeat(5000))).toThrow(expect.objectContaining({ code: 'ERR_SECRET_INVALID' }))
  })

  it('is the same however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 60 }), (bytes, at) => {
        const plain = Buffer.from(bytes.filter((byte) => byte >= 0x20 && byte !== 0x7f))
        const whole = typedBytes(true)
        const pieces = typedBytes(true)
        whole.take(plain)
        for (const part of [plain.subarray(0, at), plain.subarray(at)]) pieces.take(part)
        expect(pieces.answer()).toEqual(whole.answer())
      }),
    )
  })

  it('is gone after wiping', () => {
    const typed = typedBytes(true)
    typed.take(Buffer.from('secret'))
    typed.wipe()
    expect(typed.answer()).toHaveLength(0)
  })
})
