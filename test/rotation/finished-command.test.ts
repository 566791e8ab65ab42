// F-R03 to F-R06, F-R10 to F-R12 through the built command: what a person sees, and what lies at AWS and in the device then.
// F-R01, F-R02, F-R07 to F-R09 are seen so in killed.peer, devices.peer and terminal.peer. The device is an embedded keyset.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { throwAwayKey } from '../cli/hardkey.ts'
import { Rotating } from './rotating.ts'

let at: Rotating
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const atOnce = ['--yes', '--grace', '0']
const denied = { status: 403, code: 'AccessDenied' } as const
const journal = 'hardkey/keys/prod.rotation.json'

/** AWS, the device and the record have one key, which works. */
async function expectOneKey(): Promise<void> {
  const id = at.inRecord()
  expect([[...at.iam.keys.keys()], at.iam.active(), at.keysets().length]).toEqual([[id], [id], 1])
  expect(at.journalState()).toBe(undefined)
  expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
}

it('F-R03: a lost answer of CreateAccessKey is found by listing, deleted after asking, and no second key is made', async () => {
  at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'lost' : undefined)
  expect(await at.rotate(...atOnce)).toMatchObject({ status: 1 })
  expect([at.iam.given.length, at.journalState()]).toEqual([1, 'wants key'])
  at.iam.fault = () => undefined
  const [, orphan = ''] = at.iam.active()
  // Without a terminal nobody can be asked, and --yes says nothing of a key that may be somebody's.
  expect(await at.rotate('--resume', ...atOnce)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(`${orphan}, made .* and never used, is of .*\\n.*--resume --delete-orphan ${orphan}`),
  })
  expect([at.iam.keys.has(orphan), at.iam.given.length]).toEqual([true, 1])
  expect(await at.rotate('--resume', '--delete-orphan', orphan, ...atOnce)).toMatchObject({ status: 0 })
  expect([at.iam.keys.has(orphan), at.iam.given.length]).toEqual([false, 2])
  await expectOneKey()
})

it('F-R03: a key that an administrator makes after a lost call stays, whatever --yes says, until it is named', async () => {
  at.iam.fault = ({ action }) => (action === 'CreateAccessKey' ? 'cut' : undefined)
  await at.rotate(...atOnce)
  at.iam.fault = () => undefined
  const { accessKeyId } = at.iam.addKey(new Date())
  const timer = await at.rotate('--if-older-than', '90d', ...atOnce)
  const other = await at.rotate('--delete-orphan', at.first, ...atOnce)
  const undo = await at.rotate('--undo', ...atOnce)
  const named = expect.stringContaining(accessKeyId) as string
  expect([timer, other, undo]).toMatchObject([
    { status: 1, stderr: named },
    { status: 1, stderr: named },
    {
      status: 0,
      stderr: expect.stringMatching(`warning: ${accessKeyId} was made .* it stays; .*aws iam delete-access-key`),
    },
  ])
  expect([[...at.iam.keys.keys()], at.journalState()]).toEqual([[at.first, accessKeyId], undefined])
})

describe('F-R04: a new key that the device does not take', () => {
  /** Somebody has its place at the instant in which AWS makes it. */
  const occupied = (): void => {
    at.iam.watch = () => {
      const [, made] = [...at.iam.keys.keys()]
      if (made !== undefined) at.home.write(`hardkey/keys/prod-${made}.keyset.json`, 'of somebody')
    }
  }

  it('is deleted at AWS again, and what lies in its place is left', async () => {
    occupied()
    expect(await at.rotate(...atOnce)).toMatchObject({ status: 1 })
    expect([[...at.iam.keys.keys()], at.iam.given.length, at.journalState()]).toEqual([[at.first], 1, undefined])
    const taken = at.keysets().find((name) => name !== 'prod.keyset.json') ?? 'none'
    expect(readFileSync(join(at.home.records, taken), 'utf8')).toBe('of somebody')
    expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })

  it('is named where it cannot be deleted, and deleted by the next run, as soon as its place is free', async () => {
    occupied()
    at.iam.fault = ({ action }) => (action === 'DeleteAccessKey' ? denied : undefined)
    const ran = await at.rotate(...atOnce)
    const [, made = 'none'] = [...at.iam.keys.keys()]
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`the new access key ${made} was not deleted`),
    })
    at.iam.fault = () => undefined
    at.iam.watch = () => {}
    const taken = `prod-${made}.keyset.json`
    expect(await at.rotate('--resume', ...atOnce)).toMatchObject({ status: 1, stderr: expect.stringContaining(taken) })
    rmSync(join(at.home.records, taken))
    expect(await at.rotate('--resume', ...atOnce)).toMatchObject({ status: 0 })
    expect([at.iam.keys.has(made), at.iam.active()]).toEqual([false, [at.inRecord()]])
    expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })
})

it('F-R05: a new key that IAM does not know yet is waited for, and the old one is active meanwhile', async () => {
  at.iam.unsettledCalls = 3
  const activeAtProof: boolean[] = []
  at.iam.fault = ({ by }) => {
    if (by !== at.first) activeAtProof.push(at.iam.active().includes(at.first))
    return undefined
  }
  const ran = await at.rotate(...atOnce)
  expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('waiting for up to 90 seconds') })
  expect(activeAtProof[0]).toBe(true)
  await expectOneKey()
})

it('F-R06: writes of journal and record that the power cut at any length change nothing', async () => {
  expect(await at.rotate('--yes')).toMatchObject({ status: 0 })
  for (const name of ['prod.json', 'prod.rotation.json']) {
    const whole = at.home.read(`hardkey/keys/${name}`)
    for (let end = 0; end <= whole.length; end += 7)
      at.home.write(`hardkey/keys/.${name}.new-1-${end}`, whole.slice(0, end))
  }
  expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  expect(JSON.parse((await at.home.run(['list', '--json'])).stdout)).toHaveLength(1)
  expect(await at.rotate('--resume', ...atOnce)).toMatchObject({ status: 0 })
  await expectOneKey()
})

describe('an import', () => {
  const importing = (name: string, to: string, id: string): readonly string[] => {
    const where = `tink:file=${to}?kek=passphrase:&pin-source=file:${at.home.folder}/passphrase`
    const settings = ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]
    return ['import', name, '--to', where, '--access-key-id', id, '--from', 'stdin', ...settings]
  }

  it('F-R10: of the secret of another key is found by asking STS, and the object removed', async () => {
    const input = throwAwayKey().secretAccessKey
    const ran = await at.home.run(importing('two', 'two.keyset.json', at.first), { input })
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('SignatureDoesNotMatch') })
    expect([at.keysets(), at.home.read('hardkey/keys/prod.json')]).toEqual([
      ['prod.keyset.json'],
      expect.stringContaining(at.first),
    ])
    expect((await at.home.run(['inspect', 'two'])).status).toBe(2)
  })

  it('F-R11: never overwrites an object of the same name', async () => {
    const before = at.home.read('hardkey/keys/prod.keyset.json')
    const { accessKeyId, secretAccessKey: input } = at.iam.addKey()
    const ran = await at.home.run(importing('two', 'prod.keyset.json', accessKeyId), { input })
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('prod.keyset.json') })
    expect(at.home.read('hardkey/keys/prod.keyset.json')).toBe(before)
    expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 0 })
  })
})

describe('F-R12: a rotation that was left for a year', () => {
  beforeEach(async () => {
    expect(await at.rotate('--yes')).toMatchObject({ status: 0 })
    const lastYear = (time: string): string =>
      `${Number(time.slice(0, 4)) - 1}${time.slice(4)}`.replace('-02-29', '-02-28')
    const { stamp: _, ...told } = JSON.parse(at.home.read(journal))
    for (const name of ['began', 'switched', 'retired']) told[name] = lastYear(told[name])
    at.home.write(journal, JSON.stringify(told))
    at.iam.calls.length = 0
  })

  it('is resumed: the old key is deleted after a new look', async () => {
    Object.assign(at.iam.keys.get(at.first) ?? {}, { used: { date: new Date('2020-01-01T00:00:00Z'), service: 's3' } })
    expect(await at.rotate('--resume', '--yes')).toMatchObject({ status: 0 })
    expect(at.iam.actions()).toEqual(['ListAccessKeys', 'GetAccessKeyLastUsed', 'DeleteAccessKey'])
    await expectOneKey()
  })

  it('deletes no old key that somebody has made active again', async () => {
    Object.assign(at.iam.keys.get(at.first) ?? {}, { active: true })
    expect(await at.rotate('--resume', '--yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${at.first} was made active again`),
    })
    expect([at.iam.active().length, at.keysets().length]).toEqual([2, 2])
  })
})
