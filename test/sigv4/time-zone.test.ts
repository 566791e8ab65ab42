// The time zone of the process: no date or time of a signature depends on it (F-C10).

import { afterAll, expect, it } from 'vitest'
import { startOfDate, timeText } from '../../src/sigv4/date-window.ts'

const before = process.env.TZ
afterAll(() => {
  if (before === undefined) delete process.env.TZ
  else process.env.TZ = before
})

it.each(['Pacific/Kiritimati', 'America/Los_Angeles', 'Europe/Berlin', 'Nowhere/Invalid'])(
  'F-C10: signs the same date and time in %s, also in the hour that summer time leaves out',
  (zone) => {
    process.env.TZ = zone
    expect(timeText(Date.UTC(2026, 2, 29, 1, 30))).toBe('20260329T013000Z')
    expect(startOfDate('20260329')).toBe(Date.UTC(2026, 2, 29))
  },
)
