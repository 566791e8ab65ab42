// The token and how it is compared.

import { randomBytes } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { CallerToken, isToken, newToken } from '../../src/endpoint/caller-token.ts'

vi.setConfig({ testTimeout: 1_200_000 })

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

const repeats = process.env.TEST_LONG === '1' ? 1_000_000 : 50_000

it('L-12: takes as long for a text that begins like the token as for any other', () => {
  const token = newToken(randomBytes)
  const caller = new CallerToken(token)
  const others = [0, 16, 31].map((equal) => wrongAfter(token, equal))
  // What differs by chance alone differs otherwise the next time; a leak is there every time.
  const worst = [1, 2, 3].map(() => largestDifference(caller, others, repeats))
  process.stdout.write(
    `L-12: |t| of ${repeats} comparisons each, 0, 16, 31 equal: ${worst.map((t) => t.toFixed(2)).join(', ')}\n`,
  )
  expect(Math.min(...worst)).toBeLessThan(4.5)
})

it('L-12: the same test finds a comparison that ends at the first difference', () => {
  const token = newToken(randomBytes)
  const others = [0, 16, 31].map((equal) => wrongAfter(token, equal))
  const early = { matches: (given: string): boolean => [...token].every((character, at) => given[at] === character) }
  const found = [1, 2, 3].map(() => largestDifference(early, others, 10_000))
  expect(Math.max(...found)).toBeGreaterThan(4.5)
})

/** Another text of the same length, equal up to a place. */
function wrongAfter(token: string, equal: number): string {
  const rest = token.slice(equal).replace(/./g, (character) => (character === 'x' ? 'y' : 'x'))
  return token.slice(0, equal) + rest
}

interface Comparison {
  matches(given: string): boolean
}

/** The largest |t| of Welch between any two of the texts, measured in turn so that other work meets all alike. */
function largestDifference(comparison: Comparison, texts: readonly string[], repeats: number): number {
  const times = texts.map(() => new Float64Array(repeats))
  for (let repeat = -20_000; repeat < repeats; repeat += 1) {
    // Another one comes first each time: the first may find a colder cache.
    for (let turn = 0; turn < texts.length; turn += 1) {
      const at = (turn + repeat + 20_001) % texts.length
      const before = process.hrtime.bigint()
      comparison.matches(texts[at] ?? '')
      const taken = Number(process.hrtime.bigint() - before)
      if (repeat >= 0) times[at]?.fill(taken, repeat, repeat + 1)
    }
  }
  const samples = times.map(withoutOutliers)
  const pairs = samples.flatMap((one, index) => samples.slice(index + 1).map((other) => Math.abs(welch(one, other))))
  return Math.max(...pairs)
}

/** Below the 90th percentile: what the system did meanwhile says nothing of the comparison. */
function withoutOutliers(times: Float64Array): Float64Array {
  return times.toSorted().subarray(0, Math.floor(times.length * 0.9))
}

function welch(one: Float64Array, other: Float64Array): number {
  const [a, b] = [one, other].map((sample) => {
    const mean = sample.reduce((sum, time) => sum + time, 0) / sample.length
    const variance = sample.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (sample.length - 1)
    return { mean, spread: variance / sample.length }
  })
  if (a === undefined || b === undefined) throw new Error('two samples are compared')
  return (a.mean - b.mean) / Math.sqrt(a.spread + b.spread)
}
