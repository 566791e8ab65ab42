// A key with a date rule is not rotated in place. What `rotate` says in place of that is done here, word for word, on a TPM.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TpmWithKey, tpmWithKey } from '../backends/tpm2/tpm-with-key.ts'
import type { Ran } from '../cli/hardkey.ts'
import { Rotating } from './rotating.ts'

let at: Rotating
let device: TpmWithKey
let office: string
let rule: string
beforeAll(async () => {
  at = await Rotating.make()
  device = await tpmWithKey('unix')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  office = at.home.write('office.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }))
  rule = at.home.write('office.pub', publicKey.export({ type: 'spki', format: 'pem' }))
})
afterAll(async () => {
  await device?.remove()
  await at?.remove()
})

const run = (words: readonly string[]): Promise<Ran> =>
  at.home.run(words, { environment: { TPM2TOOLS_TCTI: device.tpm.device } })
const settings = (): readonly string[] => ['--region', 'eu-west-1', '--endpoint-url', at.iam.url]

async function done(...words: readonly string[]): Promise<Ran> {
  const ran = await run(words)
  expect(ran).toMatchObject({ status: 0 })
  return ran
}

/** Checks in a key of hk with the rule, and has its days approved. */
async function ruled(name: string, words: readonly string[]): Promise<void> {
  await done(...words, ...settings())
  await done('approve', name, '--office-key', office, '--days', '2')
}

it('the way that `rotate` names makes another key, by the old one, with the rule', async () => {
  const from = ['--create-for', 'hk', '--with', 'prod', '--to', 'tpm2', '--date-rule', rule]
  await ruled('ruled', ['import', 'ruled', ...from])
  const refused = await run(['rotate', 'ruled', '--yes'])
  expect(refused).toMatchObject({ status: 1, stdout: '' })
  const [, named = ''] = /hardkey (import NEW [^;]*);/.exec(refused.stderr) ?? []
  // A user has two keys at most; that of prod has done its part.
  at.iam.keys.delete(at.first)
  await ruled('newer', named.replace('NEW', 'newer').replace('USER', 'hk').replace('FILE', rule).split(' '))
  await done('whoami', 'newer')
  const forgotten = await done('forget', 'ruled', '--from-device', '--yes')
  expect(forgotten.stderr).toContain('aws iam update-access-key')
})
