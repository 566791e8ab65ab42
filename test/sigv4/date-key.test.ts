import { afterEach, describe, expect, it, vi } from 'vitest'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { countedKey } from './counted-key.ts'

const noon = new Date('2026-11-24T12:00:00Z')
const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

afterEach(() => {
  vi.useRealTimers()
})

describe('how often the device is asked', () => {
  it('asks the device once for 20 callers at the same time, and not again that day', async () => {
    const { key, asked } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    await Promise.all(Array.from({ length: 20 }, () => keys.dateKey('20261124')))
    await keys.dateKey('20261124')
    expect(asked).toEqual(['20261124'])
  })

  it('asks again after the device failed, and tells every waiting caller of the failure', async () => {
    let broken = true
    const { key, asked } = await countedKey(async () => {
      if (broken) throw new Error('unplugged')
    })
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    const first = await Promise.allSettled([keys.dateKey('20261124'), keys.dateKey('20261124')])
    broken = false
    await keys.dateKey('20261124')
    expect({ first: first.map(({ status }) => status), asked }).toEqual({
      first: ['rejected', 'rejected'],
      asked: ['20261124', '20261124'],
    })
  })

  it('asks for each use with keepDateKey false, but once for callers at the same time', async () => {
    const { key, asked } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, keepDateKey: false, now: () => noon })
    await Promise.all([keys.dateKey('20261124'), keys.dateKey('20261124')])
    await keys.dateKey('20261124')
    expect(asked).toHaveLength(2)
  })

  it('F-C05: asks for two dates when requests fall on both sides of midnight', async () => {
    const { key, asked } = await countedKey()
    let now = new Date('2026-11-24T23:59:59.900Z')
    const keys = deviceDateKeys({ key, accessKeyId, now: () => now })
    await Promise.all(Array.from({ length: 500 }, () => keys.dateKey('20261124')))
    now = new Date('2026-11-25T00:00:00.100Z')
    await Promise.all(Array.from({ length: 500 }, () => keys.dateKey('20261125')))
    expect(asked).toEqual(['20261124', '20261125'])
  })

  it('wipes what the device answered', async () => {
    const { key, answers } = await countedKey()
    await deviceDateKeys({ key, accessKeyId, now: () => noon }).dateKey('20261124')
    expect(answers).toEqual([new Uint8Array(32)])
  })
})

describe('a caller who leaves', () => {
  it('gets the reason of its signal at once, while the others get the key', async () => {
    let answer = (): void => {}
    const { key, asked } = await countedKey(() => new Promise((resolve) => (answer = resolve)))
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    const leaving = new AbortController()
    const left = keys.dateKey('20261124', { signal: leaving.signal })
    const stays = keys.dateKey('20261124')
    leaving.abort('enough')
    await expect(left).rejects.toBe('enough')
    answer()
    await expect(stays).resolves.toMatchObject({ type: 'secret' })
    expect(asked).toHaveLength(1)
  })

  it('ends the device call when it was the last one, and the next caller asks anew', async () => {
    const seen: (AbortSignal | undefined)[] = []
    const { key, asked } = await countedKey(async (options) => {
      seen.push(options?.signal)
      if (seen.length === 1) await new Promise((_, reject) => options?.signal?.addEventListener('abort', reject))
    })
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    const leaving = new AbortController()
    const left = keys.dateKey('20261124', { signal: leaving.signal })
    leaving.abort(new Error('enough'))
    await expect(left).rejects.toThrow('enough')
    await keys.dateKey('20261124')
    expect({ ended: seen[0]?.aborted, calls: asked.length }).toEqual({ ended: true, calls: 2 })
  })

  it('makes Node warn of no leak when 50 callers pass the same signal', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    const { key } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 50 }, () => keys.dateKey('20261124', { signal })))
    await new Promise(setImmediate)
    process.off('warning', listen)
    expect(warnings).toEqual([])
  })

  it('takes along every caller who passed the same signal', async () => {
    const { key } = await countedKey(() => new Promise(() => {}))
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    const leaving = new AbortController()
    const left = [1, 2].map(() => keys.dateKey('20261124', { signal: leaving.signal }))
    leaving.abort('enough')
    expect(await Promise.allSettled(left)).toEqual([1, 2].map(() => ({ status: 'rejected', reason: 'enough' })))
  })

  it('does not ask the device when its signal was aborted before', async () => {
    const { key, asked } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    await expect(keys.dateKey('20261124', { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(asked).toEqual([])
  })
})

describe('B-111: the dates that are let through', () => {
  it.each(['20261123', '20261124', '20261125'])('gives the key of %s: yesterday, today, tomorrow', async (date) => {
    const { key } = await countedKey()
    const dateKey = await deviceDateKeys({ key, accessKeyId, now: () => noon }).dateKey(date)
    const expected = await secretDateKeys({ accessKeyId, secretAccessKey }).dateKey(date)
    expect(dateKey.equals(expected)).toBe(true)
  })

  it.each([
    ['two days ahead', '20261126'],
    ['two days ago', '20261122'],
    ['the date that gives the SES SMTP password', '11111111'],
    ['a day that no month has', '20261131'],
    ['text', 'aws4_request'],
    ['a date with more behind it', '20261124\n'],
    ['nothing', ''],
  ])('refuses %s before the device is asked', async (_, date) => {
    const { key, asked } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, now: () => noon })
    await expect(keys.dateKey(date)).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
    expect(asked).toEqual([])
  })

  it.each([
    ['1970-01-01T00:05:00Z', '19700101'],
    ['1901-12-13T20:45:52Z', '19011213'],
    ['2106-02-07T06:28:15Z', '21060207'],
    ['nothing', '20261124'],
  ])('F-C11: refuses every date while the clock says %s', async (clock, date) => {
    const { key, asked } = await countedKey()
    const keys = deviceDateKeys({ key, accessKeyId, now: () => new Date(clock) })
    await expect(keys.dateKey(date)).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
    expect(asked).toEqual([])
  })
})

describe('how long a DateKey is kept', () => {
  it('keeps it until 00:15 UTC of the next day, and not longer', async () => {
    const { key, asked } = await countedKey()
    let now = noon
    const keys = deviceDateKeys({ key, accessKeyId, now: () => now })
    await keys.dateKey('20261124')
    now = new Date('2026-11-25T00:14:59.999Z')
    await keys.dateKey('20261124')
    expect(asked).toHaveLength(1)
    now = new Date('2026-11-25T00:15:00Z')
    await keys.dateKey('20261124')
    expect(asked).toHaveLength(2)
  })

  it('does not use a kept key of tomorrow when the clock goes back two days', async () => {
    const { key } = await countedKey()
    let now = noon
    const keys = deviceDateKeys({ key, accessKeyId, now: () => now })
    await keys.dateKey('20261125')
    now = new Date('2026-11-22T12:00:00Z')
    await expect(keys.dateKey('20261125')).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
  })

  it('F-C12: asks once a day in 30 days of work', async () => {
    const { key, asked } = await countedKey()
    let now = noon
    const keys = deviceDateKeys({ key, accessKeyId, now: () => now })
    for (let hour = 0; hour < 30 * 24; hour++) {
      now = new Date(Date.UTC(2026, 10, 1, hour))
      await keys.dateKey(now.toISOString().slice(0, 10).replaceAll('-', ''))
    }
    expect(asked).toHaveLength(30)
  })
})

describe('what stands in a credential', () => {
  it.each(['', 'AKID/EXAMPLE', 'AKID,EXAMPLE', 'AKID EXAMPLE', 'AKIDEXAMPLÉ'])(
    'refuses the access key ID %j',
    async (id) => {
      const { key } = await countedKey()
      expect(() => deviceDateKeys({ key, accessKeyId: id })).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
      )
    },
  )

  it.each(['', 'a token', 'token\r\nx: y'])('refuses the session token %j, and does not repeat it', (sessionToken) => {
    expect(() => secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })).toThrow(
      'the session token is empty or has',
    )
  })

  it('refuses an empty secret access key', () => {
    expect(() => secretDateKeys({ accessKeyId, secretAccessKey: '' })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID' }),
    )
  })

  it('leaves the bytes of a secret access key to the caller', () => {
    const bytes = new TextEncoder().encode(secretAccessKey)
    secretDateKeys({ accessKeyId, secretAccessKey: bytes })
    expect(new TextDecoder().decode(bytes)).toBe(secretAccessKey)
  })
})
