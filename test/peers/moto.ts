// moto: AWS's APIs in Python, here with checked signatures and policies. Out: an endpoint, a user's access key, a role.
// Errors come as <ErrorResponse><Errors><Error>, or as HTML with HTTP 500; sessions of AssumeRole are real, those of
// GetSessionToken and GetFederationToken are canned and unusable. Signatures of a wrong day or region pass; a form
// with a space in it is refused, since moto writes the form anew before it checks the signature.

import { peer } from './peer.ts'
import { freePort, startServer } from './server-process.ts'

export interface Moto {
  /** Every service answers there. */
  readonly url: string
  readonly account: string
  /** Of a user who may do anything. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly userArn: string
  /** A role that the user may assume, and that may do anything. */
  readonly roleArn: string
  /** A role that trusts another user. */
  readonly closedRoleArn: string
  /** Another user, who may do everything, and a key of that user. */
  addUser(name: string): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>
  /** The keys of a user by ID, and whether each is active, which has no effect. */
  keysOf(name: string): Promise<ReadonlyMap<string, boolean>>
  stop(): Promise<void>
}

const allowAll = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
// moto understands neither the account's root nor "*" as principal.
const trustAll =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'

const trustOther = trustAll.replace('"*"', '"arn:aws:iam::123456789012:user/other"')

const setUp: readonly Readonly<Record<string, string>>[] = [
  { Action: 'CreateUser', UserName: 'hk' },
  { Action: 'CreateAccessKey', UserName: 'hk' },
  { Action: 'PutUserPolicy', UserName: 'hk', PolicyName: 'all', PolicyDocument: allowAll },
  { Action: 'CreateRole', RoleName: 'reader', AssumeRolePolicyDocument: trustAll },
  { Action: 'CreateRole', RoleName: 'closed', AssumeRolePolicyDocument: trustOther },
  { Action: 'PutRolePolicy', RoleName: 'reader', PolicyName: 'all', PolicyDocument: allowAll },
]

/** A fresh moto with one user and one role. `uncheckedCalls`: so many calls more go unchecked. The caller stops it. */
export async function startMoto(uncheckedCalls = 0): Promise<Moto> {
  const { motoServer } = await peer('python')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  // Exactly the calls of the set-up go unchecked, and those of the caller's own.
  const environment = { INITIAL_NO_AUTH_ACTION_COUNT: String(setUp.length + uncheckedCalls) }
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/moto-api/data.json`)).ok
  const { stop } = await startServer(motoServer, ['-H', '127.0.0.1', '-p', String(port)], environment, isReady)
  const text = await setUpAnswers(url).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    url,
    account: '123456789012',
    accessKeyId: within(text, 'AccessKeyId'),
    secretAccessKey: within(text, 'SecretAccessKey'),
    userArn: 'arn:aws:iam::123456789012:user/hk',
    roleArn: 'arn:aws:iam::123456789012:role/reader',
    closedRoleArn: 'arn:aws:iam::123456789012:role/closed',
    addUser: (name) => userWithKey(url, name),
    keysOf: (name) => keysOf(url, name),
    stop,
  }
}

async function setUpAnswers(url: string): Promise<string> {
  const answers: string[] = []
  for (const call of setUp) answers.push(await unchecked(url, call))
  return answers.join('')
}

async function userWithKey(url: string, name: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const user = { UserName: name }
  await afterwards(url, { Action: 'CreateUser', ...user })
  await afterwards(url, { Action: 'PutUserPolicy', ...user, PolicyName: 'all', PolicyDocument: allowAll })
  const text = await afterwards(url, { Action: 'CreateAccessKey', ...user })
  return { accessKeyId: within(text, 'AccessKeyId'), secretAccessKey: within(text, 'SecretAccessKey') }
}

async function keysOf(url: string, name: string): Promise<ReadonlyMap<string, boolean>> {
  const members = (await afterwards(url, { Action: 'ListAccessKeys', UserName: name })).split('<member>').slice(1)
  return new Map(members.map((member) => [within(member, 'AccessKeyId'), within(member, 'Status') === 'Active']))
}

/** One more call that goes unchecked. */
async function afterwards(url: string, call: Readonly<Record<string, string>>): Promise<string> {
  await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '1' })
  return await unchecked(url, call)
}

async function unchecked(url: string, call: Readonly<Record<string, string>>): Promise<string> {
  // moto finds the service in the credential scope.
  const authorization =
    'AWS4-HMAC-SHA256 Credential=setup/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0'
  const body = new URLSearchParams({ ...call, Version: '2010-05-08' })
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body })
  if (!answer.ok) throw new Error(`moto refused ${call.Action}: ${await answer.text()}`)
  return answer.text()
}

function within(text: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1]
  if (found === undefined) throw new Error(`moto gave no ${name}`)
  return found
}
