// Inputs of the three session actions, as the API's limits have them: B-044, B-045, B-047, B-048, B-049.

import { describe, expect, it } from 'vitest'
import {
  type AssumeRoleInput,
  checkAssumeRole,
  checkGetFederationToken,
  checkGetSessionToken,
  type GetFederationTokenInput,
  type GetSessionTokenInput,
} from '../../src/sts/inputs.ts'
import { withTokenCode } from '../../src/sts/token-code.ts'

const roleArn = 'arn:aws:iam::123456789012:role/reader'
const role = (more: object): AssumeRoleInput => ({ roleArn, roleSessionName: 'session', ...more })
const check = (input: AssumeRoleInput) => (): unknown => checkAssumeRole(input, 'AKIAIOSFODNN7EXAMPLE')
const refused = (why: string): unknown =>
  expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(why) })

describe('B-044 a role ARN', () => {
  it.each([
    ['arn:aws-moon:iam::123456789012:role/reader', 'a partition that AWS does not have'],
    ['arn:aws:iam:::role/reader', 'has no account'],
    ['arn:aws:iam::12345678901:role/reader', '11 digits'],
    ['arn:aws:iam::1234567890123:role/reader', '13 digits'],
    ['arn:aws:iam::account12345:role/reader', 'not a number'],
    ['arn:aws:iam::123456789012:user/reader', '"user/reader", not role/NAME'],
    ['arn:aws:sts::123456789012:assumed-role/reader/me', '"sts" as service'],
    ['arn:aws:iam::123456789012:assumed-role/reader/me', 'not role/NAME'],
    ['arn:aws:iam:eu-west-1:123456789012:role/reader', 'has a region'],
    ['arn:aws:iam::123456789012:role/rea der', 'has a space'],
    ['arn:aws:iam::123456789012:role/*', 'has a wildcard'],
    ['arn:aws:iam::123456789012:role/', 'does not allow'],
    ['arn:aws:iam::123456789012:role/a"b', 'does not allow'],
    ['123456789012:role/reader-with-a-long-name', 'is not an ARN'],
    ['arn:aws', '7 characters'],
    [`arn:aws:iam::123456789012:role/${'r'.repeat(2048)}`, 'not 20 to 2048'],
  ])('%s is refused with the part named', (arn, why) => {
    expect(check({ roleArn: arn })).toThrow(refused(why))
  })

  it.each([roleArn, 'arn:aws-cn:iam::123456789012:role/a/path/to/reader+=,.@-_'])('%s passes', (arn) => {
    expect(check({ roleArn: arn })).not.toThrow()
  })
})

describe('B-045 a duration', () => {
  const wrong = [899, 43_201, -1, 1.5, Number.NaN, '1h30', '3600']
  it.each(wrong)('of %j is refused for AssumeRole', (durationSeconds) => {
    expect(check(role({ durationSeconds }))).toThrow(refused('from 900 to 43200'))
  })

  it.each([899, 129_601, 900.5])('of %j is refused for sessions of a user', (durationSeconds) => {
    expect(() => checkGetSessionToken({ durationSeconds })).toThrow(refused('from 900 to 129600'))
    expect(() => checkGetFederationToken({ name: 'bob', durationSeconds })).toThrow(refused('from 900 to 129600'))
  })

  it('passes at both ends', () => {
    for (const durationSeconds of [900, 43_200]) expect(check(role({ durationSeconds }))).not.toThrow()
    for (const durationSeconds of [900, 129_600]) expect(() => checkGetSessionToken({ durationSeconds })).not.toThrow()
  })
})

describe('B-047 a session name', () => {
  it.each([
    ['a', '1 characters'],
    ['a'.repeat(65), '65 characters, not 2 to 64'],
    ['two words', 'character 4 is a space'],
    ['a/b', 'character 2'],
    ['naïve', 'character 3'],
    ['\u{1f511} key', 'character 1 is not allowed'],
  ])('%j is refused', (roleSessionName, why) => {
    expect(check(role({ roleSessionName }))).toThrow(refused(why))
    expect(check(role({ sourceIdentity: roleSessionName }))).toThrow(refused(why))
  })

  it('names the access key where none is given', () => {
    const { parameters } = checkAssumeRole({ roleArn }, 'key/of another store')
    expect(parameters).toContainEqual(['RoleSessionName', 'hardkey-key-of-another-store'])
  })

  it('of a federated user has 32 characters at most', () => {
    expect(() => checkGetFederationToken({ name: 'a'.repeat(33) })).toThrow(refused('33 characters, not 2 to 32'))
  })
})

describe('B-048 what goes into a session', () => {
  const tag = (key: string): object => ({ key, value: 'v' })
  const policyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  it.each([
    [{ externalId: 'a' }, 'externalId has 1 characters, not 2 to 1224'],
    [{ externalId: 'two words' }, 'a space'],
    [{ externalId: 'x'.repeat(1225) }, 'externalId has 1225'],
    [{ policy: `{"a":"${'x'.repeat(2048)}"}` }, 'not 1 to 2048'],
    [{ policy: 'Allow' }, 'policy is not a JSON object'],
    [{ policy: '[]' }, 'policy is not a JSON object'],
    [{ policy: '{"a":"€"}' }, 'character 7'],
    [{ policyArns: Array(11).fill({ arn: policyArn }) }, '11 entries; 10'],
    [{ policyArns: [{ arn: roleArn }] }, 'policyArns[0].arn names "role/reader"'],
    [{ policyArns: [policyArn] }, 'policyArns[0] is not an object'],
    [{ tags: Array.from({ length: 51 }, (_, index) => tag(`k${index}`)) }, '51 entries; 50'],
    [{ tags: [tag('Team'), tag('team')] }, 'twice'],
    [{ tags: [tag('aws:team')] }, 'begins with aws:'],
    [{ tags: [tag('k'.repeat(129))] }, 'not 1 to 128'],
    [{ tags: [{ key: 'k', value: 'v'.repeat(257) }] }, 'not 0 to 256'],
    [{ tags: [{ key: 'k' }] }, 'tags[0].value is missing'],
    [{ tags: [{ key: 'k', value: 'v;' }] }, 'character 2'],
    [{ tags: { k: 'v' } }, 'tags is not a list'],
    [{ tags: [tag('a')], transitiveTagKeys: ['b'] }, 'for which there is no tag'],
    [{ tags: [tag('a')], transitiveTagKeys: ['a', 'a'] }, 'for which there is no tag'],
    [{ providedContexts: [{ providerArn: 'arn:aws:iam::aws:contextProvider/I', contextAssertion: 'x' }] }, '4 to 2048'],
    [{ minimumSessionTokenSize: 4097 }, 'bytes from 0 to 4096'],
  ])('%j is refused', (more, why) => {
    expect(check(role(more))).toThrow(refused(why))
  })

  it('never shows a policy or an external ID', () => {
    const canary = 'canary-canary'
    for (const more of [{ policy: canary }, { externalId: `${canary} ${canary}` }]) {
      expect(check(role(more))).toThrow(expect.not.objectContaining({ message: expect.stringContaining(canary) }))
    }
  })
})

describe('B-049 MFA', () => {
  const tokenCode = async (): Promise<string> => '123456'
  it.each(['arn:aws:iam::123456789012:user/me', 'GAHT 1234', 'short', 'arn:aws:iam::123456789012:u2f/user/me/key'])(
    'refuses the device %j',
    (serialNumber) => {
      expect(check(role({ serialNumber, tokenCode }))).toThrow(refused('serialNumber'))
    },
  )

  it.each(['arn:aws:iam::123456789012:mfa/me', 'GAHT12345678'])('takes the device %s', (serialNumber) => {
    expect(checkGetSessionToken({ serialNumber, tokenCode }).mfa?.serialNumber).toBe(serialNumber)
  })

  it('says that a code is needed where nobody can be asked', () => {
    const input: GetSessionTokenInput = { serialNumber: 'GAHT12345678' }
    expect(() => checkGetSessionToken(input)).toThrow(expect.objectContaining({ code: 'ERR_MFA_REQUIRED' }))
  })

  it('refuses a callback without a device, and a code in its place', () => {
    expect(() => checkGetSessionToken({ tokenCode })).toThrow(refused('serialNumber is missing'))
    expect(check(role({ serialNumber: 'GAHT12345678', tokenCode: '123456' }))).toThrow(refused('not a function'))
  })

  it.each(['12345', '1234567', 'abcdef', '12 456', ''])('refuses the code %j without showing it', (code) => {
    const attempt = (): unknown => withTokenCode([], code)
    expect(attempt).toThrow('tokenCode is not six digits')
  })
})

describe('an input with other members', () => {
  it.each([
    [{ RoleArn: roleArn }, 'did you mean roleArn'],
    [{ roleSesionName: 'x' }, 'did you mean roleSessionName'],
    [{ region: 'x' }, 'there are roleArn'],
    [{ constructor: 'x' }, 'there are roleArn'],
  ])('%j is refused and the right name shown', (more, hint) => {
    expect(check(role(more))).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }))
  })

  it('says which one is missing', () => {
    // The cast: a caller in JavaScript.
    expect(() => checkGetFederationToken({} as GetFederationTokenInput)).toThrow(refused('name is missing'))
  })

  it('counts undefined as absent', () => {
    expect(checkGetSessionToken({ durationSeconds: undefined }).parameters).toEqual([])
  })
})
