// When to try again: by code, with jitter, within a budget. F-H01, F-H02, F-H19.

import { describe, expect, it } from 'vitest'
import { failingOf, pauseBefore, RetryBudget } from '../../src/query/retry.ts'

describe('a failure', () => {
  it.each([
    [400, 'Throttling', 'throttled'],
    [400, 'ThrottlingException', 'throttled'],
    [400, 'RequestLimitExceeded', 'throttled'],
    [503, 'SlowDown', 'throttled'],
    [429, undefined, 'throttled'],
    [500, undefined, 'transient'],
    [502, undefined, 'transient'],
    [503, 'ServiceUnavailable', 'transient'],
    [504, undefined, 'transient'],
    [400, 'RequestTimeout', 'transient'],
    [400, 'ValidationError', 'final'],
    [403, 'AccessDenied', 'final'],
    [501, undefined, 'final'],
    [400, 'constructor', 'final'],
  ])('F-H01, F-H02: with HTTP %i and the code %s is %s', (status, code, failing) => {
    expect(failingOf(status, code)).toBe(failing)
  })
})

describe('the pause', () => {
  it('has a bound that doubles, from 100 ms or 500 ms where throttled, to 20 s', () => {
    const longest = (failing: 'transient' | 'throttled'): number[] =>
      [2, 3, 4, 20].map((next) => Math.round(pauseBefore(next, failing, 0.999_999_9, undefined)))
    expect(longest('transient')).toEqual([100, 200, 400, 20_000])
    expect(longest('throttled')).toEqual([500, 1000, 2000, 20_000])
  })

  it('is any part of it, down to none', () => {
    expect(pauseBefore(3, 'transient', 0, undefined)).toBe(0)
    expect(pauseBefore(3, 'transient', 0.5, undefined)).toBe(100)
  })

  it.each([
    ['1', 1000],
    ['60', 5050],
    ['0', 50],
    ['soon', 50],
    ['-1', 50],
    [undefined, 50],
  ])('with Retry-After %s is %i ms', (retryAfter, milliseconds) => {
    expect(pauseBefore(2, 'transient', 0.5, retryAfter)).toBe(milliseconds)
  })
})

describe('the budget in an outage', () => {
  const at = (seconds: number): Date => new Date(1_800_000_000_000 + seconds * 1000)
  const emptied = (): RetryBudget => {
    const budget = new RetryBudget('STS')
    while (budget.take()) budget.failed(at(0), new Error('no answer'))
    return budget
  }

  it('pays for a hundred retries', () => {
    const budget = new RetryBudget('STS')
    let retries = 0
    while (budget.take()) retries += 1
    expect(retries).toBe(100)
  })

  it('then lets one call in 30 s through', () => {
    const budget = emptied()
    expect(() => budget.enter(at(29))).toThrow(expect.objectContaining({ code: 'ERR_STS_UNREACHABLE', tryAgain: true }))
    budget.enter(at(30))
    budget.failed(at(30), new Error('no answer'))
    expect(() => budget.enter(at(31))).toThrow('the last time 1 s ago')
  })

  it('refuses who comes while that one call is under way', () => {
    const budget = emptied()
    budget.enter(at(30))
    expect(() => budget.enter(at(30))).toThrow('STS keeps failing')
  })

  it('lets calls through at once after an answer', () => {
    const budget = emptied()
    budget.answered(0)
    budget.enter(at(1))
    budget.enter(at(1))
  })

  it('does not stop calls when the clock was set back', () => {
    emptied().enter(at(-3600))
  })
})
