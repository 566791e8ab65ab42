// What a rotation does about time, about other keys and about what AWS refuses: F-R03 to F-R08, F-R12.

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRecord } from '../../src/profiles/record-store.ts'
import { InProcess } from './in-process.ts'

let at: InProcess
beforeEach(async () => {
  at = await InProcess.make()
})
afterEach(() => at.close())

const day = 86_400_000
const denied = { status: 403, code: 'AccessDenied' } as const

describe('a new key', () => {
  it('F-R05: is waited for while IAM does not know it, and the old one stays', async () => {
    at.iam.unsettledCalls = 12
    let activeMeanwhile = false
    const onWait = (): void => {
      activeMeanwhile = at.iam.active().includes(at.first)
    }
    await at.rotate(undefined, { onWait })
    expect([activeMeanwhile, at.slept > 60_000 && at.slept <= 90_000, await at.works()]).toEqual([true, true, true])
  })

  it('F-R05: that IAM still refuses after 90 s is kept for --resume', async () => {
    at.iam.unsettledCalls = 15
    expect(await at.failureOf()).toMatchObject({ code: 'ERR_ROTATION_STOPPED', serviceCode: 'InvalidClientTokenId' })
    expect([at.slept, at.journal()?.state, at.iam.active().includes(at.first)]).toEqual([90_000, 'in device', true])
    await at.rotate({ kind: 'resume' })
    expect(await at.works()).toBe(true)
  })

  it('F-R04: that the device refuses is deleted at AWS again', async () => {
    at.device.refuses = true
    expect(await at.failureOf()).toMatchObject({ code: 'ERR_DEVICE_FAILED' })
    expect([at.iam.active(), at.journal(), at.device.keys.size]).toEqual([[at.first], undefined, 1])
  })

  it('F-R04: that cannot be deleted either is named, and deleted by the next run', async () => {
    at.device.refuses = true
    at.iam.fault = ({ action }) => (action === 'DeleteAccessKey' ? denied : undefined)
    const failure = await at.failureOf()
    const [, made = ''] = [...at.iam.keys.keys()]
    expect(failure?.message).toContain(`the new access key ${made} was not deleted`)
    expect(failure?.hint).toMatch(/iam:DeleteAccessKey.*hardkey rotate prod --resume/)
    at.device.refuses = false
    at.iam.fault = () => undefined
    await at.rotate({ kind: 'resume' }, { graceSeconds: 0 })
    expect([at.iam.keys.has(made), at.iam.keys.size, await at.works()]).toEqual([false, 1, true])
  })
})

describe('the old key', () => {
  it('F-R08: stays active where it may not be switched off, and the right is named', async () => {
    at.iam.fault = ({ action }) => (action === 'UpdateAccessKey' ? denied : undefined)
    expect(await at.failureOf()).toMatchObject({
      code: 'ERR_ROTATION_STOPPED',
      hint: expect.stringMatching(/must allow iam:UpdateAccessKey; then hardkey rotate prod --resume/),
    })
    expect([at.iam.active().length, await at.works(), at.device.keys.size]).toEqual([2, true, 2])
  })

  it('stays active as long as was asked for, then inactive, then goes', async () => {
    const times = { overlapSeconds: 7 * 86_400, graceSeconds: 3 * 86_400 }
    const begun = await at.rotate(undefined, times)
    expect([begun.state, at.iam.active().length, at.asked]).toEqual(['waiting', 2, []])
    at.later = 6 * day
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'waiting', old: { isActive: true } })
    at.later = 8 * day
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'waiting', old: { isActive: false } })
    at.later = 10 * day
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'waiting' })
    at.later = 12 * day
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'ended' })
    expect([[...at.iam.keys.keys()], at.device.keys.size]).toEqual([[await at.inRecord()], 1])
  })

  it('F-R12: is deleted a year later only after a look', async () => {
    await at.rotate()
    at.later = 365 * day
    const seen = at.iam.calls.length
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'ended' })
    expect(at.iam.actions().slice(seen)).toEqual(['ListAccessKeys', 'GetAccessKeyLastUsed', 'DeleteAccessKey'])
    expect(at.asked.at(-1)).toMatchObject({ about: 'delete', accessKeyId: at.first })
  })

  it.each([
    ['was made active again', { active: true }],
    ['was used', { used: { date: new Date(Date.now() + day), service: 's3' } }],
  ])('F-R12: is not deleted where it %s meanwhile', async (words, change) => {
    await at.rotate()
    at.later = 365 * day
    Object.assign(at.iam.keys.get(at.first) ?? {}, change)
    expect(await at.failureOf({ kind: 'resume' })).toMatchObject({ message: expect.stringContaining(words) })
    expect([at.iam.keys.has(at.first), at.device.keys.size]).toEqual([true, 2])
  })

  it('is kept where the person does not want it deleted', async () => {
    await at.rotate()
    at.later = 30 * day
    expect(await at.rotate({ kind: 'resume' }, { confirm: async () => false })).toMatchObject({ state: 'declined' })
    expect(at.iam.keys.has(at.first)).toBe(true)
  })
})

describe('each run', () => {
  it('ends an earlier rotation first, so that the limit of two keys never blocks a timer', async () => {
    await at.rotate()
    const second = await at.inRecord()
    at.later = 91 * day
    const outcome = await at.rotate({ kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 })
    expect([outcome.state, outcome.switched, at.iam.keys.has(at.first)]).toEqual(['waiting', true, false])
    expect([...at.iam.keys.keys()]).toEqual([second, await at.inRecord()])
  })

  it('does nothing while the key is not due, and asks AWS once when it made the key', async () => {
    Object.assign(at.iam.keys.get(at.first) ?? {}, { created: at.now() })
    at.later = 89 * day
    const wish = { kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 } as const
    expect(await at.rotate(wish)).toMatchObject({ state: 'not due', record: { made: expect.any(String) } })
    expect(at.iam.actions()).toEqual(['GetCallerIdentity', 'ListAccessKeys'])
    expect(await at.rotate(wish)).toMatchObject({ state: 'not due' })
    expect(at.iam.calls.length).toBe(2)
  })

  it('counts from the day when AWS made the key, which the record keeps on the way forth and back', async () => {
    const wish = { kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 } as const
    expect(await at.rotate(wish)).toMatchObject({ state: 'waiting', switched: true })
    const made = await readRecord(at.path)
    expect(made.record.made).toBe(made.record.created)
    await at.rotate({ kind: 'undo' })
    expect((await readRecord(at.path)).record.made).toBe('2026-01-02T03:04:05Z')
  })

  it('counts from the check-in where AWS cannot be asked, and says why', async () => {
    at.iam.fault = () => denied
    const told: string[] = []
    const onAgeUnknown = ({ message }: Error): void => void told.push(message)
    const outcome = await at.rotate({ kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 }, { onAgeUnknown })
    expect([outcome.state, told]).toEqual(['not due', [expect.stringContaining('AccessDenied')]])
  })

  it('waits in silence for an old key whose time has not come', async () => {
    await at.rotate()
    at.later = day
    const [calls, pins] = [at.iam.calls.length, at.device.calls.pin]
    expect(await at.rotate({ kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 })).toMatchObject({ state: 'waiting' })
    expect([at.iam.calls.length, at.device.calls.pin]).toEqual([calls, pins])
  })

  it('begins no second rotation before the first is over, and says how to end it', async () => {
    await at.rotate()
    expect(await at.failureOf()).toMatchObject({
      message: /the earlier rotation of "prod" is not over: AKIA.* stays inactive until/,
      hint: 'hardkey rotate prod --resume --grace 0 ends it now',
    })
  })

  it('F-R07: refuses while another one is under way', async () => {
    let second: unknown
    await at.rotate(undefined, {
      confirm: async () => {
        second = await at.failureOf()
        return true
      },
    })
    expect(second).toMatchObject({ code: 'ERR_ROTATION_STOPPED', message: 'another rotation of "prod" is under way' })
    expect(await at.works()).toBe(true)
  })

  it('says what ends with the old key before anything is done', async () => {
    expect(await at.rotate(undefined, { confirm: async () => false })).toMatchObject({ state: 'declined' })
    expect([at.journal(), at.iam.calls]).toEqual([undefined, []])
  })
})

describe('a user with two keys', () => {
  it('gets no third: both are named with age and last use, and the way out', async () => {
    const other = at.iam.addKey(new Date(Date.now() - 100 * day))
    const failure = await at.failureOf()
    expect(failure?.message).toMatch(
      new RegExp(`${at.first} \\(the key of prod, active, made \\d+ days ago, last used today by iam in us-east-1\\)`),
    )
    expect(failure?.message).toContain(`${other.accessKeyId} (another key, active, made 100 days ago, never used)`)
    expect(failure?.hint).toContain(`delete-access-key --user-name hk --access-key-id ${other.accessKeyId}`)
    expect([at.iam.active().length, at.journal()]).toEqual([2, undefined])
  })
})

describe('MFA', () => {
  it('opens one session with one code for all calls of IAM', async () => {
    at.iam.wantsMfa = true
    let asked = 0
    const tokenCode = async (): Promise<string> => {
      asked += 1
      return '123456'
    }
    await at.rotate(undefined, { mfa: async () => ({ serialNumber: 'arn:aws:iam::111122223333:mfa/hk', tokenCode }) })
    expect([asked, await at.works(), at.iam.active()]).toEqual([1, true, [await at.inRecord()]])
  })

  it('that is missing stops before a key is made', async () => {
    at.iam.wantsMfa = true
    expect(await at.failureOf()).toMatchObject({ serviceCode: 'AccessDenied' })
    expect([at.iam.active(), at.iam.given]).toEqual([[at.first], []])
  })
})

it('keeps no secret in the journal, and gives it to nobody', async () => {
  await at.rotate()
  const journal = readFileSync(at.path.replace(/json$/, 'rotation.json'), 'utf8')
  expect(at.iam.given.some((secret) => journal.includes(secret))).toBe(false)
  expect(at.keep().files.size).toBe(2)
})

it('refuses a record that is of neither key of the journal', async () => {
  const before = at.keep()
  await at.rotate()
  const other = at.iam.addKey()
  const text = before.files.get('prod.json')?.toString().replace(at.first, other.accessKeyId) ?? ''
  at.bringBack({ ...at.keep(), files: new Map([...at.keep().files, ['prod.json', Buffer.from(text)]]) })
  expect(await at.failureOf({ kind: 'resume' })).toMatchObject({
    message: /rotation\.json is of AKIA.* and the record of/,
  })
})
