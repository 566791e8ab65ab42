// A clock that is wrong, corrected by what answers show. F-C01 to F-C03.

import { describe, expect, it } from 'vitest'
import { clockDifference, EndpointClock, isCorrected } from '../../src/query/skew.ts'

const at = (seconds: number): Date => new Date(1_800_000_000_000 + seconds * 1000)
const minute = 60_000

describe('the difference of the clocks', () => {
  it('F-C01: is taken against the middle of sending and receiving', () => {
    const headers = { date: at(1200).toUTCString() }
    expect(clockDifference(headers, { sent: at(0), received: at(4) })).toBe(1_198_000)
  })

  it.each([[{}], [{ date: 'not a date' }], [{ date: at(0).toUTCString(), age: '60' }]])(
    'is unknown from %j',
    (headers) => {
      expect(clockDifference(headers, { sent: at(0), received: at(0) })).toBeUndefined()
    },
  )
})

describe('the clock of an endpoint', () => {
  it.each([
    [20 * minute, 20 * minute],
    [-20 * minute, -20 * minute],
    [4 * minute, 4 * minute],
    [24 * 60 * minute, 24 * 60 * minute],
    [4 * minute - 1, 0],
    [24 * 60 * minute + 1, 0],
    [365 * 24 * 60 * minute, 0],
    [undefined, 0],
  ])('F-C02: with a difference of %j ms is corrected by %i', (difference, offset) => {
    const clock = new EndpointClock(() => at(0))
    clock.learn(difference)
    expect(clock.now().getTime() - at(0).getTime()).toBe(offset)
  })

  it('F-C02: stays within yesterday, today and tomorrow of the local clock', () => {
    for (const local of ['2026-11-24T00:00:00Z', '2026-11-24T23:59:59.999Z']) {
      for (const day of [-1, 1]) {
        const clock = new EndpointClock(() => new Date(local))
        clock.learn(day * 24 * 60 * minute)
        expect(Math.abs(Math.floor(clock.now().getTime() / 86_400_000) - 20_781)).toBeLessThanOrEqual(1)
      }
    }
  })

  it('F-C03: is right again after an answer shows that the local clock was set', () => {
    const clock = new EndpointClock(() => at(0))
    clock.learn(20 * minute)
    clock.learn(1000)
    expect(clock.offset).toBe(0)
  })

  it('makes another try worth while after a correction only', () => {
    const clock = new EndpointClock(() => at(0))
    expect(isCorrected(clock, 0)).toBe(false)
    clock.learn(20 * minute)
    expect(isCorrected(clock, 0)).toBe(true)
    expect(isCorrected(clock, 20 * minute)).toBe(false)
  })
})
