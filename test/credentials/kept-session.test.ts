// The file of a kept session, read strictly, and how much of a session is left.

import { describe, expect, it } from 'vitest'
import {
  formatSession,
  isGoodFor,
  isGoodForTools,
  type KeptSession,
  millisecondsLeft,
  parseSession,
} from '../../src/credentials/kept-session.ts'
import { stamped } from '../../src/files/stamp.ts'

const now = new Date('2026-11-30T12:00:00Z')
const hour = 3_600_000

/** Got now, by a machine that had been up for 1000 seconds, for an hour. */
const session: KeptSession = {
  request: 'key\n{"role":"ü"}',
  credentials: {
    accessKeyId: 'ASIAEXAMPLE',
    secretAccessKey: 'secret/+',
    sessionToken: 'token==',
    expiration: new Date(now.getTime() + hour),
    accountId: '111122223333',
  },
  clockOffset: 0,
  lasts: hour,
  since: 1000,
}
const text = formatSession(session)
const later = (milliseconds: number): Date => new Date(now.getTime() + milliseconds)

describe('the file of a session', () => {
  it('is read as it was written', () => {
    expect(parseSession(text, session.request)).toEqual(session)
    const { accountId: _, ...credentials } = session.credentials
    const other = { ...session, credentials }
    expect(parseSession(formatSession(other), session.request)).toEqual(other)
  })

  it('F-D03: cut at any length is not used', () => {
    for (let length = 0; length < text.length; length++)
      expect(parseSession(text.slice(0, length), session.request)).toBeUndefined()
  })

  it('F-D03: with any one bit flipped is not used', () => {
    const bytes = Buffer.from(text)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(parseSession(flipped.toString(), session.request)).toBeUndefined()
    }
  })

  it('F-D03: of another request is not used', () => {
    expect(parseSession(text, 'key\n{"role":"other"}')).toBeUndefined()
  })

  const members = JSON.parse(text.slice(9))
  it.each([
    ['of another version', { ...members, version: 2 }],
    ['with a member more', { ...members, more: 1 }],
    ['with a number for a secret', { ...members, secretAccessKey: 1 }],
    ['without an end', { ...members, expiration: undefined }],
    ['with an end that is no time', { ...members, expiration: 'soon' }],
    ['that lasts for ever', { ...members, lasts: null }],
    ['in another order', Object.fromEntries(Object.entries(members).reverse())],
    ['that is a list', [members]],
    ['that is null', null],
  ])('F-D03: one %s is not used', (_what, value) => {
    expect(parseSession(stamped(JSON.stringify(value)), session.request)).toBeUndefined()
  })
})

describe('what is left', () => {
  it('is told by the wall clock and by the age alike', () => {
    expect(millisecondsLeft(session, later(600_000), 1600)).toBe(3_000_000)
  })

  it('F-C07: is not more when the clock was set back two days', () => {
    expect(millisecondsLeft(session, later(-48 * hour), 1000 + 3599)).toBe(1000)
    expect(millisecondsLeft(session, later(-48 * hour), 1000 + 3601)).toBeLessThan(0)
  })

  it('F-C08: is nothing when the clock was set forward two days', () => {
    expect(isGoodForTools(session, later(48 * hour), 1010)).toBe(false)
  })

  it('F-C09: is nothing after a sleep past the end', () => {
    expect(isGoodForTools(session, later(2 * hour), 1000 + 7200)).toBe(false)
  })

  it('is judged by the clock of the endpoint where ours is wrong', () => {
    const behind = {
      ...session,
      clockOffset: 20 * 60_000,
      credentials: { ...session.credentials, expiration: later(hour + 20 * 60_000) },
    }
    expect(millisecondsLeft(behind, now, 1000)).toBe(hour)
  })

  it('is nothing on a machine that has not been up for so long', () => {
    expect(millisecondsLeft(session, now, 999)).toBe(0)
  })
})

describe('a session is given', () => {
  it('while 20 minutes are left, or 26', () => {
    const left = (minutes: number): [Date, number] => [later(hour - minutes * 60_000), 1000 + 3600 - minutes * 60]
    expect(isGoodForTools(session, ...left(20))).toBe(true)
    expect(isGoodForTools(session, ...left(19.99))).toBe(false)
    expect(isGoodFor(session, 26 * 60, ...left(26))).toBe(true)
    expect(isGoodFor(session, 26 * 60, ...left(25.99))).toBe(false)
  })

  it('for its first minute, where it is a short one', () => {
    const short = { ...session, lasts: 900_000, credentials: { ...session.credentials, expiration: later(900_000) } }
    expect(isGoodFor(short, 1200, later(59_000), 1059)).toBe(true)
    expect(isGoodFor(short, 1200, later(61_000), 1061)).toBe(false)
    expect(isGoodForTools(short, now, 1000)).toBe(false)
  })
})
