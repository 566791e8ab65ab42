import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DayCache } from '../../src/sigv4/day-cache.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-24T12:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

function cache(): { cache: DayCache<string>; dropped: string[] } {
  const dropped: string[] = []
  return { cache: new DayCache<string>(Date.now, (value) => dropped.push(value)), dropped }
}

it('drops a value at 00:15 UTC of the next day though nobody asks', () => {
  const { cache: kept, dropped } = cache()
  kept.keep('20261124', 'key of the 24th')
  vi.setSystemTime(new Date('2026-11-25T00:14:59Z'))
  expect(dropped).toEqual([])
  vi.advanceTimersByTime(13 * 3_600_000)
  expect(dropped).toEqual(['key of the 24th'])
})

it('drops what is old at the next use when the machine slept through midnight', () => {
  const { cache: kept, dropped } = cache()
  kept.keep('20261124', 'key of the 24th')
  vi.setSystemTime(new Date('2026-11-27T08:00:00Z'))
  expect(kept.get('20261124', Date.now())).toBeUndefined()
  expect(dropped).toEqual(['key of the 24th'])
})

it('does not keep a value whose day is over', () => {
  expect(cache().cache.keep('20261123', 'key of the 23rd')).toBe(false)
})

it('keeps today and tomorrow side by side, and drops each in its turn', () => {
  const { cache: kept, dropped } = cache()
  kept.keep('20261125', 'key of the 25th')
  kept.keep('20261124', 'key of the 24th')
  vi.advanceTimersByTime(3 * 86_400_000)
  expect(dropped).toEqual(['key of the 24th', 'key of the 25th'])
})

it('leaves no timer behind once everything is dropped', () => {
  const { cache: kept } = cache()
  kept.keep('20261124', 'key of the 24th')
  vi.advanceTimersByTime(3 * 86_400_000)
  expect(vi.getTimerCount()).toBe(0)
})
