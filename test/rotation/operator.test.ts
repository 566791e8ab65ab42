// What happens around a rotation: clocks that differ, a disk that is full, settings that are changed meanwhile, other keys of the
// user, other records of the key. F-R03, F-R04, F-R12.

import { mkdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { changeRecord, readRecord } from '../../src/profiles/record-store.ts'
import { InProcess } from './in-process.ts'
import { Rotating } from './rotating.ts'

const hour = 3_600_000
const day = 24 * hour
const ending = { graceSeconds: 0 }

let at: InProcess
beforeEach(async () => {
  at = await InProcess.make()
})
afterEach(() => at.close())

describe('a clock', () => {
  it.each([-hour, hour])('that is %i ms off does not make the old key look used after it was retired', async (off) => {
    at.iam.now = () => new Date(at.now().getTime() - off)
    await at.rotate()
    at.later = 9 * day
    expect(await at.rotate({ kind: 'resume' })).toMatchObject({ state: 'ended' })
  })

  it('is looked at to the second by --if-older-than, and one that is behind holds up nobody', async () => {
    at.later = 13 * hour
    const wish = { kind: 'rotate', ifOlderThanSeconds: 12 * 3600 } as const
    expect(await at.rotate(wish, ending)).toMatchObject({ switched: true })
    at.later = -hour
    expect(await at.rotate(undefined, ending)).toMatchObject({ switched: true })
  })
})

describe('F-R03: a rotation whose call was lost', () => {
  it('does not take a key that was made hours later for its own', async () => {
    at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'cut' : undefined)
    await at.failureOf()
    at.iam.fault = () => undefined
    at.later = 5 * hour
    const other = at.iam.addKey(at.now())
    expect(await at.failureOf({ kind: 'resume' })).toMatchObject({ message: /has two access keys already/ })
    expect(at.iam.keys.has(other.accessKeyId)).toBe(true)
  })

  it('finds the one that a run made which went on with it a day later', async () => {
    at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'cut' : undefined)
    await at.failureOf()
    at.later = day
    at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'lost' : undefined)
    await at.failureOf({ kind: 'resume' })
    at.iam.fault = () => undefined
    await at.rotate({ kind: 'resume' }, ending)
    expect([await at.works(), at.iam.keys.size]).toEqual([true, 1])
  })
})

describe('a disk', () => {
  it('F-R04: that takes no journal when the device has the key leaves it neither there nor at AWS', async () => {
    const journal = at.path.replace(/json$/, 'rotation.json')
    at.device.watch = () => {
      if (at.device.keys.size < 2) return
      unlinkSync(journal)
      mkdirSync(journal)
      at.device.watch = () => {}
    }
    at.iam.fault = ({ action }) => {
      if (action === 'DeleteAccessKey') rmdirSync(journal)
      return undefined
    }
    expect(await at.failureOf()).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect([at.device.keys.size, [...at.iam.keys.keys()], at.journal()]).toEqual([1, [at.first], undefined])
  })

  it('where no lock can be made is not taken for another rotation', async () => {
    const stored = { ...(await readRecord(at.path)), path: join(at.folder, 'gone', 'prod.json') }
    const refusal = { code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot be written') as string }
    expect(await at.failureOf(undefined, { stored })).toMatchObject(refusal)
  })
})

describe('settings', () => {
  it('that are changed while the old key waits stay, whether the rotation goes on or back', async () => {
    const change = (roleArn: string) => changeRecord(at.path, (record) => ({ ...record, roleArn }))
    await at.rotate()
    await change('arn:aws:iam::111122223333:role/one')
    await at.rotate({ kind: 'undo' })
    expect((await readRecord(at.path)).record).toMatchObject({ accessKeyId: at.first, roleArn: /one$/ })
    at.iam.unsettledCalls = 15
    await at.failureOf()
    await change('arn:aws:iam::111122223333:role/two')
    await at.rotate({ kind: 'resume' }, ending)
    expect((await readRecord(at.path)).record).toMatchObject({ roleArn: /two$/ })
    expect(await at.works()).toBe(true)
  })

  it('of the overlap that a rotation began with win over the usual one of its device', async () => {
    await at.rotate(undefined, { overlapSeconds: 7 * 86_400, usualOverlapSeconds: 86_400 })
    at.later = 2 * day
    const outcome = await at.rotate(
      { kind: 'rotate', ifOlderThanSeconds: 90 * 86_400 },
      { usualOverlapSeconds: 86_400 },
    )
    expect(outcome).toMatchObject({ state: 'waiting', old: { isActive: true } })
    await at.rotate({ kind: 'undo' })
    await at.rotate(undefined, { usualOverlapSeconds: 86_400 })
    expect(at.journal()).toMatchObject({ state: 'switched', overlapSeconds: 86_400 })
  })
})

describe('a policy without one right', () => {
  const denying = (denied: string): void => {
    at.iam.fault = ({ action }) => (action === denied ? { status: 403, code: 'AccessDenied' } : undefined)
  }

  it.each(['ListAccessKeys', 'CreateAccessKey'])(
    '%s is named before there is anything to go back on',
    async (action) => {
      denying(action)
      expect(await at.failureOf()).toMatchObject({
        code: 'ERR_STS_REFUSED',
        hint: expect.stringContaining(`iam:${action}`),
      })
      expect([await at.works(), at.journal(), at.iam.keys.size, at.device.keys.size]).toEqual([true, undefined, 1, 1])
    },
  )

  it.each(['UpdateAccessKey', 'GetAccessKeyLastUsed', 'DeleteAccessKey'])(
    '%s is named, and how to go on',
    async (action) => {
      denying(action)
      const { code, hint } = (await at.failureOf(undefined, ending)) ?? {}
      expect([code, hint]).toEqual([
        'ERR_ROTATION_STOPPED',
        expect.stringMatching(`iam:${action}; then hardkey rotate prod --resume`),
      ])
      expect([await at.works(), at.device.keys.size]).toEqual([true, 2])
      at.iam.fault = () => undefined
      expect(await at.rotate({ kind: 'resume' }, ending)).toMatchObject({ state: 'ended' })
    },
  )

  it('DeleteAccessKey is named with the key that stays, where the device took none', async () => {
    denying('DeleteAccessKey')
    at.device.watch = () => {
      throw new HardkeyError('ERR_DEVICE_FAILED', 'the device is full')
    }
    const failure = await at.failureOf()
    const [, fresh] = [...at.iam.keys.keys()]
    expect(failure?.message).toContain(`the new access key ${fresh} was not deleted`)
    expect(failure?.hint).toMatch(/iam:DeleteAccessKey; then hardkey rotate prod --resume/)
  })
})

it('a rotation that was taken back is not taken back twice', async () => {
  await at.rotate()
  expect([(await at.rotate({ kind: 'undo' })).state, (await at.rotate({ kind: 'undo' })).state]).toEqual([
    'undone',
    'nothing to resume',
  ])
  expect([await at.works(), await at.inRecord(), at.iam.keys.size]).toEqual([true, at.first, 1])
})

it.each([
  ['deleted', (id: string) => at.iam.keys.delete(id)],
  ['switched off', (id: string) => Object.assign(at.iam.keys.get(id) ?? {}, { active: false })],
])('a new key that somebody has %s at AWS is taken back by the old one, which is active', async (_, end) => {
  await at.rotate(undefined, { overlapSeconds: 3600 })
  end(await at.inRecord())
  expect(await at.rotate({ kind: 'undo' })).toMatchObject({ state: 'undone' })
  const { iam, device, first } = at
  expect([await at.works(), await at.inRecord(), iam.keys.size, device.keys.size]).toEqual([true, first, 1, 1])
})

it('a user that was renamed meanwhile is not taken for a key that is gone', async () => {
  at.iam.fault = ({ action }) =>
    action === 'GetCallerIdentity' && at.iam.keys.size > 1 ? { status: 500, code: 'InternalFailure' } : undefined
  await at.failureOf()
  at.iam.fault = () => undefined
  at.iam.userName = 'renamed'
  expect(await at.failureOf({ kind: 'undo' })).toMatchObject({ serviceCode: 'NoSuchEntity' })
  expect([at.iam.keys.size, at.device.keys.size]).toEqual([2, 2])
  at.iam.userName = 'hk'
  expect(await at.rotate({ kind: 'undo' })).toMatchObject({ state: 'undone' })
  expect([await at.works(), at.iam.keys.size]).toEqual([true, 1])
})

it('another record of the same access key is named, since its key ends', async () => {
  const rotating = await Rotating.make()
  try {
    rotating.home.write('hardkey/keys/escrow.json', rotating.home.read('hardkey/keys/prod.json'))
    const ran = await rotating.rotate('--yes')
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('escrow') })
  } finally {
    await rotating.remove()
  }
})
