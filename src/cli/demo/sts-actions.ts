// What the STS on loopback does once a signature is right: the four actions, and sessions that sign further requests.
// In: the form of a request and its caller. Out: an answer in XML. AWS STS API Reference 2011-06-15.

import { randomBytes } from 'node:crypto'
import { Secret } from '../../key/secret.ts'

/** The account of everybody here; AWS's documentation uses it for nobody's. */
export const account = '111122223333'

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Whom a signature speaks for. */
export interface Identity {
  /** "AWS4" and the secret access key. */
  readonly start: Secret
  readonly arn: string
  readonly userId: string
  readonly sessionToken: string | undefined
  /** Milliseconds since 1970. */
  readonly ends: number
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Does what the form asks for. Sessions are added to `identities`. */
export function act(form: URLSearchParams, caller: Identity, identities: Map<string, Identity>, now: Date): Answer {
  const action = form.get('Action') ?? ''
  const id = (): string => randomBytes(8).toString('hex').toUpperCase()
  // One code is always wrong, so that a test can be refused.
  if (form.get('TokenCode') === '000000') {
    return fault(403, 'AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code.')
  }
  switch (action) {
    case 'GetCallerIdentity':
      return success(action, `<Arn>${caller.arn}</Arn><UserId>${caller.userId}</UserId><Account>${account}</Account>`)
    case 'GetSessionToken':
      return success(action, issue(form, { ...caller }, identities, now, 43_200))
    case 'AssumeRole': {
      const role = /^arn:aws:iam::\d{12}:role\/(?:[\w+=,.@/-]*\/)?([\w+=,.@-]+)$/.exec(form.get('RoleArn') ?? '')?.[1]
      const name = /^[\w+=,.@-]{2,64}$/.exec(form.get('RoleSessionName') ?? '')?.[0]
      if (role === undefined || name === undefined)
        return fault(400, 'ValidationError', 'RoleArn or RoleSessionName is wrong')
      const userId = `AROA${id()}:${name}`
      const arn = `arn:aws:sts::${account}:assumed-role/${role}/${name}`
      const credentials = issue(form, { ...caller, arn, userId }, identities, now, 3600)
      const assumed = `<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>${userId}</AssumedRoleId></AssumedRoleUser>`
      return success(action, credentials + assumed)
    }
    case 'GetFederationToken': {
      const name = /^[\w+=,.@-]{2,32}$/.exec(form.get('Name') ?? '')?.[0]
      if (name === undefined) return fault(400, 'ValidationError', 'Name is wrong')
      const arn = `arn:aws:sts::${account}:federated-user/${name}`
      const userId = `${account}:${name}`
      const credentials = issue(form, { ...caller, arn, userId }, identities, now, 43_200)
      const federated = `<FederatedUser><Arn>${arn}</Arn><FederatedUserId>${userId}</FederatedUserId></FederatedUser>`
      return success(action, credentials + federated)
    }
    default:
      return fault(400, 'InvalidAction', 'there are four actions here')
  }
}

/** Makes a session that signs further requests, and gives its `Credentials` element. */
function issue(
  form: URLSearchParams,
  identity: Identity,
  identities: Map<string, Identity>,
  now: Date,
  usual: number,
): string {
  const seconds = Number(form.get('DurationSeconds') ?? usual)
  const ends = Math.floor(now.getTime() / 1000 + seconds) * 1000
  const letters = Array.from(randomBytes(16), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32])
  const accessKeyId = `ASIA${letters.join('')}`
  const secret = randomBytes(30).toString('base64')
  const sessionToken = randomBytes(120).toString('base64')
  identities.set(accessKeyId, { ...identity, start: startOf(Buffer.from(secret)), sessionToken, ends })
  const expiration = new Date(ends).toISOString().replace('.000Z', 'Z')
  return (
    `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey>` +
    `<SessionToken>${sessionToken}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`
  )
}

/** The key of the first HMAC of the signing chain. */
export function startOf(secretAccessKey: Secret | Uint8Array): Secret {
  return Secret.join(Buffer.from('AWS4'), secretAccessKey)
}

function success(action: string, result: string): Answer {
  const body =
    `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result>` +
    `<ResponseMetadata><RequestId>${requestId()}</RequestId></ResponseMetadata></${action}Response>`
  return { status: 200, body }
}

/** An error answer as STS words it. */
export function fault(status: number, code: string, message: string): Answer {
  const body =
    `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code>` +
    `<Message>${message}</Message></Error><RequestId>${requestId()}</RequestId></ErrorResponse>`
  return { status, body }
}

function requestId(): string {
  return randomBytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
