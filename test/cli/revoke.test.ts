// `hardkey revoke`: the stop list, printed and carried out. In: a record, IAM and STS on loopback, which check signatures.

import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { revokePolicy } from '../../src/lifecycle/aws-policies.ts'
import type { IamCall } from '../iam/loopback-iam.ts'
import { Rotating } from '../rotation/rotating.ts'
import type { Ran } from './hardkey.ts'

const role = 'arn:aws:iam::111122223333:role/team/deploy'

let at: Rotating
beforeEach(async () => {
  at = await Rotating.make()
})
afterEach(() => at.remove())

const revoke = (...words: readonly string[]): Promise<Ran> => at.home.run(['revoke', 'prod', ...words])
const asked = (): readonly string[] => at.iam.actions().filter((action) => action !== 'GetCallerIdentity')
const denied =
  (...actions: readonly string[]) =>
  ({ action }: IamCall) =>
    actions.includes(action) ? { status: 403, code: 'AccessDenied' } : undefined

/** The office's own key of another user, in an AWS profile, permanent as far as the server knows. */
function officeProfile(more = ''): string {
  const { accessKeyId, secretAccessKey } = at.iam.addKey()
  const lines = `[office]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n${more}`
  at.home.write('.aws/credentials', lines)
  return accessKeyId
}

describe('without --apply', () => {
  it('tells each step with what it ends, until when it is good otherwise, and changes nothing', async () => {
    const ran = await revoke('--role-arn', role, '--json')
    const { sessionsBefore, steps, byHand } = JSON.parse(ran.stdout)
    const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id)
    expect(ids(steps)).toEqual(['access-key', 'user-sessions', 'role-sessions', 'kept-sessions'])
    expect(ids(byHand)).toEqual(['look-up', 'deletion', 'device', 'links'])
    expect(steps.map(({ done }: { readonly done: unknown }) => done)).toEqual([null, null, null, null])
    expect(Date.parse(sessionsBefore)).toBeGreaterThan(Date.now())
    expect(sessionsBefore).toMatch(/:\d\dZ$/)
    const longest = new Date(Date.parse(sessionsBefore) + 36 * 3_600_000).toISOString().slice(0, 16)
    expect(steps[1]).toMatchObject({ otherwise: expect.stringContaining(longest) })
    expect([ran.status, asked(), at.iam.active()]).toEqual([0, [], [at.first]])
    expect(ran.stderr).toContain('hardkey: next: hardkey revoke prod --apply')
  })

  it('prints commands that a shell takes as they stand, each policy as one word', async () => {
    const { stdout } = await revoke('--role-arn', role)
    const commands = Array.from(stdout.matchAll(/^ {3}command +(aws iam put-.*)$/gm), ([, command]) => command)
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      const words = spawnSync('sh', ['-c', `aws() { printf '%s\\n' "$@"; }; ${command}`], { encoding: 'utf8' })
      const [, , , name, , policyName, , policy = ''] = words.stdout.split('\n')
      expect([['hk', 'deploy'], policyName]).toEqual([expect.arrayContaining([name]), 'hardkey-revoke'])
      const { Condition } = JSON.parse(policy).Statement[0]
      expect(JSON.parse(policy)).toEqual(revokePolicy(new Date(Condition.DateLessThan['aws:TokenIssueTime'])))
    }
  })

  it('leaves a gap for a name that nobody tells, and asks nobody with --offline or --user-name', async () => {
    at.iam.keys.clear()
    const ran = await revoke()
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining('--user-name USER --access-key-id') })
    expect(ran.stderr).toContain('nobody says whose key it is')
    at.home.write('passphrase', 'another horse\n')
    expect(await revoke('--offline')).toMatchObject({ status: 0, stdout: expect.stringContaining('--user-name USER ') })
    expect(await revoke('--user-name', 'hk')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--user-name hk '),
    })
  })

  it('names both keys while a rotation is under way', async () => {
    await at.rotate('--overlap', '7d', '--yes')
    const { stdout } = await revoke('--json')
    const keys = JSON.parse(stdout).steps.filter(({ id }: { readonly id: string }) => id === 'access-key')
    expect(keys.map(({ command }: { readonly command: string }) => /AKIA\w+/.exec(command)?.[0])).toEqual([
      at.inRecord(),
      at.first,
    ])
  })
})

describe('with --apply', () => {
  it('signed by the device: ends the sessions first and switches the key off last', async () => {
    const ran = await revoke('--role-arn', role, '--apply', '--yes')
    expect(ran).toMatchObject({ status: 0, stdout: expect.not.stringContaining('not done') })
    expect(asked()).toEqual(['PutUserPolicy', 'PutRolePolicy', 'UpdateAccessKey'])
    expect([...at.iam.policies.keys()]).toEqual(['user/hk/hardkey-revoke', 'role/deploy/hardkey-revoke'])
    expect(at.iam.active()).toEqual([])
    expect(ran.stderr).toContain('hardkey: next: hardkey forget prod --from-device\n')
    expect(await at.home.run(['whoami', 'prod'])).toMatchObject({ status: 1 })
  })

  it('where IAM wants MFA: one code opens a session, which ends the sessions of the user last', async () => {
    at.iam.wantsMfa = true
    const mfa = ['--mfa-serial', 'arn:aws:iam::111122223333:mfa/hk', '--token-code', '123456']
    const ran = await revoke('--role-arn', role, '--apply', '--yes', ...mfa)
    expect(ran).toMatchObject({ status: 0, stdout: expect.not.stringContaining('not done') })
    expect(asked()).toEqual(['GetSessionToken', 'UpdateAccessKey', 'PutRolePolicy', 'PutUserPolicy'])
    expect(at.iam.active()).toEqual([])
  })

  it('where no code can be had: the key itself signs, and a step that IAM refuses is named', async () => {
    const path = 'hardkey/keys/prod.json'
    const record = JSON.parse(at.home.read(path))
    at.home.write(path, JSON.stringify({ ...record, mfaSerial: 'arn:aws:iam::111122223333:mfa/hk' }))
    const ran = await revoke('--apply', '--yes')
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('IAM is asked without MFA') })
    expect(at.iam.active()).toEqual([])
  })

  it('signed by other credentials: the key goes first, and no device is needed', async () => {
    officeProfile()
    at.home.write('passphrase', 'another horse\n')
    const ran = await revoke('--apply', '--yes', '--admin-profile', 'office', '--user-name', 'hk')
    expect(ran).toMatchObject({ status: 0 })
    expect(asked()).toEqual(['ListAccessKeys', 'UpdateAccessKey', 'PutUserPolicy'])
    expect(at.iam.keys.get(at.first)).toMatchObject({ active: false })
  })

  it('signed by other credentials: the MFA device of their profile opens a session', async () => {
    at.iam.wantsMfa = true
    officeProfile('mfa_serial = arn:aws:iam::111122223333:mfa/office\n')
    const as = ['--admin-profile', 'office', '--user-name', 'hk', '--token-code', '123456']
    expect(await revoke('--apply', '--yes', ...as)).toMatchObject({ status: 0 })
    expect(asked()).toEqual(['GetSessionToken', 'ListAccessKeys', 'UpdateAccessKey', 'PutUserPolicy'])
  })

  it('names the right that is missing, goes on, and ends with 1', async () => {
    at.iam.fault = denied('PutUserPolicy', 'PutRolePolicy')
    const ran = await revoke('--role-arn', role, '--apply', '--yes')
    expect(ran).toMatchObject({ status: 1, stdout: expect.stringContaining('must allow iam:PutUserPolicy') })
    expect(ran.stdout).toContain('must allow iam:PutRolePolicy')
    const next = `revoke prod --role-arn ${role} --apply --admin-profile PROFILE --user-name hk\n`
    expect(ran.stderr).toContain(`hardkey: next: hardkey ${next}`)
    expect(ran.stderr).not.toContain('forget')
    expect(at.iam.active()).toEqual([])
  })

  it('tells each outcome as JSON', async () => {
    at.iam.fault = denied('PutUserPolicy')
    const { stdout } = await revoke('--apply', '--yes', '--json')
    expect(JSON.parse(stdout).steps).toMatchObject([
      { id: 'access-key', done: true, error: null },
      { id: 'user-sessions', done: false, right: 'iam:PutUserPolicy', error: { code: 'ERR_STS_REFUSED' } },
      { id: 'kept-sessions', done: true },
    ])
  })

  it('does not touch a role of the same name in the account of the signer', async () => {
    const ran = await revoke('--role-arn', 'arn:aws:iam::999988887777:role/deploy', '--apply', '--yes')
    expect(ran).toMatchObject({ status: 1, stdout: expect.stringContaining('is a role of another account') })
    expect(asked()).toEqual(['PutUserPolicy', 'UpdateAccessKey'])
  })

  it('does not touch a user who has not this key', async () => {
    officeProfile()
    at.iam.keys.delete(at.first)
    const ran = await revoke('--apply', '--yes', '--admin-profile', 'office', '--user-name', 'hk')
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining(`has no access key ${at.first}`) })
    expect(asked()).toEqual(['ListAccessKeys'])
  })

  it('signed by the device: does not touch a user who is not the one of the key', async () => {
    const ran = await revoke('--apply', '--yes', '--user-name', 'other')
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('the user other has no access key') })
    expect(asked()).toEqual([])
  })

  it.each([
    [['--apply'], /there is no terminal to ask whether the key shall be switched off/],
    [['--with', 'prod'], /--with signs for --apply, which is missing/],
    [['--apply', '--with', 'prod', '--admin-profile', 'office'], /--with contradicts --admin-profile/],
    [['--apply', '--role-arn', 'deploy'], /role-arn/],
    [['--apply', '--offline'], /--apply contradicts --offline/],
  ])('is refused with %j', async (words, message) => {
    expect(await revoke(...words)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(message) })
    expect(asked()).toEqual([])
  })
})
