// A rotation in which one call fails, whichever and however: a key in the device works all the time, --resume ends with the
// new key alone, --undo with the old one alone, at AWS and in the device. F-R02, F-R03.

import { chmodSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IamFault } from '../iam/loopback-iam.ts'
import { InProcess } from './in-process.ts'

let at: InProcess
beforeEach(async () => {
  at = await InProcess.make()
})
afterEach(() => at.close())

const actions = [
  'GetCallerIdentity',
  'ListAccessKeys',
  'CreateAccessKey',
  'UpdateAccessKey',
  'GetAccessKeyLastUsed',
  'DeleteAccessKey',
] as const
const faults: readonly (readonly [string, IamFault])[] = [
  ['whose answer is lost', 'lost'],
  ['that never arrives', 'cut'],
  ['that is denied', { status: 403, code: 'AccessDenied' }],
  ['that is throttled', { status: 400, code: 'Throttling' }],
  ['answered with 500', { status: 500, code: 'InternalFailure' }],
]
const cases = actions.flatMap((action) =>
  [1, 2].flatMap((which) => faults.map(([words, fault]) => [action, which, words, fault] as const)),
)

/** From its `which`th call on, all calls of this action fail until `heal`. */
function failing(action: string, which: number, fault: IamFault): () => void {
  let seen = 0
  at.iam.fault = (call) => {
    if (call.action !== action) return undefined
    seen += 1
    return seen >= which ? fault : undefined
  }
  return () => {
    at.iam.fault = () => undefined
  }
}

/** AWS and the device have this one key and no other. */
function holdsOnly(id: string): void {
  expect([[...at.iam.keys.keys()], at.iam.active(), at.device.keys.size]).toEqual([[id], [id], 1])
  expect(at.journal()).toBe(undefined)
}

describe('F-R02, F-R03: a rotation', () => {
  it.each(cases)('with a %s (%i) %s ends with one key when it is resumed', async (action, which, _, fault) => {
    const heal = failing(action, which, fault)
    await at.failureOf({ kind: 'rotate' }, { graceSeconds: 0 })
    expect(await at.works()).toBe(true)
    heal()
    const { state } = await at.rotate({ kind: 'resume' }, { graceSeconds: 0 })
    if (state === 'nothing to resume' && (await at.inRecord()) === at.first)
      await at.rotate(undefined, { graceSeconds: 0 })
    expect(await at.works()).toBe(true)
    expect(await at.inRecord()).not.toBe(at.first)
    holdsOnly(await at.inRecord())
  })

  it.each(cases)('with a %s (%i) %s ends with the old key when it is taken back', async (action, which, _, fault) => {
    const heal = failing(action, which, fault)
    await at.failureOf({ kind: 'rotate' }, { graceSeconds: 3600 })
    heal()
    await at.rotate({ kind: 'undo' })
    expect(await at.works()).toBe(true)
    holdsOnly(at.first)
  })

  it.each(cases)('whose way back has a %s (%i) %s is taken back by the next run', async (action, which, _, fault) => {
    await at.rotate(undefined, { graceSeconds: 3600 })
    const heal = failing(action, which, fault)
    await at.failureOf({ kind: 'undo' })
    expect(await at.works()).toBe(true)
    heal()
    await at.rotate({ kind: 'resume' })
    expect(await at.works()).toBe(true)
    holdsOnly(at.first)
  })

  it('asks for no second key where the answer of the first is lost', async () => {
    const heal = failing('CreateAccessKey', 1, 'lost')
    expect(await at.failureOf()).toMatchObject({ code: 'ERR_ROTATION_STOPPED', hint: /hardkey rotate prod --resume/ })
    heal()
    expect([at.journal()?.state, at.iam.actions().filter((action) => action === 'CreateAccessKey')]).toEqual([
      'wants key',
      ['CreateAccessKey'],
    ])
    const [, orphan] = [...at.iam.keys.keys()]
    await at.rotate({ kind: 'resume' })
    expect(at.asked).toContainEqual(expect.objectContaining({ about: 'orphan' }))
    expect(at.iam.keys.has(String(orphan))).toBe(false)
  })

  it.each([
    ['when AWS has made the key', () => at.iam.keys.size > 1],
    ['when the device has the key', () => at.device.keys.size > 1],
  ])('F-R04: deletes it again where the disk takes no word of it %s', async (_, isTime) => {
    // A folder that others may write is written as little as a full disk.
    const watch = (): void => {
      if (isTime()) chmodSync(at.folder, 0o777)
    }
    Object.assign(at.iam, { watch })
    at.device.watch = watch
    const failure = await at.failureOf()
    chmodSync(at.folder, 0o700)
    expect(failure).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: /^cannot write [^;]*$/ })
    holdsOnly(at.first)
  })

  it('leaves a key that others use, and makes none', async () => {
    const heal = failing('CreateAccessKey', 1, 'cut')
    await at.failureOf()
    heal()
    const other = at.iam.addKey(at.now())
    Object.assign(at.iam.keys.get(other.accessKeyId) ?? {}, { used: { date: at.now(), service: 's3' } })
    const words = new RegExp(`has two access keys already: .*${other.accessKeyId} .*last used today by s3`)
    expect(await at.failureOf({ kind: 'resume' })).toMatchObject({ message: words })
    expect([at.iam.active(), at.journal()]).toEqual([[at.first, other.accessKeyId], undefined])
  })
})
