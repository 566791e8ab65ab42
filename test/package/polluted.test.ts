// Library and command in a process whose Object.prototype other code has written to: what they read is their own (S-15).
// In: names that files and answers have. Out: the same signatures, URL and session as without them.
// Names of options are left out: an options object is the caller's, inherited members included.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CheckedIn, role } from '../cli/checked-in.ts'
import { root } from '../laws/tree.ts'

const names =
  'polluted AccessKeyId SecretAccessKey SessionToken Expiration Credentials accessKeyId uri protection created check ' +
  'mfaSerial kdf key encryptedKeyset keysetInfo failure library tokens keys CKA_LABEL ' +
  'location age authorization x-amz-date x-amz-security-token x-amz-content-sha256 pin-value pin-source default'

const program = `
for (const name of process.env.NAMES.split(' ').filter((one) => one !== '')) Object.prototype[name] = 'polluted'
const { openRecord, deviceDateKeys, sigV4Signer, stsClient } = await import('hardkey')
const pin = async () => Buffer.from('correct horse')
const { key, accessKeyId, record } = await openRecord(process.env.RECORD, { pin })
const now = () => new Date(Number(process.env.NOW))
const keys = deviceDateKeys({ key, accessKeyId, now })
const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3', now })
const request = { method: 'PUT', url: 'https://example.com/a?b=c', headers: { 'Content-Type': 'text/plain' }, body: 'd' }
const signed = await signer.sign(request)
const url = await signer.presign({ method: 'GET', url: request.url }, { expiresIn: 60 })
const sts = stsClient({ keys, region: 'eu-west-1', endpoint: record.endpointUrl, now })
const identity = await sts.getCallerIdentity()
const session = await sts.assumeRole({ roleArn: process.env.ROLE, roleSessionName: 'me' })
const { credentials } = session
const told = { record: Object.entries(record), headers: Object.entries(signed.headers), url, account: identity.account, arn: session.assumedRoleUser.arn }
console.log(JSON.stringify({ ...told, temporary: credentials.accessKeyId.slice(0, 4), end: credentials.expiration > now() }))
await key.close()`

let checkedIn: CheckedIn

beforeAll(async () => {
  checkedIn = await CheckedIn.make()
})
afterAll(() => checkedIn.remove())

async function run(polluted: string, now: number): Promise<string> {
  const record = join(checkedIn.home.records, 'prod.json')
  const env = checkedIn.home.environment({ NAMES: polluted, RECORD: record, ROLE: role, NOW: String(now) })
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    env,
  })
  return stdout
}

it('S-15: signs, and gets a session, where Object.prototype was written to', async () => {
  const now = Date.now()
  const plain = await run('', now)
  expect(plain).toMatch(/"temporary":"ASIA","end":true/)
  // JSON.stringify leaves out what is inherited, and the program prints own members alone.
  expect(await run(names, now)).toBe(plain)
})

it('S-15: runs the command where a file loaded before it wrote to Object.prototype', async () => {
  const before = checkedIn.home.write(
    'before.cjs',
    `for (const name of '${names} roleArn externalId durationSeconds'.split(' ')) Object.prototype[name] = 'polluted'\n`,
  )
  for (const words of [
    ['whoami', 'prod', '--json'],
    ['inspect', 'prod', '--json'],
    ['request', 'prod', 'GET', 'https://example.com/', '--service', 's3', '--dry-run'],
    ['credential-process', 'prod', '--role-arn', role],
    ['list'],
  ]) {
    const clean = await checkedIn.home.run(words)
    const ran = await checkedIn.home.run(words, { environment: { NODE_OPTIONS: `--require=${before}` } })
    expect(withoutChance(ran), words.join(' ')).toEqual(withoutChance(clean))
    expect(clean.status).toBe(0)
  }
})

/** Without what differs in every run: the time, the signature, the credentials. */
function withoutChance(ran: { readonly stdout: string }): unknown {
  const stdout = ran.stdout
    .replaceAll(/\d{8}T\d{6}Z|Signature=[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:]{8}Z/g, '')
    .replaceAll(/"(AccessKeyId|SecretAccessKey|SessionToken)": ?"[^"]*"/g, '$1')
  return { ...ran, stdout }
}
