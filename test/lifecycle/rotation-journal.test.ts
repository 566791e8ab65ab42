// The journal of a rotation: one way to read it, nothing in it but what a rotation writes.

import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  beginJournal,
  journalPath,
  parseRotation,
  type Rotation,
  readJournal,
  removeJournal,
  writeJournal,
} from '../../src/lifecycle/rotation-journal.ts'
import { checkRecordName, isBesideRecord } from '../../src/profiles/record.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'

const old = {
  version: 1,
  accessKeyId: 'AKIAQ3EGRZ5UXAMPLE2A',
  uri: 'tink:file=prod.keyset.json?kek=passphrase:',
  protection: 'memory',
  created: '2026-08-24T17:20:00Z',
  check: '0123456789abcdef',
} as const
const begun: Rotation = {
  version: 1,
  state: 'wants key',
  began: '2026-11-24T17:20:00Z',
  userName: 'hk',
  overlapSeconds: 0,
  graceSeconds: 604_800,
  old,
}
const parse = (value: unknown): Rotation => parseRotation(Buffer.from(JSON.stringify(value)), 'j')

describe('a journal', () => {
  it('is written whole, 0600, replaced, and removed', async () => {
    const path = join(temporaryFolder(), 'prod.json')
    await beginJournal(path, begun)
    expect(statSync(journalPath(path)).mode & 0o777).toBe(0o600)
    await writeJournal(path, { ...begun, undoing: true })
    expect(await readJournal(path)).toEqual({ ...begun, undoing: true })
    await removeJournal(path)
    await removeJournal(path)
    expect(await readJournal(path)).toBe(undefined)
  })

  it('of which any bit was flipped, or the end is missing, is refused, and what to do is told', async () => {
    const path = join(temporaryFolder(), 'prod.json')
    await beginJournal(path, begun)
    const whole = readFileSync(journalPath(path))
    const flipped = Array.from({ length: whole.length * 8 }, (_, bit) =>
      whole.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
    )
    // Without its last byte, a newline, it says the same.
    const cut = Array.from({ length: whole.length - 1 }, (_, end) => whole.subarray(0, end))
    for (const bytes of [...flipped, ...cut]) {
      const read = (): Rotation => parseRotation(bytes, journalPath(path))
      expect(read).toThrow(expect.objectContaining({ hint: expect.stringContaining('then hardkey rotate prod says') }))
    }
  })

  it('does not begin where one is', async () => {
    const path = join(temporaryFolder(), 'prod.json')
    await beginJournal(path, begun)
    await expect(beginJournal(path, begun)).rejects.toMatchObject({ code: 'ERR_ROTATION_STOPPED' })
  })

  it.each([
    ['an unknown member', { ...begun, secret: 'x' }, /unknown "secret"/],
    ['another state', { ...begun, state: 'done' }, /no right "state"/],
    ['no state', { ...begun, state: undefined }, /no right "state"/],
    ['a state without its members', { ...begun, state: 'switched' }, /no right "newAccessKeyId"/],
    ['a time that is none', { ...begun, began: '2026-13-44T17:20:00Z' }, /no right "began"/],
    ['a user that is none', { ...begun, userName: 'a b' }, /no right "userName"/],
    ['a negative time', { ...begun, graceSeconds: -1 }, /no right "graceSeconds"/],
    ['a record that is none', { ...begun, old: { ...old, check: 'x' } }, /"old" in j has a wrong "check"/],
    ['a newer version', { ...begun, version: 2 }, /no right "version"/],
    ['a list', [begun], /no JSON object/],
    ['text', 'wants key', /no JSON object/],
  ])('is refused with %s', (_, value, message) => {
    expect(() => parse(value)).toThrow(message)
  })

  it('that others could write is refused', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'keys'))
    const path = join(folder, 'keys', 'prod.json')
    writeFileSync(journalPath(path), JSON.stringify(begun))
    chmodSync(journalPath(path), 0o666)
    await expect(readJournal(path)).rejects.toMatchObject({ message: /writable by others/ })
  })

  it('lies where no record can', () => {
    expect(() => checkRecordName('prod.rotation')).toThrow(/cannot have a name that ends in .rotation/)
    expect([isBesideRecord('prod.rotation.json'), isBesideRecord('rotation.json')]).toEqual([true, false])
  })
})
