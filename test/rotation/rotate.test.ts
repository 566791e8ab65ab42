// `hardkey rotate` on an embedded keyset: the ten steps, the times between them, and the way back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Rotating } from './rotating.ts'

describe('a rotation', () => {
  let rotating: Rotating
  beforeAll(async () => {
    rotating = await Rotating.make()
  })
  afterAll(() => rotating.remove())

  it('puts a new key in the place of the old one and keeps that, inactive', async () => {
    const ran = await rotating.rotate('--yes', '--json')
    expect(ran).toMatchObject({ status: 0 })
    const told = JSON.parse(ran.stdout)
    const { first, iam } = rotating
    expect(told).toMatchObject({ state: 'waiting', switched: true, old: { accessKeyId: first, active: false } })
    expect([rotating.inRecord(), iam.active()]).toEqual([told.accessKeyId, [told.accessKeyId]])
    expect(iam.keys.get(first)).toMatchObject({ active: false })
  })

  it('asks AWS in the order that loses no key', () => {
    const { first, iam } = rotating
    const fresh = rotating.inRecord()
    expect(iam.calls.map(({ action, by }) => [action, by])).toEqual([
      ['GetCallerIdentity', first],
      ['ListAccessKeys', first],
      ['CreateAccessKey', first],
      ['GetCallerIdentity', fresh],
      ['UpdateAccessKey', fresh],
    ])
  })

  it('has both keys in the device until the old one is deleted at AWS', async () => {
    const fresh = rotating.inRecord()
    expect(rotating.keysets()).toEqual([`prod-${fresh}.keyset.json`, 'prod.keyset.json'])
    const ran = await rotating.rotate('--resume', '--grace', '0', '--yes')
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('the old key is gone') })
    expect([rotating.keysets(), [...rotating.iam.keys.keys()]]).toEqual([[`prod-${fresh}.keyset.json`], [fresh]])
    expect(rotating.journalState()).toBe(undefined)
  })

  it('names the next key anew', async () => {
    const ran = await rotating.rotate('--yes', '--grace', '0')
    expect(ran).toMatchObject({ status: 0 })
    expect(rotating.keysets()).toEqual([`prod-${rotating.inRecord()}.keyset.json`])
  })

  it('leaves a record that whoami uses', async () => {
    expect(await rotating.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })
})
