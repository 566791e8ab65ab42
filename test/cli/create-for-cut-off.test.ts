// `import --create-for` that is killed, or whose answer is lost, between the moment when AWS makes a key and the moment when its
// record is on the disk: the next run finds the key by what the first one has written down, and no active key with a lost
// secret stays. F-R01, F-R03.

import type { ChildProcess } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withLock } from '../../src/files/with-lock.ts'
import type { IamCall, IamFault } from '../iam/loopback-iam.ts'
import { Rotating } from '../rotation/rotating.ts'
import { ended, type Ran } from './hardkey.ts'

let at: Rotating
let running: ChildProcess | undefined
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const words = (...more: readonly string[]): readonly string[] => {
  const to = `tink:file=fresh.keyset.json?kek=passphrase:&pin-source=file:${at.home.write('passphrase', 'correct horse\n')}`
  const settings = ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]
  return ['import', 'fresh', '--to', to, ...settings, '--create-for', 'hk', '--with', 'prod', ...more]
}
const journal = (): string => join(at.home.records, 'fresh.creation.json')
const calls = (name: string): number => at.iam.actions().filter((action) => action === name).length

/** Starts an import and gives how it ended: `kill` ends it as a power cut does. */
async function cutOff(): Promise<Ran> {
  running = at.home.start(words())
  running.stdin?.end()
  return await ended(running)
}
const kill = (): void => void running?.kill('SIGKILL')

/** Kills at the first call for which this holds; what becomes of the call is `fault`. */
function killAt(isIt: (call: IamCall) => boolean, fault: IamFault): void {
  at.iam.fault = (call) => {
    if (!isIt(call)) return undefined
    kill()
    return fault
  }
}

/** One record, whose key is active at AWS and in the device; beside it that of `prod`, and nothing else. */
async function expectBothKeys(): Promise<void> {
  expect(await at.home.run(['whoami', 'fresh'])).toMatchObject({ status: 0 })
  const { accessKeyId } = JSON.parse(at.home.read('hardkey/keys/fresh.json'))
  expect([...at.iam.keys.keys()].sort()).toEqual([at.first, accessKeyId].sort())
  expect([at.keysets(), existsSync(journal())]).toEqual([['fresh.keyset.json', 'prod.keyset.json'], false])
}

describe('an import of a key that AWS makes', () => {
  it.each([
    ['killed before the call arrives', 'cut', 0],
    ['killed before the answer arrives', 'lost', 1],
  ] as const)('F-R03: %s leaves no lost key behind', async (_what, fault, left) => {
    killAt(({ action }) => action === 'CreateAccessKey', fault)
    expect(await cutOff()).toMatchObject({ status: 'SIGKILL' })
    expect([at.iam.keys.size, at.keysets()]).toEqual([1 + left, ['prod.keyset.json']])
    at.iam.fault = () => undefined
    const [, lost = 'none'] = at.iam.active()
    if (left > 0)
      expect(await at.home.run(words('--yes'))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`--delete-orphan ${lost}`),
      })
    expect(await at.home.run(words('--delete-orphan', lost))).toMatchObject({ status: 0 })
    await expectBothKeys()
    expect([calls('DeleteAccessKey'), calls('CreateAccessKey')]).toEqual([left, 1 + left])
  })

  it('F-R01: killed while the device takes the key: it goes, and another one is made', async () => {
    const looking = setInterval(() => {
      if (existsSync(journal()) && at.home.read('hardkey/keys/fresh.creation.json').includes('accessKeyId')) kill()
    }, 2)
    expect(await cutOff()).toMatchObject({ status: 'SIGKILL' })
    clearInterval(looking)
    rmSync(join(at.home.records, 'fresh.keyset.json'), { force: true })
    const ran = await at.home.run(words())
    const [, lost = ''] = at.iam.active()
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining(`${lost} was made for hk by an import`) })
    expect(ran.stderr).toContain('give --yes')
    expect(await at.home.run(words('--yes'))).toMatchObject({ status: 0 })
    expect(at.iam.keys.has(lost)).toBe(false)
    await expectBothKeys()
  })

  it('F-R01: killed when the device has the key: that very key is gone on with', async () => {
    killAt(({ action, by }) => action === 'GetCallerIdentity' && by !== at.first, 'cut')
    expect(await cutOff()).toMatchObject({ status: 'SIGKILL' })
    at.iam.fault = () => undefined
    const [, made] = at.iam.active()
    expect(await at.home.run(words('--json'))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(String(made)),
    })
    await expectBothKeys()
    expect([calls('CreateAccessKey'), calls('DeleteAccessKey')]).toEqual([1, 0])
  })

  it('F-R01: killed when the record is there needs nothing more', async () => {
    expect(await at.home.run(words())).toMatchObject({ status: 0 })
    const { accessKeyId } = JSON.parse(at.home.read('hardkey/keys/fresh.json'))
    leave({ accessKeyId })
    const { stdout } = await at.home.run(['doctor', '--offline', '--json'])
    expect(stdout).not.toContain('"creation"')
    rmSync(join(at.home.records, 'fresh.json'))
    expect(await at.home.run(words())).toMatchObject({ status: 0 })
    await expectBothKeys()
  })

  it.each([
    ['was made at another time', { created: new Date(Date.now() - 7_200_000) }],
    ['others use', { created: new Date(), used: { date: new Date(), service: 's3' } }],
  ])('F-R03: leaves a key that %s, and names it', async (_what, change) => {
    const { accessKeyId } = at.iam.addKey()
    Object.assign(at.iam.keys.get(accessKeyId) ?? {}, change)
    leave({})
    const ran = await at.home.run(words('--yes'))
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(`${accessKeyId} (another key`) })
    expect([calls('DeleteAccessKey'), calls('CreateAccessKey'), existsSync(journal())]).toEqual([0, 0, false])
  })

  it('F-R07: refuses while another one of the same name is under way', async () => {
    leave({ accessKeyId: at.first })
    const options = { waitMilliseconds: 0 }
    const ran = await withLock(`${journal()}.lock`, options, async () => await at.home.run(words('--yes')))
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('another import of "fresh" is under way') })
    expect([at.iam.calls, existsSync(journal())]).toEqual([[], true])
  })

  it('that cannot be written down is not made', async () => {
    at.home.write('hardkey/keys/fresh.creation.json', '{')
    expect(await at.home.run(words())).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('fresh.creation.json'),
    })
    expect(calls('CreateAccessKey')).toBe(0)
  })
})

/** What a run has left that was killed. */
function leave(more: Readonly<Record<string, unknown>>): void {
  const began = `${new Date().toISOString().slice(0, 19)}Z`
  const left = { version: 1, userName: 'hk', began, before: [at.first], ...more }
  at.home.write('hardkey/keys/fresh.creation.json', JSON.stringify(left))
}

describe('hardkey doctor', () => {
  it.each([
    ['the key', { accessKeyId: 'AKIAABCDEFGHIJKLMNOP' }, 'AKIAABCDEFGHIJKLMNOP'],
    ['that there may be one', {}, 'an access key'],
  ])('names %s whose secret may be lost, and what to do', async (_what, more, named) => {
    leave(more)
    const { stdout, status } = await at.home.run(['doctor', '--offline', '--json'])
    const found = JSON.parse(stdout).find(({ id }: { readonly id: string }) => id === 'creation')
    expect(found).toMatchObject({ state: 'fault', name: 'fresh', text: expect.stringContaining(named) })
    expect([found.remedy, status]).toEqual([expect.stringContaining('hardkey import fresh --create-for hk'), 1])
    const { stdout: listed } = await at.home.run(['list', '--json'])
    expect(listed).not.toContain('creation')
  })
})
