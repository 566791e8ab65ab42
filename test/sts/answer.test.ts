// Answers held against what was asked: whole and right, or refused. F-H08 to F-H11.

import { describe, expect, it } from 'vitest'
import { type CallerIdentity, readCallerIdentity, readSession, type StsSession } from '../../src/sts/answer.ts'
import type { CheckedInput } from '../../src/sts/inputs.ts'
import {
  assumedRole,
  assumeRoleInput,
  assumeRoleXml,
  bytes,
  credentialsXml,
  documentXml,
  errorXml,
  federationTokenXml,
  identityXml,
  sessionTokenXml,
  time,
} from './answers.ts'

const sessionTokenInput: CheckedInput = { action: 'GetSessionToken', parameters: [], durationSeconds: 3600 }
const federationInput: CheckedInput = { ...sessionTokenInput, action: 'GetFederationToken', federatedName: 'bob' }

function read(text: string, input: CheckedInput = assumeRoleInput, isAws = true): StsSession {
  return readSession(bytes(text), { input, isAws, time })
}
function readIdentity(text: string, isAws = true): CallerIdentity {
  return readCallerIdentity(bytes(text), { input: { ...sessionTokenInput, action: 'GetCallerIdentity' }, isAws, time })
}
const refused = (why: string): unknown =>
  expect.objectContaining({ code: 'ERR_STS_RESPONSE_INVALID', message: expect.stringContaining(why) })

const later = (seconds: number): string => new Date(time.getTime() + seconds * 1000).toISOString()

describe('a right answer', () => {
  it('to AssumeRole gives the session, its account and its user', () => {
    expect(
      read(assumeRoleXml({ more: '<PackedPolicySize>6</PackedPolicySize><SourceIdentity>me</SourceIdentity>' })),
    ).toEqual({
      credentials: {
        accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY',
        sessionToken: 'AQoDYXdzEPT//////////wEXAMPLE==',
        expiration: new Date(later(3600)),
        accountId: '123456789012',
      },
      assumedRoleUser: {
        arn: 'arn:aws:sts::123456789012:assumed-role/reader/session',
        assumedRoleId: 'AROA3XFRBF535PLBIFPI4:session',
      },
      packedPolicySize: 6,
      sourceIdentity: 'me',
    })
  })

  it('to GetFederationToken names the federated user', () => {
    const { federatedUser, credentials } = read(federationTokenXml(), federationInput)
    expect(federatedUser?.federatedUserId).toBe('123456789012:bob')
    expect(credentials.accountId).toBe('123456789012')
  })

  it('to GetSessionToken has no account', () => {
    expect(read(sessionTokenXml(), sessionTokenInput).credentials).not.toHaveProperty('accountId')
  })

  it('to GetCallerIdentity keeps leading zeros of the account', () => {
    expect(readIdentity(identityXml('000123456789')).account).toBe('000123456789')
  })

  it('may have members that this version does not know', () => {
    const text = assumeRoleXml({
      more: '<New>1</New><SessionTokenSize>700</SessionTokenSize><SessionTokenUtilization>17</SessionTokenUtilization>',
    })
    expect(read(text)).toMatchObject({ sessionTokenSize: 700, sessionTokenUtilization: 17 })
  })

  it('may be JSON, with the end in seconds', () => {
    const end = time.getTime() / 1000 + 900
    const Credentials = {
      AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
      SecretAccessKey: 's',
      SessionToken: 't',
      Expiration: end,
    }
    const text = JSON.stringify({
      GetSessionTokenResponse: { GetSessionTokenResult: { Credentials }, ResponseMetadata: {} },
    })
    expect(read(text, sessionTokenInput).credentials.expiration).toEqual(new Date(later(900)))
  })
})

describe('an answer that was cut', () => {
  it('F-H08: at any byte gives no credentials', () => {
    const whole = assumeRoleXml().trimEnd()
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => read(whole.slice(0, length)), `cut after ${length} bytes`).toThrow(refused('the answer'))
    }
  })
})

describe('an answer of another form', () => {
  const right = assumeRoleXml()
  const twice = (name: string): string => right.replace(new RegExp(`<${name}>.*</${name}>`), '$&$&')
  it.each([
    ['another namespace', right.replace('sts.amazonaws.com', 'sts.example.net'), 'another namespace'],
    ['no namespace', right.replace(/ xmlns="[^"]*"/, ''), 'another namespace'],
    ['CDATA', right.replace('ASIAIOSFODNN7EXAMPLE', '<![CDATA[ASIAIOSFODNN7EXAMPLE]]>'), 'not the XML'],
    ['a document type', `<!DOCTYPE a>${right}`, 'not the XML'],
    ['an entity', right.replace('ASIAIOSFODNN7EXAMPLE', '&key;'), 'not the XML'],
    ['the result nested twice', documentXml('AssumeRole', documentXml('AssumeRole', 'x')), 'has no Credentials'],
    [
      'credentials nested twice',
      documentXml('AssumeRole', `${assumedRole}<Credentials>${credentialsXml({})}</Credentials>`),
      'Credentials twice',
    ],
    [
      'credentials in an unknown part',
      right.replace('<Credentials>', '<New><AccessKeyId>x</AccessKeyId></New>$&'),
      'twice',
    ],
    ['two access key IDs', twice('AccessKeyId'), 'AccessKeyId twice'],
    ['two secrets', twice('SecretAccessKey'), 'SecretAccessKey twice'],
    ['two credentials', twice('Credentials'), 'Credentials twice'],
    [
      'an error in it',
      right.replace('<ResponseMetadata>', '<Error><Code>X</Code></Error><ResponseMetadata>'),
      'does not belong there',
    ],
    ['an error only', errorXml('AccessDenied'), 'does not belong to AssumeRole'],
    ['no credentials', documentXml('AssumeRole', ''), 'has no Credentials'],
    ['HTML', '<!DOCTYPE html><html></html>', 'not the XML'],
    ['nothing', '', 'not the XML'],
    ['JSON with a name twice', '{"AssumeRoleResponse":1,"AssumeRoleResponse":2}', 'not the XML'],
  ])('F-H09: with %s is refused', (_, text, why) => {
    expect(() => read(text)).toThrow(refused(why))
  })

  it.each(['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration', 'Arn'])(
    'F-H09: with an empty %s is refused',
    (name) => {
      expect(() => read(right.replace(new RegExp(`(<${name}>).*(</${name}>)`), '$1$2'))).toThrow(refused('the answer'))
    },
  )

  it('F-H09: that is not UTF-8 is refused', () => {
    const broken = bytes(right)
    broken[40] = 0xff
    expect(() => readSession(broken, { input: assumeRoleInput, isAws: true, time })).toThrow(refused('not the XML'))
  })

  it('F-H09: never shows what the answer holds', () => {
    const canary = 'canary canary'
    const text = right.replace('wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY', canary)
    expect(() => read(text)).toThrow(expect.not.objectContaining({ message: expect.stringContaining(canary) }))
  })
})

describe('an answer to another question', () => {
  it('F-H10: to another action is refused', () => {
    expect(() => read(assumeRoleXml(), sessionTokenInput)).toThrow(refused('does not belong to GetSessionToken'))
  })

  it.each([
    'arn:aws:sts::123456789012:assumed-role/writer/session',
    'arn:aws:sts::123456789012:assumed-role/reader/other',
    'arn:aws:sts::210987654321:assumed-role/reader/session',
    'arn:aws:iam::123456789012:role/reader',
    'arn:aws:sts::123456789012:federated-user/session',
  ])('F-H10: for %s is refused', (arn) => {
    const user = `<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>x</AssumedRoleId></AssumedRoleUser>`
    for (const isAws of [true, false])
      expect(() => read(assumeRoleXml({ user }), assumeRoleInput, isAws)).toThrow(refused('is for another'))
  })

  it('F-H10: for another federated user is refused', () => {
    expect(() => read(federationTokenXml(), { ...federationInput, federatedName: 'eve' })).toThrow(
      refused('is for another'),
    )
  })

  it('F-H10: without a user is refused at AWS and taken from another store', () => {
    expect(() => read(assumeRoleXml({ user: '' }))).toThrow(refused('is for another'))
    expect(read(assumeRoleXml({ user: '' }), assumeRoleInput, false).credentials).not.toHaveProperty('accountId')
  })

  it('F-H10: with a permanent access key ID is refused at AWS and taken from another store', () => {
    const text = assumeRoleXml({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    expect(() => read(text)).toThrow(refused('AccessKeyId'))
    expect(read(text, assumeRoleInput, false).credentials.accessKeyId).toBe('AKIAIOSFODNN7EXAMPLE')
  })

  it('F-H10: with an account that is none is refused at AWS', () => {
    expect(() => readIdentity(identityXml('12345'))).toThrow(refused('Account'))
    expect(readIdentity(identityXml('12345'), false).account).toBe('12345')
  })
})

describe('an end of the session', () => {
  it.each([
    [later(0), 'expired already'],
    [later(-1), 'expired already'],
    [later(3600 + 301), 'longer than the 3600 s'],
    [later(3600 + 360), 'longer than the 3600 s'],
    ['9999-12-31T23:59:59Z', 'longer than the 3600 s'],
    ['2026-11-24 13:00:00', 'Expiration'],
    ['2026-11-24T13:00:00', 'Expiration'],
    ['2026-11-24T13:00:00+01:00', 'Expiration'],
    ['2026-13-24T13:00:00Z', 'expired already'],
    ['1795525200', 'Expiration'],
    ['', 'Expiration'],
  ])('F-H11: %j is refused', (expiration, why) => {
    expect(() => read(assumeRoleXml({ expiration }))).toThrow(refused(why))
  })

  it('F-H11: that is missing is refused', () => {
    expect(() => read(assumeRoleXml().replace(/<Expiration>.*<.Expiration>/, ''))).toThrow(refused('has no Expiration'))
  })

  it.each([1, 3600, 3600 + 300])('F-H11: after %i s passes', (seconds) => {
    expect(read(assumeRoleXml({ expiration: later(seconds) })).credentials.expiration).toEqual(new Date(later(seconds)))
  })
})
