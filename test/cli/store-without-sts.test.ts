// A key of a store that has no STS: what each command says that would ask one. In: a record made with --prove s3 --offline.
// Out: a refusal with what to do in its place; no device and no service is asked.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { CommandHome, type Ran, throwAwayKey } from './hardkey.ts'

const home = new CommandHome()
const key = throwAwayKey()
const where = ['--prove', 's3', '--endpoint-url', 'http://127.0.0.1:9', '--region', 'us-east-1', '--offline']

async function imported(name: string, source: string, input?: string): Promise<Ran> {
  const to = `tink:file=${name}.keyset.json?kek=passphrase:&pin-source=file:${home.write('passphrase', 'correct horse\n')}`
  const words = ['import', name, '--to', to, '--access-key-id', key.accessKeyId, '--from', source, ...where]
  return await home.run(words, { input })
}

beforeAll(async () => {
  expect(await imported('store', 'stdin', key.secretAccessKey)).toMatchObject({ status: 0 })
})
afterAll(() => home.remove())

it.each([
  ['whoami', 'so nobody tells who it is', 'see what it may do there: hardkey request NAME GET s3://'],
  ['rotate', 'so hardkey cannot make another there', 'make one at the store, check it in by hardkey import'],
  ['revoke', 'so hardkey cannot end it there', 'switch it off at the store; then hardkey forget NAME --from-device'],
  ['policy', 'so these policies of AWS mean nothing there', 'bound it by what the store has'],
  ['export', 'which gives no temporary credentials', 'sign with the key itself: hardkey presign'],
])('%s says why it cannot, and what can be done', async (command, why, remedy) => {
  const ran = await home.run([command, 'store'])
  expect(ran).toMatchObject({ status: 2, stdout: '' })
  expect(ran.stderr).toContain(`hardkey: error: this key is of a store without STS, ${why}\nhardkey: hint: ${remedy}`)
})

it('policy gives the policy of a bucket, which stores have too', async () => {
  const ran = await home.run(['policy', 'store', 'bucket', '--bucket', 'photos'])
  expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('arn:aws:s3:::photos') })
})

it('configure names a next command that this store answers', async () => {
  const ran = await home.run(['configure', 'store', '--region', 'eu-west-1'])
  expect(ran.stderr).toBe('hardkey: next: hardkey request store GET s3://\n')
})

it('inspect --chain draws the chain of S3', async () => {
  const { stdout } = await home.run(['inspect', 'store', '--chain'])
  expect(stdout).toContain('HMAC(RegionKey, "s3")')
  expect(stdout).not.toContain('"sts"')
})
