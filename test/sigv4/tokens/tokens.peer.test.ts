// Each token, byte for byte, against AWS's own signer of it. Theirs is made first; ours at the time that stands in it.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../../src/sigv4/date-key.ts'
import { elastiCacheToken, memoryDbToken } from '../../../src/sigv4/tokens/cache.ts'
import { dsqlToken } from '../../../src/sigv4/tokens/dsql.ts'
import { mskToken } from '../../../src/sigv4/tokens/msk.ts'
import { rdsToken } from '../../../src/sigv4/tokens/rds.ts'
import { eksToken } from '../../../src/sts/eks-token.ts'
import { builtEnvironment, peer } from '../../peers/peer.ts'

const permanent = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const temporary = { ...permanent, sessionToken: 'a+b/c==' }
const region = 'eu-west-1'
type Credentials = typeof permanent & { sessionToken?: string }

/** Keys, region and the time at which the other token was made. */
function at(credentials: Credentials, url: string) {
  const stamp = new URLSearchParams(url.slice(url.indexOf('?'))).get('X-Amz-Date') ?? ''
  const date = new Date(stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
  return { keys: secretDateKeys(credentials), region, now: () => date }
}

const plain = (token: string): string => Buffer.from(token, 'base64url').toString()

function python(command: string, asked: object): string {
  const input = JSON.stringify(asked)
  const script = join(import.meta.dirname, 'tokens_oracle.py')
  const ran = spawnSync(command, [script], { input, env: builtEnvironment({ PYTHONUTF8: '1' }), encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`the oracle failed: ${ran.stderr}`)
  return ran.stdout
}

const both: [string, Credentials][] = [
  ['a permanent key', permanent],
  ['temporary credentials', temporary],
]

describe.each(both)('the token of a database, made with %s', (_, credentials) => {
  it.each([3306, 443])('for RDS is that of @aws-sdk/rds-signer, at port %d', async (port) => {
    const { Signer } = await sdk('@aws-sdk/rds-signer')
    const database = { hostname: 'db.example.com', port, username: "a b+c@d'" }
    const theirs: string = await new Signer({ ...database, region, credentials }).getAuthToken()
    const { token } = await rdsToken({ ...at(credentials, theirs), ...database })
    expect(token).toBe(theirs)
  })

  it.each([true, false])('for DSQL is that of @aws-sdk/dsql-signer, as admin: %s', async (admin) => {
    const { DsqlSigner } = await sdk('@aws-sdk/dsql-signer')
    const signer = new DsqlSigner({ hostname: 'x.dsql.eu-west-1.on.aws', region, credentials, expiresIn: 1234 })
    const theirs: string = await (admin ? signer.getDbConnectAdminAuthToken() : signer.getDbConnectAuthToken())
    const options = { hostname: 'x.dsql.eu-west-1.on.aws', admin, expiresIn: 1234 }
    expect((await dsqlToken({ ...at(credentials, theirs), ...options })).token).toBe(theirs)
  })

  it('for ElastiCache and MemoryDB is what botocore presigns', async () => {
    const { command } = await peer('python')
    const asked = { kind: 'cache', region, ...credentials }
    const query = '/?Action=connect&User=me%2Bx'
    const names = { cacheName: 'my-cache', userId: 'me+x' }
    const cache = python(command, { ...asked, service: 'elasticache', url: `http://my-cache${query}` })
    expect((await elastiCacheToken({ ...at(credentials, cache), ...names })).token).toBe(cache)
    const url = `http://my-cache${query}&ResourceType=ServerlessCache`
    const serverless = python(command, { ...asked, service: 'elasticache', url })
    const ours = await elastiCacheToken({ ...at(credentials, serverless), ...names, serverless: true })
    expect(ours.token).toBe(serverless)
    const memory = python(command, { ...asked, service: 'memorydb', url: `http://my-cache${query}` })
    expect((await memoryDbToken({ ...at(credentials, memory), ...names })).token).toBe(memory)
  })
})

describe.each(both)('the token made with %s', (_, credentials) => {
  it('for MSK is that of the signer of PyPI, whose name is given', async () => {
    const { command } = await peer('msksigner')
    const theirs = python(command, { kind: 'msk', region, ...credentials })
    const userAgent = new URL(plain(theirs)).searchParams.get('User-Agent') ?? ''
    expect(userAgent).toMatch(/^aws-msk-iam-sasl-signer-python\//)
    const { token, expiration } = await mskToken({ ...at(credentials, plain(theirs)), userAgent })
    expect(token).toBe(theirs)
    expect(expiration.getTime()).toBe(at(credentials, plain(theirs)).now().getTime() + 900_000)
  })

  it('for EKS is that of aws eks get-token', async () => {
    const { command } = await peer('awscli')
    const words = ['eks', 'get-token', '--cluster-name', 'my_cluster-1', '--region', region, '--output', 'json']
    const { stdout, stderr } = spawnSync(command, words, {
      env: builtEnvironment({
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
        HOME: '/nonexistent',
      }),
      encoding: 'utf8',
    })
    expect(stderr).not.toContain('rror')
    const theirs: string = JSON.parse(stdout).status.token
    const moment = at(credentials, plain(theirs.replace('k8s-aws-v1.', '')))
    expect((await eksToken({ ...moment, clusterName: 'my_cluster-1' })).token).toBe(theirs)
  })
})

async function sdk(name: string) {
  const { folder } = await peer('tokensigners')
  return createRequire(join(folder, 'package.json'))(name)
}
