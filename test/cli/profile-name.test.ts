// An AWS profile in the place of NAME: which key it leads to, and what of profile, line and record holds. The STS of the
// demo checks every signature and issues sessions that sign for further roles.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { CheckedIn, region } from './checked-in.ts'
import type { Ran } from './hardkey.ts'
import { Serving } from './serving.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const roleArn = (name: string): string => `arn:aws:iam::111122223333:role/${name}`
const line = (words = 'prod'): string => `credential_process = /usr/bin/hardkey credential-process ${words}\n`
const asRole = (profile: string, source: string, more = ''): string =>
  `[profile ${profile}]\nrole_arn = ${roleArn(`of-${profile}`)}\nsource_profile = ${source}\n${more}`
const chain = `${asRole('a', 'b')}${asRole('b', 'c')}[profile c]\n${line()}`

beforeEach(() => {
  there.home.write('.aws/config', chain)
})

const ask = (...words: string[]): Promise<Ran> => there.home.run(['credential-process', ...words])

/** Who the printed session is. */
async function identityOf({ stdout, stderr }: Ran): Promise<string> {
  if (stdout === '') throw new Error(stderr)
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = JSON.parse(stdout)
  const keys = secretDateKeys({ accessKeyId, secretAccessKey, sessionToken })
  const sts = stsClient({ keys, region, endpoint: there.sts.url })
  const { arn } = await sts.getCallerIdentity()
  sts.close()
  return arn
}

const secondsOf = ({ stdout }: Ran): number => (Date.parse(JSON.parse(stdout).Expiration) - Date.now()) / 1000

describe('a profile in the place of NAME', () => {
  it('is the record that its line asks for', async () => {
    expect(await identityOf(await ask('--profile', 'c'))).toBe('arn:aws:iam::111122223333:user/demo')
  })

  it.each([
    [['whoami', '--profile', 'a'], 'user/demo'],
    [['presign', '--profile', 'a', 'https://s3.eu-west-1.amazonaws.com/b/k'], 'X-Amz-Signature='],
    [['token', '--profile', 'a', 'eks', '--cluster-name', 'blue'], 'k8s-aws-v1.'],
    [['explain', '--profile', 'a', 'GET', 'https://s3.eu-west-1.amazonaws.com/b/k'], 'eu-west-1/s3/aws4_request'],
    [['request', '--profile', 'a', 'GET', 'https://s3.eu-west-1.amazonaws.com/b/k', '--dry-run'], 'AWS4-HMAC-SHA256'],
  ])('works for %j', async (words, says) => {
    const ran = await there.home.run(words)
    expect(ran.stdout).toContain(says)
    expect(ran.stdout + ran.stderr).not.toContain('NAME')
  })

  it('is served', async () => {
    const serving = await Serving.start(there.home, ['serve', '--profile', 'a'])
    const answer = await serving.get()
    const { RoleArn } = (await answer.json()) as Record<string, string>
    expect([RoleArn, (await serving.stop()).stderr]).toEqual([roleArn('of-a'), ''])
  })

  it.each([[['export', '--profile', 'a', '--format', 'env']], [['exec', '--profile', 'a', '--env', '--', 'env']]])(
    'gives the session of its role by %j',
    async (words) => {
      const { stdout, stderr } = await there.home.run(words)
      const value = (name: string): string => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(stdout)?.[1] ?? stderr
      const keys = secretDateKeys({
        accessKeyId: value('AWS_ACCESS_KEY_ID'),
        secretAccessKey: value('AWS_SECRET_ACCESS_KEY'),
        sessionToken: value('AWS_SESSION_TOKEN'),
      })
      const sts = stsClient({ keys, region, endpoint: there.sts.url })
      expect((await sts.getCallerIdentity()).arn).toContain('assumed-role/of-a/')
      sts.close()
    },
  )

  it('leaves the other words of a command where they are', async () => {
    const ran = await there.home.run(['presign', '--profile', 'a'])
    expect(ran.stderr).toContain('hardkey: error: URL is missing')
  })

  it('gives its role, signed for by the role of its source, which the key itself assumes', async () => {
    const before = there.sts.accepted()
    const ran = await ask('--profile', 'a', '--role-session-name', 'last')
    expect(there.sts.accepted() - before).toBe(2)
    expect(await identityOf(ran)).toBe('arn:aws:sts::111122223333:assumed-role/of-a/last')
  })

  it('has the role of the record assumed first, where the record names one', async () => {
    await there.home.run(['configure', 'prod', '--role-arn', roleArn('of-the-record')])
    const before = there.sts.accepted()
    expect(await identityOf(await ask('--profile', 'b'))).toContain('assumed-role/of-b/')
    // Two roles, and the question who it is.
    expect(there.sts.accepted() - before).toBe(3)
    expect(await identityOf(await ask('--profile', 'c'))).toContain('assumed-role/of-the-record/')
    await there.home.run(['configure', 'prod', '--unset', 'role-arn'])
  })

  it('is followed along source_profile without a role, as in aws-vault', async () => {
    there.home.write('.aws/config', `[profile x]\nsource_profile = c\n${chain}`)
    expect(await identityOf(await ask('--profile', 'x'))).toBe('arn:aws:iam::111122223333:user/demo')
  })

  it('takes a role and a line of one profile together, as the AWS SDK for Go', async () => {
    there.home.write('.aws/config', `[profile x]\nrole_arn = ${roleArn('of-x')}\n${line()}`)
    expect(await identityOf(await ask('--profile', 'x'))).toContain('assumed-role/of-x/')
  })

  it('takes what its line says', async () => {
    const words = `prod --role-arn ${roleArn('of-the-line')} --role-session-name "from-the-line" --duration 20m`
    there.home.write('.aws/config', `[profile x]\n${line(words)}`)
    const ran = await ask('--profile', 'x')
    expect(await identityOf(ran)).toBe('arn:aws:sts::111122223333:assumed-role/of-the-line/from-the-line')
    expect(Math.round(secondsOf(ran) / 60)).toBe(20)
  })

  it('takes a key URI and its ID from the line', async () => {
    const uri = there.keyUri(`${there.home.records}/prod.keyset.json`)
    const words = `"${uri}" --access-key-id ${there.accessKeyId} --region ${region} --endpoint-url ${there.sts.url}`
    there.home.write('.aws/config', `[profile x]\n${line(words)}`)
    expect(await identityOf(await ask('--profile', 'x'))).toBe('arn:aws:iam::111122223333:user/demo')
  })

  it('gives role, session name and tags to its own role alone', async () => {
    const more = 'role_session_name = nightly\nsession_tags = team=blue, stage=test\ntransitive_session_tags = team\n'
    there.home.write('.aws/config', `${asRole('a', 'b', more)}${asRole('b', 'c')}[profile c]\n${line()}`)
    expect(await identityOf(await ask('--profile', 'a'))).toBe('arn:aws:sts::111122223333:assumed-role/of-a/nightly')
  })
})

describe('a setting of such a profile', () => {
  it.each([
    ['comes after an option', ['--region', 'us-east-2'], {}, 'us-east-2'],
    ['comes after a variable', [], { AWS_REGION: 'us-west-1' }, 'us-west-1'],
    ['comes before the record', [], {}, 'ap-south-1'],
  ])('%s', async (_, words, environment, expected) => {
    there.home.write('.aws/config', `[profile c]\nregion = ap-south-1\n${line()}`)
    const ran = await there.home.run(['token', '--profile', 'c', 'msk', '--json', ...words], { environment })
    const { token } = JSON.parse(ran.stdout) as { token: string }
    expect(Buffer.from(token, 'base64url').toString()).toContain(`%2F${expected}%2Fkafka-cluster`)
  })

  it('is named with file and line where it is wrong', async () => {
    there.home.write('.aws/config', `[profile c]\n${line()}endpoint_url = http://store.example\n`)
    const ran = await there.home.run(['whoami', '--profile', 'c'])
    expect(ran.stderr).toContain(`is not https (from ${there.home.folder}/.aws/config:3)`)
  })

  it('asks for the MFA code of the profile', async () => {
    const serial = 'arn:aws:iam::111122223333:mfa/of-the-profile'
    there.home.write('.aws/config', `${asRole('b', 'c', `mfa_serial = ${serial}\n`)}[profile c]\n${line()}`)
    expect((await ask('--profile', 'b')).stderr).toContain(`the code of ${serial}`)
  })

  it('is a duration, cut to an hour with a note where a role assumes the role', async () => {
    const words = 'duration_seconds = 7200\n'
    there.home.write('.aws/config', `${asRole('a', 'b', words)}${asRole('b', 'c', words)}[profile c]\n${line()}`)
    const [chained, direct] = [await ask('--profile', 'a'), await ask('--profile', 'b')]
    expect([chained, direct].map((ran) => Math.round(secondsOf(ran) / 60))).toEqual([60, 120])
    expect(chained.stderr).toContain("hardkey: note: a role assumed by another role's session lasts 3600 s at most")
    expect(direct.stderr).toBe('')
  })
})

describe('beside NAME', () => {
  it('B-103: a profile is where region, endpoint and CA are looked for last, and no more', async () => {
    expect(await identityOf(await ask('prod', '--profile', 'a'))).toBe('arn:aws:iam::111122223333:user/demo')
  })

  it('B-103: AWS_PROFILE is no NAME', async () => {
    const ran = await there.home.run(['whoami'], { environment: { AWS_PROFILE: 'c' } })
    expect([ran.stderr.split('\n')[0], ran.status]).toEqual(['hardkey: error: NAME is missing', 2])
  })
})
