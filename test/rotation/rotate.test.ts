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
    expect(ran.stdout).toContain(`old key        ${rotating.first}, deleted\n`)
    expect([rotating.keysets(), [...rotating.iam.keys.keys()]]).toEqual([[`prod-${fresh}.keyset.json`], [fresh]])
    expect(rotating.journalState()).toBe(undefined)
  })

  it('names the next key anew', async () => {
    const before = rotating.inRecord()
    const ran = await rotating.rotate('--yes', '--grace', '0', '--account', `${rotating.home.folder}/account`)
    expect(ran).toMatchObject({ status: 0 })
    // The account of use has each use of the device: both keys, for STS and for IAM.
    const lines = rotating.home.read('account').trimEnd().split('\n')
    const used = lines.map((line) => JSON.parse(line).accessKeyId)
    expect(new Set(used)).toEqual(new Set([before, rotating.inRecord()]))
    expect(rotating.keysets()).toEqual([`prod-${rotating.inRecord()}.keyset.json`])
  })

  it('leaves a record that whoami uses', async () => {
    expect(await rotating.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })
})

describe('the command', () => {
  let rotating: Rotating
  beforeAll(async () => {
    rotating = await Rotating.make()
  })
  afterAll(() => rotating.remove())

  it.each([
    [['--resume', '--undo'], /--resume contradicts --undo/],
    [['--resume', '--if-older-than', '90d'], /--resume begins nothing/],
    [['--overlap', 'soon'], /--overlap is no length of time\n.*write 90m, 12h or 7d;/],
    [['--overlap', '7'], /--overlap 7 has no unit\n.*7d for days/],
    [['--grace', '30'], /--grace 30 has no unit/],
    [['--if-older-than', '90'], /--if-older-than 90 has no unit/],
    [['--apply'], /are for vault: keys/],
    [[], /there is no terminal to ask: URLs presigned by AKIA.* end today .*rotate now\?/],
    [['--yes', '--endpoint-url', 'http://store.example'], /is not https/],
    [['--yes', '--iam-endpoint-url', 'http://store.example'], /the IAM endpoint .* is not https/],
  ])('refuses %j before anything is asked of AWS', async (words, message) => {
    expect(await rotating.rotate(...words)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    })
    expect([rotating.iam.calls, rotating.journalState()]).toEqual([[], undefined])
  })

  it('resumes and takes back nothing where there is no rotation', async () => {
    for (const word of ['--resume', '--undo']) {
      expect(await rotating.rotate(word)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('none under way'),
      })
    }
    expect(rotating.iam.calls).toEqual([])
  })

  it('says which records there are for one that is not there', async () => {
    const ran = await rotating.home.run(['rotate', 'prof', '--yes'])
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('did you mean prod') })
  })

  it('forgets no record whose rotation is not over unasked, and lists no journal', async () => {
    expect(await rotating.rotate('--yes')).toMatchObject({ status: 0 })
    const ran = await rotating.home.run(['forget', 'prod'])
    expect(ran).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('the rotation of "prod", which is not over'),
    })
    const listed: readonly { readonly name: string }[] = JSON.parse(
      (await rotating.home.run(['list', '--json'])).stdout,
    )
    expect(listed.map(({ name }) => name)).toEqual(['prod'])
  })

  it('stops at a damaged journal, and says where to look', async () => {
    rotating.home.write('hardkey/keys/prod.rotation.json', '{"version":1}')
    const ran = await rotating.rotate('--resume')
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('is not the journal of a rotation') })
  })
})
