// A file of a rotation that is not over is damaged or gone: the journal, the record, the file of the new key, that of the old
// one. There is always a way on or back, and the error names it. F-R06.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { restoredRecord } from '../../src/lifecycle/restored-record.ts'
import type { RotationState } from '../../src/lifecycle/rotation-journal.ts'
import { InProcess, type Remains } from './in-process.ts'
import { Rotating } from './rotating.ts'

const ending = { graceSeconds: 0 }

describe('at whatever moment', () => {
  let at: InProcess
  let moments: readonly Remains[]
  beforeEach(async () => {
    at = await InProcess.make()
    moments = (await at.crashesOf(() => at.rotate(undefined, ending))).filter(({ files }) =>
      files.has('prod.rotation.json'),
    )
  })
  afterEach(() => at.close())

  it.each(['resume', 'undo'] as const)('a record that is damaged or gone is written anew, for --%s', async (kind) => {
    const whole = moments[0]?.files.get('prod.json') ?? expect.fail('no record')
    for (const remains of moments.filter(({ aws }) => kind === 'resume' || aws.has(at.first))) {
      for (const bytes of [undefined, whole.subarray(0, 0), whole.subarray(0, whole.length >> 1)]) {
        at.bringBack(remains)
        if (bytes === undefined) rmSync(at.path)
        else writeFileSync(at.path, bytes)
        expect(await restoredRecord(at.path, undefined)).toMatchObject({ name: 'prod', path: at.path })
        expect(await at.works()).toBe(true)
        await at.rotate({ kind }, ending)
        expect([await at.works(), at.iam.keys.size, at.device.keys.size]).toEqual([true, 1, 1])
      }
    }
  })

  it('a journal that is removed leaves a key that works, and the next rotation names the other', async () => {
    for (const remains of moments) {
      at.bringBack(remains)
      rmSync(join(at.folder, 'prod.rotation.json'))
      expect(await at.works()).toBe(true)
      const own = await at.inRecord()
      const other = [...at.iam.keys.keys()].find((id) => id !== own)
      if (other !== undefined) {
        const hint = expect.stringContaining(`delete-access-key --user-name hk --access-key-id ${other}`) as string
        expect(await at.failureOf()).toMatchObject({ code: 'ERR_ROTATION_STOPPED', hint })
        at.iam.keys.delete(other)
      }
      expect(await at.rotate(undefined, ending)).toMatchObject({ state: 'ended', switched: true })
    }
  })

  it('a record that is whole, and one without a journal, is left alone', async () => {
    at.bringBack(moments[0] ?? expect.fail('no moment'))
    expect(await restoredRecord(at.path, undefined)).toBe(undefined)
    rmSync(join(at.folder, 'prod.rotation.json'))
    rmSync(at.path)
    expect(await restoredRecord(at.path, undefined)).toBe(undefined)
  })
})

describe('the file', () => {
  let at: Rotating
  beforeEach(async () => {
    at = await Rotating.make()
  })
  afterEach(() => at.remove())

  const journal = 'hardkey/keys/prod.rotation.json'
  const damage = (name: string): string => at.home.write(`hardkey/keys/${name}`, '{"version":1,"kdf":')
  const fileOf = (id: string): string => `prod-${id}.keyset.json`

  /** A rotation whose old key is still active, as one that was cut off in this state left it. Gives the new key. */
  async function cutOffAt(state: RotationState): Promise<string> {
    expect(await at.rotate('--overlap', '7d')).toMatchObject({ status: 0 })
    const fresh = at.inRecord()
    const { stamp: _, next, switched, old, ...told } = JSON.parse(at.home.read(journal))
    if (state === 'has key') at.home.write(journal, JSON.stringify({ ...told, state, old }))
    if (state === 'has key') at.home.write('hardkey/keys/prod.json', JSON.stringify(old))
    return fresh
  }

  async function expectTheFirst(): Promise<void> {
    expect([at.inRecord(), [...at.iam.keys.keys()], at.keysets(), at.journalState()]).toEqual([
      at.first,
      [at.first],
      ['prod.keyset.json'],
      undefined,
    ])
    expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  }

  it('of a new key that is not in use is told by --resume, and taken away by --undo', async () => {
    const path = damage(fileOf(await cutOffAt('has key')))
    expect(await at.rotate('--resume')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`"${path}": .*\\n.*: remove it; then hardkey rotate prod --resume, or --undo\\n`),
    })
    expect(await at.rotate('--undo')).toMatchObject({ status: 0 })
    await expectTheFirst()
  })

  it('of a new key that is in use is survived by --undo, which the old key signs', async () => {
    damage(fileOf(await cutOffAt('switched')))
    expect(await at.rotate('--resume', '--overlap', '0')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('hardkey rotate prod --resume, or --undo'),
    })
    expect(await at.rotate('--undo')).toMatchObject({ status: 0 })
    await expectTheFirst()
  })

  it('of a new key, with an old one that is inactive, is told with what makes that active, and then survived', async () => {
    expect(await at.rotate('--yes')).toMatchObject({ status: 0 })
    damage(fileOf(at.inRecord()))
    const { first, iam } = at
    const activate = `aws iam update-access-key --user-name hk --access-key-id ${first} --status Active; then `
    expect(await at.rotate('--undo')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${activate}hardkey rotate prod --undo\n`),
    })
    Object.assign(iam.keys.get(first) ?? {}, { active: true })
    expect(await at.rotate('--undo')).toMatchObject({ status: 0 })
    await expectTheFirst()
  })

  it('of an old key is told at the end, and removed by hand', async () => {
    expect(await at.rotate('--yes')).toMatchObject({ status: 0 })
    const path = damage('prod.keyset.json')
    const resumed = ['--resume', '--grace', '0', '--yes']
    expect(await at.rotate(...resumed)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`"${path}": .*\\n.*: remove it; then hardkey rotate prod --resume`),
    })
    rmSync(path)
    expect(await at.rotate(...resumed)).toMatchObject({ status: 0 })
    expect([[...at.iam.keys.keys()], at.journalState()]).toEqual([[at.inRecord()], undefined])
  })

  it('of the record is written anew with a warning', async () => {
    await cutOffAt('switched')
    const whole = at.home.read('hardkey/keys/prod.json')
    at.home.write('hardkey/keys/prod.json', whole.slice(0, 40))
    const ran = await at.rotate('--resume')
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('written anew, as the journal') })
    expect(JSON.parse(at.home.read('hardkey/keys/prod.json'))).toEqual(JSON.parse(whole))
  })
})
