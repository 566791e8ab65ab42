// `hardkey credential-process` against the STS of the demo, which checks every signature itself and issues sessions of
// all three kinds that sign further requests.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { CheckedIn, region, role } from './checked-in.ts'
import type { Ran } from './hardkey.ts'

// Each run opens an embedded keyset, whose passphrase is slow to try on purpose.
let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const ask = (...words: string[]): Promise<Ran> => there.home.run(['credential-process', 'prod', ...words])

interface ProcessJson {
  readonly Version: number
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
  readonly SessionToken: string
  readonly Expiration: string
  readonly AccountId?: string
}

/** Who the printed session is, asked with a signature made from it. */
async function identityOf({ stdout, stderr }: Ran): Promise<string> {
  if (stdout === '') throw new Error(stderr)
  const session = JSON.parse(stdout) as ProcessJson
  const keys = secretDateKeys({
    accessKeyId: session.AccessKeyId,
    secretAccessKey: session.SecretAccessKey,
    sessionToken: session.SessionToken,
  })
  const sts = stsClient({ keys, region, endpoint: there.sts.url })
  const { arn } = await sts.getCallerIdentity()
  sts.close()
  return arn
}

describe('a session', () => {
  it('of GetSessionToken can be used', async () => {
    expect(await identityOf(await ask())).toBe('arn:aws:iam::111122223333:user/demo')
  })

  it('of AssumeRole can be used, with the name that was given', async () => {
    const ran = await ask('--role-arn', role, '--role-session-name', 'nightly')
    expect(await identityOf(ran)).toBe('arn:aws:sts::111122223333:assumed-role/deploy/nightly')
  })

  it('of GetFederationToken can be used', async () => {
    const ran = await ask('--federation-name', 'visitor', '--policy', '{"Version":"2012-10-17","Statement":[]}')
    expect(await identityOf(ran)).toBe('arn:aws:sts::111122223333:federated-user/visitor')
  })

  it('is one line of JSON with version, whole seconds and account, and nothing else on either stream', async () => {
    const { stdout, stderr, status } = await ask('--role-arn', role, '--duration', '1h')
    const session = JSON.parse(stdout) as ProcessJson
    expect(stdout).toBe(`${JSON.stringify(session)}\n`)
    expect(session).toMatchObject({ Version: 1, AccountId: '111122223333' })
    expect(session.Expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  })

  it('lasts as long as asked for', async () => {
    const { stdout } = await ask('--duration', '36h')
    const hours = (Date.parse((JSON.parse(stdout) as ProcessJson).Expiration) - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(35.9)
    expect(hours).toBeLessThanOrEqual(36)
  })

  it('under 30 minutes is given with a warning', async () => {
    const { stderr, status } = await ask('--duration', '15m')
    expect(stderr).toMatch(/^hardkey: warning: a session under 30 minutes .*\n$/)
    expect(status).toBe(0)
  })

  it.each([
    ['AssumeRole', ['--role-arn', role], '13h', 43_200],
    ['GetSessionToken', [], '37h', 129_600],
    ['GetFederationToken', ['--federation-name', 'visitor'], '37h', 129_600],
  ])(
    'of %s is as long as STS gives, and says so, where a longer one is asked for',
    async (action, words, time, most) => {
      const { stdout, stderr } = await ask(...words, '--duration', time)
      const seconds = (Date.parse((JSON.parse(stdout) as ProcessJson).Expiration) - Date.now()) / 1000
      expect(Math.round(seconds / 60)).toBe(most / 60)
      expect(stderr).toContain(`hardkey: note: a session of ${action} lasts ${most} s at most`)
    },
  )

  it('is fresh with --no-cache', async () => {
    expect(await identityOf(await ask('--no-cache'))).toContain('user/demo')
  })

  it('tells with --verbose what was done, and never the session', async () => {
    const { stdout, stderr } = await ask('--verbose')
    const { SecretAccessKey, SessionToken } = JSON.parse(stdout) as ProcessJson
    expect(stderr).toContain('hardkey: step: ask STS for GetSessionToken')
    expect(stderr).not.toContain(SecretAccessKey)
    expect(stderr).not.toContain(SessionToken)
  })
})

describe('an option', () => {
  it.each([
    [['--no-role', '--role-arn', role], '--no-role contradicts --role-arn'],
    [['--federation-name', 'visitor', '--role-arn', role], '--federation-name contradicts --role-arn'],
    [['--external-id', 'x1'], 'GetSessionToken (no role is given) does not take --external-id'],
    [['--federation-name', 'visitor', '--source-identity', 'me'], 'GetFederationToken does not take --source-identity'],
    [['--role-arn', role, '--tag', 'team'], '--tag needs KEY=VALUE'],
    [['--role-arn', role, '--duration', 'long'], '--duration is no length of time'],
    [['--role-arn', 'arn:aws:iam::1:role/x'], '--role-arn has'],
    [['--role-arn', role, '--duration', '14m'], '--duration is 840'],
    [['--role-arn', role, '--policy', '@missing.json'], '--policy: cannot read "missing.json": it does not exist'],
    [
      ['--role-arn', role, '--transitive-tag-key', 'team'],
      '--transitive-tag-key has "team", for which there is no tag',
    ],
  ])('B-044 to B-049: %j is refused before a device is opened', async (words, message) => {
    const { stdout, stderr, status } = await ask(...words, '--pin-source', 'file:/nonexistent/pin')
    expect(stderr).toContain(message)
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
  })

  it('of every kind reaches AssumeRole', async () => {
    const policy = there.home.write('policy.json', '{"Version":"2012-10-17","Statement":[]}')
    const tags = ['--tag', 'team=blue', '--tag', 'stage=', '--transitive-tag-key', 'team']
    const more = ['--external-id', 'x-1', '--source-identity', 'me', '--policy', `@${policy}`]
    const arns = ['--policy-arn', 'arn:aws:iam::aws:policy/ReadOnlyAccess']
    expect((await ask('--role-arn', role, ...tags, ...more, ...arns)).status).toBe(0)
  })
})

describe('a failure', () => {
  it('prints nothing on standard output and says which key ID is unknown', async () => {
    const { stdout, stderr, status } = await there.home.run([
      'credential-process',
      there.keyUri(`${there.home.records}/prod.keyset.json`),
      '--access-key-id',
      'AKIAAAAAAAAAAAAAAAAA',
      '--region',
      region,
      '--endpoint-url',
      there.sts.url,
    ])
    expect(stderr).toMatch(/^hardkey: error: .*\nhardkey: hint: .*\n$/)
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 })
  })

  it('F-W05: MFA without a terminal fails at once', async () => {
    const { stderr, status } = await ask('--mfa-serial', 'arn:aws:iam::111122223333:mfa/me')
    expect(stderr).toContain(
      'hardkey: error: there is no terminal to ask for the code of arn:aws:iam::111122223333:mfa/me',
    )
    expect(status).toBe(1)
  })
})
