// The token and how it is compared.

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { CallerToken, isToken, newToken } from '../../src/endpoint/caller-token.ts'

vi.mock(import('node:crypto'), async (original) => {
  const real = await original()
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual) }
})

it('has 256 bits, in characters that need no quotes anywhere', () => {
  expect(newToken(() => new Uint8Array(32).fill(255))).toBe(`${'_'.repeat(42)}8`)
  expect(isToken(newToken(randomBytes))).toBe(true)
  expect(newToken(randomBytes)).not.toBe(newToken(randomBytes))
})

it('is known again, and no other text is', () => {
  const token = newToken(randomBytes)
  const caller = new CallerToken(token)
  expect(caller.matches(token)).toBe(true)
  const other = token.endsWith('A') ? 'B' : 'A'
  const near = [`${token.slice(0, -1)}${other}`, token.slice(1), ` ${token}`, `${token}\n`]
  for (const text of [undefined, '', ...near, newToken(randomBytes)]) {
    expect(caller.matches(text)).toBe(false)
  }
})

it('is worth nothing once it was replaced', () => {
  const [token, next] = [newToken(randomBytes), newToken(randomBytes)]
  const caller = new CallerToken(token)
  caller.replace(next)
  expect([caller.matches(token), caller.matches(next)]).toEqual([false, true])
})

it.each(['', 'short', `${'A'.repeat(42)}=`, 'A'.repeat(44)])('%j is none', (text) => {
  expect(() => new CallerToken(text)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
})

it('L-12: every text of its length is compared whole and once, in constant time, wherever it differs', () => {
  const token = newToken(randomBytes)
  const caller = new CallerToken(token)
  for (const equal of Array.from(token, (_, index) => index)) {
    const text = wrongAt(token, equal)
    const compared = comparisons(() => expect(caller.matches(text)).toBe(false))
    expect(compared).toEqual([[text, token]])
  }
  expect(comparisons(() => caller.matches(token))).toEqual([[token, token]])
})

it('L-12: the same look finds a comparison that ends at the first difference', () => {
  const token = newToken(randomBytes)
  const text = wrongAt(token, 0)
  expect(comparisons(() => [...token].every((character, at) => text[at] === character))).toEqual([])
})

/** Another text of the same length, which differs at one place alone. */
function wrongAt(token: string, place: number): string {
  return `${token.slice(0, place)}${token[place] === 'x' ? 'y' : 'x'}${token.slice(place + 1)}`
}

/** What was given to timingSafeEqual meanwhile, as texts. Its own time is Node's promise; npm run bench measures ours. */
function comparisons(compare: () => unknown): string[][] {
  const given: string[][] = []
  vi.mocked(timingSafeEqual).mockImplementation((one, other) => {
    given.push([one, other].map((bytes) => Buffer.from(bytes as Uint8Array).toString('latin1')))
    return Buffer.compare(one as Uint8Array, other as Uint8Array) === 0
  })
  compare()
  vi.mocked(timingSafeEqual).mockReset()
  return given
}
