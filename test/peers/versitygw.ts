// versitygw: S3, IAM and STS in Go, the strictest of the doubles. Out: an IAM/STS endpoint, an S3 endpoint, a user's
// key. Old dates and wrong regions are refused; access key IDs have 21 characters; of STS there is GetCallerIdentity
// alone.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { peer } from './peer.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

export interface Versitygw {
  /** IAM and STS. */
  readonly url: string
  readonly s3Url: string
  readonly region: string
  /** Of the user `hk`, who may use S3. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly userArn: string
  /** Another user, who may do everything, and a key of that user. */
  addUser(name: string): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>
  /** The keys of a user by ID, and whether each is active. */
  keysOf(name: string): Promise<ReadonlyMap<string, boolean>>
  /** Gives the user this policy, and takes the one of before away. */
  setPolicy(name: string, policy: string): Promise<void>
  stop(): Promise<void>
}

const root = { accessKeyId: 'vgwroot', secretAccessKey: 'vgwrootsecret123' }
const region = 'us-east-1'
const allowAll = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
const allowS3 = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'

/** A fresh versitygw with one user. The caller stops it. */
export async function startVersitygw(): Promise<Versitygw> {
  const { command } = await peer('versitygw')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-vgw-'))
  for (const name of ['iam', 'data']) mkdirSync(join(folder, name))
  const [port, s3Port] = [await freePort(), await freePort()]
  const [url, s3Url] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${s3Port}`]
  const socket = join(folder, 'iam.sock')
  const common = ['--access', root.accessKeyId, '--secret', root.secretAccessKey]
  const iam = ['iam', '--dir', join(folder, 'iam'), '--private-ports', socket]
  const alone = ['--iam-standalone-endpoint', socket, '--iam-standalone-access', root.accessKeyId]
  const rootSecret = ['--iam-standalone-secret', root.secretAccessKey]
  const s3 = ['--health', '/health', ...alone, ...rootSecret, 'posix', join(folder, 'data')]
  const servers: ServerProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const iamAnswers = async (): Promise<boolean> => (await fetch(url, { redirect: 'manual' })).status > 0
    servers.push(await startServer(command, ['--port', `127.0.0.1:${port}`, ...common, ...iam], {}, iamAnswers))
    const s3Answers = async (): Promise<boolean> => (await fetch(`${s3Url}/health`)).ok
    servers.push(await startServer(command, ['--port', `127.0.0.1:${s3Port}`, ...common, ...s3], {}, s3Answers))
    return {
      url,
      s3Url,
      region,
      userArn: 'arn:aws:iam::000000000000:user/hk',
      ...(await userWithKey(url, 'hk', allowS3)),
      addUser: (name) => userWithKey(url, name, allowAll),
      keysOf: (name) => keysOf(url, name),
      setPolicy: async (name, policy) => {
        await asRoot(url, { Action: 'PutUserPolicy', UserName: name, PolicyName: 'own', PolicyDocument: policy })
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A user with a policy and an access key. */
async function userWithKey(
  url: string,
  name: string,
  policy: string,
): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  await asRoot(url, { Action: 'CreateUser', UserName: name })
  await asRoot(url, { Action: 'PutUserPolicy', UserName: name, PolicyName: 'own', PolicyDocument: policy })
  const created = await asRoot(url, { Action: 'CreateAccessKey', UserName: name })
  return { accessKeyId: within(created, 'AccessKeyId'), secretAccessKey: within(created, 'SecretAccessKey') }
}

async function keysOf(url: string, name: string): Promise<ReadonlyMap<string, boolean>> {
  const listed = await asRoot(url, { Action: 'ListAccessKeys', UserName: name })
  const members = listed.split('<member>').slice(1)
  return new Map(members.map((member) => [within(member, 'AccessKeyId'), within(member, 'Status') === 'Active']))
}

async function asRoot(url: string, call: Readonly<Record<string, string>>): Promise<string> {
  const signer = sigV4Signer({ keys: secretDateKeys(root), region, service: 'iam' })
  const body = new URLSearchParams({ ...call, Version: '2010-05-08' }).toString()
  const signed = await signer.sign({
    method: 'POST',
    url: `${url}/`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
  const answer = await fetch(signed.url, { method: 'POST', headers: signed.headers, body })
  if (!answer.ok) throw new Error(`versitygw refused ${call.Action}: ${await answer.text()}`)
  return answer.text()
}

function within(text: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1]
  if (found === undefined) throw new Error(`versitygw gave no ${name}`)
  return found
}
