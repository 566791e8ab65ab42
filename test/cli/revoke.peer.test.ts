// `hardkey revoke --apply` at moto's IAM, which checks signatures and policies, signed by the device key of another user. moto
// keeps the state of an access key, and lets an inactive one sign; a Deny with a condition it takes as a Deny, whatever the
// time: so the end of a session shows that the policy lies where it must, and not which sessions it spares.

import { readdirSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { formBody } from '../../src/query/form.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const allowAll = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'

const home = new CommandHome()
const folder = folderInMemory()
const kept = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('session-'))
const run = (words: readonly string[], input?: string): Promise<Ran> =>
  home.run(words, { input, environment: { HARDKEY_CACHE_DIR: folder } })
let moto: Moto
let session: Readonly<Record<string, string>>
beforeAll(async () => {
  moto = await startMoto()
  await checkIn('prod', moto.accessKeyId, moto.secretAccessKey, ['--role-arn', moto.roleArn])
  await iam('prod', 'CreateUser', { UserName: 'office' })
  const made = await iam('prod', 'CreateAccessKey', { UserName: 'office' })
  await iam('prod', 'PutUserPolicy', { UserName: 'office', PolicyName: 'all', PolicyDocument: allowAll })
  await checkIn('office', within(made, 'AccessKeyId'), within(made, 'SecretAccessKey'))
  session = JSON.parse((await done(run(['credential-process', 'prod']))).stdout)
})
afterAll(async () => {
  await moto?.stop()
  home.remove()
  rmSync(folder, { recursive: true })
})

async function done(running: Promise<Ran>): Promise<Ran> {
  const ran = await running
  expect(ran).toMatchObject({ status: 0 })
  return ran
}

async function checkIn(name: string, id: string, secret: string, more: readonly string[] = []): Promise<void> {
  const to = `tink:file=${name}.keyset.json?kek=passphrase:&pin-source=file:${home.write('passphrase', 'correct horse\n')}`
  const words = ['import', name, '--to', to, '--access-key-id', id, '--from', 'stdin', '--other-store']
  const settings = ['--region', 'us-east-1', '--endpoint-url', moto.url]
  await done(run([...words, ...settings, ...more], secret))
}

/** A call of IAM, signed by the device key of this record. */
async function iam(name: string, action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = formBody(action, '2010-05-08', Object.entries(parameters))
  const type = ['--header', 'content-type:application/x-www-form-urlencoded']
  const words = ['request', name, 'POST', `${moto.url}/`, '--service', 'iam', '--region', 'us-east-1']
  return (await done(run([...words, ...type, '--body', body]))).stdout
}

/** What the session of the role gets that was there before the leak was found: a list of the keys of hk, or not even that. */
async function withStolenSession(): Promise<string> {
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = session
  const key = `aws_access_key_id = ${AccessKeyId}\naws_secret_access_key = ${SecretAccessKey}`
  home.write('.aws/credentials', `[stolen]\n${key}\naws_session_token = ${SessionToken}\n`)
  const signer = ['--admin-profile', 'stolen', '--user-name', 'hk']
  return (await run(['revoke', 'office', '--apply', '--yes', ...signer])).stderr
}

const within = (text: string, name: string): string => new RegExp(`<${name}>([^<]+)`).exec(text)?.[1] ?? ''

it('is needed: a session from before lists the keys of the user', async () => {
  expect(await withStolenSession()).toContain('the user hk has no access key')
})

it('switches the key off and puts the policies where they end the sessions', async () => {
  expect(kept()).toHaveLength(1)
  const { stdout } = await done(run(['revoke', 'prod', '--apply', '--yes', '--with', 'office', '--json']))
  expect(JSON.parse(stdout).steps.map((step: { readonly done: boolean }) => step.done)).toEqual(Array(4).fill(true))
  expect(kept()).toEqual([])
  expect(await iam('office', 'ListAccessKeys', { UserName: 'hk' })).toContain('<Status>Inactive</Status>')
  const policies = [
    await iam('office', 'GetUserPolicy', { UserName: 'hk', PolicyName: 'hardkey-revoke' }),
    await iam('office', 'GetRolePolicy', { RoleName: 'reader', PolicyName: 'hardkey-revoke' }),
  ]
  for (const policy of policies)
    expect(decodeURIComponent(policy)).toContain(JSON.parse(stdout).sessionsBefore.slice(0, 19))
})

it('ends a session that there was', async () => {
  expect(await withStolenSession()).toContain('AccessDenied')
})
