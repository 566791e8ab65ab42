// Answers as STS writes them, for tests of its client: documents with one thing changed at a time.

import type { CheckedInput } from '../../src/sts/inputs.ts'

export const time: Date = new Date('2026-11-24T12:00:00Z')
export const roleArn = 'arn:aws:iam::123456789012:role/team/reader'
export const mfaSerial = 'arn:aws:iam::123456789012:mfa/me'

/** Who an answer is for, beside its credentials. */
export const assumedRole =
  '<AssumedRoleUser><AssumedRoleId>AROA3XFRBF535PLBIFPI4:session</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/reader/session</Arn></AssumedRoleUser>'
export const federatedUser =
  '<FederatedUser><Arn>arn:aws:sts::123456789012:federated-user/bob</Arn><FederatedUserId>123456789012:bob</FederatedUserId></FederatedUser>'

export interface SessionParts {
  readonly expiration?: string
  readonly accessKeyId?: string
  readonly user?: string
  readonly more?: string
}

export function credentialsXml({ expiration, accessKeyId = 'ASIAIOSFODNN7EXAMPLE' }: SessionParts): string {
  const end = expiration ?? new Date(time.getTime() + 3_600_000).toISOString()
  return `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey><SessionToken>AQoDYXdzEPT//////////wEXAMPLE==</SessionToken><Expiration>${end}</Expiration></Credentials>`
}

export function documentXml(action: string, result: string): string {
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <${action}Result>${result}</${action}Result>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</${action}Response>
`
}

export function assumeRoleXml(parts: SessionParts = {}): string {
  const { user = assumedRole, more = '<PackedPolicySize>6</PackedPolicySize>' } = parts
  return documentXml('AssumeRole', `${user}${credentialsXml(parts)}${more}`)
}

export function sessionTokenXml(parts: SessionParts = {}): string {
  return documentXml('GetSessionToken', credentialsXml(parts))
}

export function federationTokenXml(parts: SessionParts = {}): string {
  return documentXml('GetFederationToken', `${credentialsXml(parts)}${parts.user ?? federatedUser}`)
}

export function identityXml(account = '123456789012'): string {
  return documentXml(
    'GetCallerIdentity',
    `<Arn>arn:aws:iam::${account}:user/me</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Account>${account}</Account>`,
  )
}

export function errorXml(code: string, message = 'what AWS says'): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`
}

export const assumeRoleInput: CheckedInput = {
  action: 'AssumeRole',
  parameters: [],
  durationSeconds: 3600,
  role: { arn: roleArn, sessionName: 'session' },
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
