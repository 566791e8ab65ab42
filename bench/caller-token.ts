// Whether the time of a comparison tells how much of a text is right (L-12): the endpoint's token against texts that are equal
// for 0, 16 and 31 characters, and beside it a comparison that ends at the first difference. Out: a row, with the largest t of
// Welch between any two; below 4.5 there is no difference to be seen.

import { randomBytes } from 'node:crypto'
import { CallerToken, newToken } from '../src/endpoint/caller-token.ts'
import type { Row } from './measure.ts'

export function callerTokenRows(repeats: number): Row[] {
  const token = newToken(randomBytes)
  const texts = [0, 16, 31].map((equal) => wrongAfter(token, equal))
  const early = { matches: (given: string): boolean => [...token].every((character, at) => given[at] === character) }
  // What differs by chance alone differs otherwise the next time; a leak is there every time.
  const least = (comparison: Comparison, count: number): string =>
    Math.min(...[1, 2, 3].map(() => largestDifference(comparison, texts, count))).toFixed(1)
  return [
    {
      what: `comparison of the endpoint's token, Welch t of ${repeats} calls`,
      ours: least(new CallerToken(token), repeats),
      compared: `one that ends at the first difference ${least(early, repeats / 100)}`,
      target: '< 4.5',
    },
  ]
}

/** Another text of the same length, equal up to a place; each is one flat string, since a rope is read more slowly. */
function wrongAfter(token: string, equal: number): string {
  const rest = token.slice(equal).replace(/./g, (character) => (character === 'x' ? 'y' : 'x'))
  return Buffer.from(token.slice(0, equal) + rest).toString('latin1')
}

interface Comparison {
  matches(given: string): boolean
}

/** Between any two of the texts, measured in turn so that other work meets all alike. */
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
