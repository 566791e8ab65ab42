// What STS refuses, each with AWS's code, the status, the request id and what to look at. F-H03, F-H12, F-H17, T-6.

import { describe, expect, it } from 'vitest'
import type { HardkeyError } from '../../src/errors.ts'
import { type CallContext, refusalOf } from '../../src/query/refusal.ts'
import { bytes, errorXml } from '../sts/answers.ts'

const context: CallContext = {
  service: 'sts',
  action: 'AssumeRole',
  host: 'sts.eu-west-1.amazonaws.com',
  region: 'eu-west-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  withMfa: false,
  secrets: [],
  clockAhead: undefined,
}

function errorOf(status: number, body: string, more: Partial<CallContext> = {}): HardkeyError {
  return refusalOf({ status, headers: {}, body: bytes(body) }, { ...context, ...more }).error
}

describe('a refusal', () => {
  it('carries code, status, request id and the sentence of AWS', () => {
    const error = errorOf(403, errorXml('AccessDenied', 'User is not authorized'))
    expect(error).toMatchObject({
      code: 'ERR_STS_REFUSED',
      message: 'sts.eu-west-1.amazonaws.com refused AssumeRole: AccessDenied: User is not authorized',
      serviceCode: 'AccessDenied',
      status: 403,
      requestId: 'request-1',
      tryAgain: false,
    })
  })

  it.each([
    ['SignatureDoesNotMatch', '', 'the device holds another secret than that of AKIAIOSFODNN7EXAMPLE'],
    ['SignatureDoesNotMatch', 'Signature expired: 20261124T120000Z is now earlier than …', 'set the clock'],
    ['SignatureDoesNotMatch', 'Signature not yet current: …', 'set the clock'],
    ['SignatureDoesNotMatch', 'Credential should be scoped to a valid region.', 'check the region: eu-west-1'],
    ['InvalidClientTokenId', '', 'check the access key ID AKIAIOSFODNN7EXAMPLE'],
    ['InvalidAccessKeyId', '', 'check the access key ID AKIAIOSFODNN7EXAMPLE'],
    ['UnrecognizedClientException', '', 'check the access key ID AKIAIOSFODNN7EXAMPLE'],
    ['AccessDenied', 'not authorized', "the role's trust policy"],
    ['ExpiredToken', '', 'the session that signs has ended'],
    ['ExpiredTokenException', '', 'the session that signs has ended'],
    ['RequestTimeTooSkewed', '', 'set the clock'],
    ['RequestExpired', '', 'set the clock'],
    ['RegionDisabledException', '', 'STS is not active in eu-west-1'],
    ['OptInRequired', '', 'not opted into eu-west-1'],
    ['MalformedPolicyDocument', '', 'check the session policy'],
    ['PackedPolicyTooLarge', '', 'too large'],
    ['ValidationError', 'exceeds the MaxSessionDuration set for this role', 'shorter duration'],
    ['ValidationError', 'exceeds the 1 hour session limit for roles assumed by role chaining', '3600 s at most'],
    ['Throttling', '', 'too many calls'],
  ])('F-H03: %s (%s) has its hint', (code, message, hint) => {
    expect(errorOf(403, errorXml(code, message)).hint).toContain(hint)
  })

  it('of a signature says whether the clock is right', () => {
    const body = errorXml('SignatureDoesNotMatch')
    expect(errorOf(403, body, { clockAhead: 2000 }).hint).toContain('the clock is right')
    expect(errorOf(403, body, { clockAhead: 1_200_000 }).hint).toContain('or the clock of this machine is wrong')
  })

  it.each([
    [1_200_000, '1200 s behind'],
    [-1_200_000, '1200 s ahead'],
  ])('of the time says by how much the clock is wrong', (clockAhead, hint) => {
    expect(errorOf(403, errorXml('RequestTimeTooSkewed'), { clockAhead }).hint).toContain(hint)
  })

  it('F-H17: of an MFA code says to wait for the next one', () => {
    const body = errorXml('AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code.')
    expect(errorOf(403, body, { withMfa: true }).hint).toContain('wait for the next one')
  })

  it('of another action names its permission', () => {
    const hint = errorOf(403, errorXml('AccessDenied'), { action: 'GetFederationToken' }).hint
    expect(hint).toContain('must allow sts:GetFederationToken')
  })

  it('of throttling may be tried again, whatever its status', () => {
    for (const status of [400, 429, 503])
      expect(errorOf(status, errorXml('Throttling'))).toMatchObject({ code: 'ERR_STS_REFUSED', tryAgain: true })
  })

  it.each([
    ['of S3', '<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>r</RequestId></Error>'],
    [
      'of EC2',
      '<Response><Errors><Error><Code>AccessDenied</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>',
    ],
    ['as JSON', '{"Error":{"Code":"AccessDenied","Message":"no"},"RequestId":"r"}'],
  ])('is read in the form %s', (_, body) => {
    expect(errorOf(403, body)).toMatchObject({ serviceCode: 'AccessDenied', requestId: 'r' })
  })
})

describe('an answer that AWS does not give', () => {
  it.each([500, 502, 503, 504])('with HTTP %i may be tried again', (status) => {
    for (const body of ['', '<!doctype html><title>Oops</title>', errorXml('InternalFailure')]) {
      expect(errorOf(status, body)).toMatchObject({ code: 'ERR_STS_UNREACHABLE', status, tryAgain: true })
    }
  })

  it('says that it is none', () => {
    expect(errorOf(500, '<html>').message).toBe(
      'sts.eu-west-1.amazonaws.com answered HTTP 500, which is not an answer of AWS',
    )
    expect(errorOf(404, '<html>')).toMatchObject({ code: 'ERR_STS_RESPONSE_INVALID', status: 404, tryAgain: false })
  })

  it.each([301, 302, 307, 308])('F-H12: with HTTP %i is a redirect that is not followed', (status) => {
    expect(errorOf(status, '')).toMatchObject({
      code: 'ERR_STS_RESPONSE_INVALID',
      message: expect.stringContaining('a redirect, which is not followed'),
    })
  })

  it.each(['<Code>', 'a b', 'x'.repeat(101), ''])('with the code %j is none', (code) => {
    expect(errorOf(403, `<Error><Code>${code}</Code></Error>`).serviceCode).toBeUndefined()
  })
})

describe('what a refusal quotes', () => {
  it('stays on one line, without what turns a terminal', () => {
    const { message } = errorOf(400, errorXml('ValidationError', 'a\nb\r\n\tc &#x202e;d'))
    expect(message).toMatch(/ValidationError: a b c \\u202ed$/)
  })

  it('is cut', () => {
    expect(errorOf(400, errorXml('ValidationError', 'x'.repeat(5000))).message.length).toBeLessThan(700)
  })

  it('hides the session token and the MFA code', () => {
    const secrets = ['123456', 'session-token-canary']
    const body = errorXml('ValidationError', "'123456' with session-token-canary")
    expect(errorOf(400, body, { secrets }).message).toContain("'[secret]' with [secret]")
  })
})
