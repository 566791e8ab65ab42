// A key with a date rule, or with a policy that the record does not tell, is not rotated in place. What `rotate` says in place
// of that is done here, word for word, on a TPM.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type TpmWithKey, tpmWithKey } from '../backends/tpm2/tpm-with-key.ts'
import type { Ran } from '../cli/hardkey.ts'
import { Rotating } from './rotating.ts'

let at: Rotating
let device: TpmWithKey
let office: string
let rule: string
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(() => device?.remove())
beforeEach(async () => {
  at = await Rotating.make()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  office = at.home.write('office.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }))
  rule = at.home.write('office.pub', publicKey.export({ type: 'spki', format: 'pem' }))
})
afterEach(() => at?.remove())

const run = (words: readonly string[]): Promise<Ran> =>
  at.home.run(words, { environment: { TPM2TOOLS_TCTI: device.tpm.device } })
const pcrs = 'sha256:23'
const settings = (): readonly string[] => ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]

async function done(...words: readonly string[]): Promise<Ran> {
  const ran = await run(words)
  expect(ran).toMatchObject({ status: 0 })
  return ran
}

/** Checks in a key of hk with the rule, and has its days approved. */
async function ruled(name: string, words: readonly string[]): Promise<void> {
  await done(...words)
  await done('approve', name, '--office-key', office, '--days', '2')
}

/** What is to be typed in place of `rotate`, but for the rule. */
async function wayNamedFor(name: string): Promise<readonly string[]> {
  const refused = await run(['rotate', name, '--yes'])
  expect(refused).toMatchObject({ status: 1, stdout: '' })
  const [, named = ''] = /hardkey (import NEW .*) --(?:date-rule FILE|pcrs LIST);/.exec(refused.stderr) ?? []
  return named.replace('NEW', 'newer').replace('USER', 'hk').split(' ')
}

it('the way that `rotate` names makes another key, by the old one, with the rule', async () => {
  const from = ['--create-for', 'hk', '--with', 'prod', '--to', 'tpm2', '--date-rule', rule]
  await ruled('ruled', ['import', 'ruled', ...from, ...settings()])
  // A user has two keys at most; that of prod has done its part.
  at.iam.keys.delete(at.first)
  await ruled('newer', [...(await wayNamedFor('ruled')), '--date-rule', rule])
  await done('whoami', 'newer')
  const forgotten = await done('forget', 'ruled', '--from-device', '--yes')
  expect(forgotten.stderr).toContain('aws iam update-access-key')
})

it('a policy that the key file alone tells is not lost: the way that `rotate` names makes a key that has it', async () => {
  await done('import', 'bound', '--create-for', 'hk', '--with', 'prod', '--to', 'tpm2', '--pcrs', pcrs, ...settings())
  const { accessKeyId } = JSON.parse(at.home.read('hardkey/keys/bound.json'))
  at.iam.keys.delete(at.first)
  await done('forget', 'bound')
  const to = `tpm2:file=${at.home.records}/bound.tss2.pem`
  const words = ['--from', 'device', '--to', to, '--access-key-id', accessKeyId, '--duration', '3600', ...settings()]
  await done('import', 'two', ...words)
  await done(...(await wayNamedFor('two')), '--pcrs', pcrs)
  expect(at.iam.keys.size).toBe(2)
  const { device: found, durationSeconds } = JSON.parse((await done('inspect', 'newer', '--json')).stdout)
  expect([found.attributes.policy, durationSeconds]).toEqual([expect.stringContaining(`PCRs ${pcrs} hold`), 3600])
})
