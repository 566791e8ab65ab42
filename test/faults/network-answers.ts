// What STS answers in the tests of network faults, right and wrong, and whose key asks. In: a request as it was heard. Out:
// documents, answers, the script of an STS that works, and the secrets that must be seen nowhere.

import { createHmac } from 'node:crypto'
import { passphrase } from '../backends/tink-files.ts'
import type { Canaries } from '../contract/canary.ts'
import { type IssuedCertificate, type TestAuthority, testAuthority } from '../http/certificates.ts'
import { documentXml, errorXml } from '../sts/answers.ts'
import { answer, type Heard, type Script } from './bytes-server.ts'

export const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
/** That of the official vectors, which `countedKey` holds too. */
export const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
export const region = 'eu-west-1'
export const authority: TestAuthority = testAuthority()
export const certificate: IssuedCertificate = authority.issue({ names: ['127.0.0.1', 'sts.eu-west-1.amazonaws.com'] })

/** The session that a good answer holds. */
export const session = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'canarysessionsecret/bPxRfiCYzEXAMPLEKEY1',
  sessionToken: 'canarysessiontoken//////////wEXAMPLE==',
} as const

export const other = {
  accessKeyId: 'AKIAOTHERIDENTITY00A',
  secretAccessKey: 'othercanarysecret/bPxRfiCYEXAMPLEKEY0000',
}

/** What must be seen nowhere. */
export function canaries(): Canaries {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const texts = {
    secret: secretAccessKey,
    'other secret': other.secretAccessKey,
    'session secret': session.secretAccessKey,
    'session token': session.sessionToken,
  }
  return {
    ...Object.fromEntries(Object.entries(texts).map(([label, text]) => [label, Buffer.from(text)])),
    passphrase,
    DateKey: createHmac('sha256', `AWS4${secretAccessKey}`).update(today).digest(),
  }
}

/** The parts of a session's answer that a test may change. */
export interface SessionChange {
  readonly expiration?: string
  readonly user?: string
  readonly credentials?: (xml: string) => string
}

/** Ends an hour from now, in whole seconds. */
export function inSeconds(seconds: number): string {
  return `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`
}

export function sessionXml(
  action: string,
  { expiration, user = '', credentials = (xml) => xml }: SessionChange = {},
): string {
  const inner =
    `<AccessKeyId>${session.accessKeyId}</AccessKeyId><SecretAccessKey>${session.secretAccessKey}</SecretAccessKey>` +
    `<SessionToken>${session.sessionToken}</SessionToken><Expiration>${expiration ?? inSeconds(3600)}</Expiration>`
  return documentXml(action, `${user}${credentials(`<Credentials>${inner}</Credentials>`)}`)
}

const identityXml = documentXml(
  'GetCallerIdentity',
  '<Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Account>123456789012</Account>',
)

export const role = 'arn:aws:iam::123456789012:role/team/reader'
export const assumedRole =
  '<AssumedRoleUser><AssumedRoleId>AROA3XFRBF535PLBIFPI4:nightly</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/reader/nightly</Arn></AssumedRoleUser>'

/** The action that a request asks for. */
export function actionOf({ text }: Heard): string {
  return /(?:^|&)Action=(\w+)/m.exec(text.slice(text.indexOf('\r\n\r\n') + 4))?.[1] ?? ''
}

/** The document that a right answer to this request has. */
export function rightXml(heard: Heard): string {
  const action = actionOf(heard)
  if (action === 'GetCallerIdentity') return identityXml
  return sessionXml(action, action === 'AssumeRole' ? { user: assumedRole } : {})
}

/** STS as it should be. */
export const goodSts: Script = (heard) => [{ send: answer(200, rightXml(heard), { Date: new Date().toUTCString() }) }]

/** An answer with AWS's error in it. */
export function refusal(status: number, code: string, message?: string): string {
  return answer(status, errorXml(code, message), { Date: new Date().toUTCString() })
}
