// The days that a policy pins, there and back.

import { describe, expect, it } from 'vitest'
import { allowedPeriod, lastAllowedDay, monthInput, monthsFrom } from '../../../src/backends/vault/period.ts'
import { narrowPolicy } from '../../../src/backends/vault/policy.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('months', () => {
  it('are those of the moment on, over the end of a year, in UTC', () => {
    expect(monthsFrom(new Date('2026-11-30T23:59:59Z'), 3)).toEqual(['2026-11', '2026-12', '2027-01'])
    expect(monthsFrom(new Date('2026-12-31T23:30:00-01:00'), 1)).toEqual(['2027-01'])
  })

  it('are pinned by a prefix of base64 that every day of them has', () => {
    expect(monthInput('2026-11')).toBe('MjAyNjEx*')
    for (const day of ['20261101', '20261130']) expect(base64(day).startsWith('MjAyNjEx')).toBe(true)
    for (const day of ['20261201', '20251101', '11111111']) expect(base64(day).startsWith('MjAyNjEx')).toBe(false)
  })
})

describe('a pinned period', () => {
  it.each([
    [['MjAyNjEx*', 'MjAyNjEy*'], '2026-11 to 2026-12', '2026-12-31'],
    [['MjAyNjEx*', 'MjAyNzAx*'], '2026-11, 2027-01', '2027-01-31'],
    [['MjAyNj*'], '2026', '2026-12-31'],
    [[base64('20150830')], '2015-08-30', '2015-08-30'],
    [['20240228', '20240229', '20240301'].map(base64), '2024-02-28 to 2024-03-01', '2024-03-01'],
    [[base64('hardkey check 1'), 'MjAyNjAy*'], '2026-02', '2026-02-28'],
    [[base64('hardkey check 1')], 'no day at all', undefined],
    [['***', '', 'é'], 'no day at all', undefined],
  ])('of %j is %s', (inputs, words, last) => {
    expect(allowedPeriod(inputs)).toBe(words)
    expect(lastAllowedDay(inputs)).toBe(last)
  })
})

it('a policy pins the period and the labels, and allows nothing else with the key', () => {
  const uri = KeyUri.of('vault', { key: 'aws', mount: 'team/transit' }, { address: 'https://a' })
  const from = new Date('2026-11-24T17:20:00Z')
  const { name, text, period } = narrowPolicy(uri, { from, months: 2, labels: [Buffer.from('hardkey check 1')] })
  expect([name, period]).toEqual(['hardkey-aws', '2026-11 to 2026-12'])
  expect(text).toContain('path "team/transit/hmac/aws/sha2-256" {')
  expect(text).toContain('"input" = ["MjAyNjEx*", "MjAyNjEy*", "aGFyZGtleSBjaGVjayAx"]')
  expect(text.match(/team\/transit\/[^"]*/g)).toEqual(['team/transit/hmac/aws/sha2-256', 'team/transit/keys/aws'])
})
