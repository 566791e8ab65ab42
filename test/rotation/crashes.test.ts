// A rotation that is cut off between any two changes of disk, device and AWS, also with half a journal or record beside the
// whole one: the record's key works at once, and the next run ends with one key. F-R02, F-R06.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { journalPath } from '../../src/lifecycle/rotation-journal.ts'
import { InProcess, type Remains } from './in-process.ts'

let at: InProcess
beforeEach(async () => {
  at = await InProcess.make()
})
afterEach(() => at.close())

const ending = { graceSeconds: 0 }

/** A write that the power cut: the new file beside the old one, cut at any length; the old one is whole. */
function withHalfWrites(remains: Remains): readonly Remains[] {
  const writes = ['prod.json', 'prod.rotation.json'].flatMap((name) => {
    const bytes = remains.files.get(name) ?? Buffer.from('{}')
    return [0, 1, bytes.length >> 1, bytes.length].map((end) => [`.${name}.new-1-1`, bytes.subarray(0, end)] as const)
  })
  return [remains, ...writes.map((write) => ({ ...remains, files: new Map([...remains.files, write]) }))]
}

async function expectOneKey(): Promise<void> {
  const id = await at.inRecord()
  expect([await at.works(), [...at.iam.keys.keys()], at.iam.active(), at.device.keys.size]).toEqual([
    true,
    [id],
    [id],
    1,
  ])
  expect(at.journal()).toBe(undefined)
}

describe('F-R02, F-R06: a rotation that is cut off', () => {
  it('at any moment leaves a key that works, and is gone on with', async () => {
    const crashes = (await at.crashesOf(() => at.rotate(undefined, ending))).flatMap(withHalfWrites)
    expect(crashes.length).toBeGreaterThan(150)
    for (const remains of crashes) {
      at.bringBack(remains)
      expect(await at.works()).toBe(true)
      const { state } = await at.rotate({ kind: 'resume' }, ending)
      if (state === 'nothing to resume' && (await at.inRecord()) === at.first) await at.rotate(undefined, ending)
      expect(await at.inRecord()).not.toBe(at.first)
      await expectOneKey()
    }
  })

  it('at any moment can be taken back, until the old key is deleted at AWS', async () => {
    const crashes = (await at.crashesOf(() => at.rotate(undefined, ending))).filter(({ aws }) => aws.has(at.first))
    for (const remains of crashes) {
      at.bringBack(remains)
      await at.rotate({ kind: 'undo' })
      expect(await at.inRecord()).toBe(at.first)
      await expectOneKey()
    }
  })

  it('on its way back is taken back by the next run', async () => {
    await at.rotate()
    const crashes = (await at.crashesOf(() => at.rotate({ kind: 'undo' }))).flatMap(withHalfWrites)
    expect(crashes.length).toBeGreaterThan(80)
    for (const remains of crashes) {
      at.bringBack(remains)
      expect(await at.works()).toBe(true)
      await at.rotate({ kind: 'resume' })
      expect(await at.inRecord()).toBe(at.first)
      await expectOneKey()
    }
  })

  it('cannot be taken back once the old key is deleted, and says so', async () => {
    const deleted = (await at.crashesOf(() => at.rotate(undefined, ending))).find(({ aws }) => !aws.has(at.first))
    at.bringBack(deleted ?? expect.fail('the old key was not deleted'))
    expect(await at.failureOf({ kind: 'undo' })).toMatchObject({ message: /is deleted at AWS: there is no way back/ })
    expect(await at.works()).toBe(true)
    await at.rotate({ kind: 'resume' }, ending)
    await expectOneKey()
  })

  it('has its journal where no record can be', () => {
    expect(journalPath('/keys/prod.json')).toBe('/keys/prod.rotation.json')
  })
})
