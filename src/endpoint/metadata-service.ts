// The instance metadata service, version 2. In: a PUT for a token, then GETs with it. Out: credentials as an EC2 instance
// with a role has them, the region, and figures. Amazon EC2 User Guide, "Use the Instance Metadata Service"; version 1, which
// has no token, is never answered.
// SDKs take 403, 404 and 405 on the path of the token for "there is version 1 only", so a good PUT never meets one.

import { wholeSeconds } from '../credentials/process-json.ts'
import {
  type Act,
  type Answer,
  type Awaitable,
  credentialsAnswer,
  noSuchPath,
  onlyFor,
  plain,
  refusal,
  type Service,
} from './answer.ts'
import type { Figures } from './figures.ts'
import { type MetadataTokens, ttlSeconds } from './metadata-token.ts'
import { onlyValue } from './request-guard.ts'
import { type GivenSession, oncePerSession, type Sessions } from './sessions.ts'

const tokenPath = '/latest/api/token'
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds'
const credentialsPath = '/latest/meta-data/iam/security-credentials/'
/** Asked for first by Java, Ruby, PHP and Rust; it adds the account. */
const extendedPath = '/latest/meta-data/iam/security-credentials-extended/'

export interface MetadataPlace {
  /** Undefined: the paths that tell it are not there. */
  readonly region: string | undefined
  /** The name under which the credentials are listed. */
  readonly name: string
}

export function metadataService(
  sessions: Sessions,
  tokens: MetadataTokens,
  { region, name }: MetadataPlace,
  figures: Figures,
): Service {
  const bodies = { plain: oncePerSession(metadataJson), extended: oncePerSession(extendedJson) }
  const give = (kind: keyof typeof bodies): Awaitable<Answer> => credentialsAnswer(sessions.get(), bodies[kind])
  const acts = new Map<string, Act>([
    [credentialsPath, () => plain(name)],
    [`${credentialsPath}${name}`, () => give('plain')],
    [extendedPath, () => plain(name)],
    [`${extendedPath}${name}`, () => give('extended')],
    ...(region === undefined ? [] : placeActs(region, sessions)),
  ])
  return ({ method, target: asked, rawHeaders }) => {
    // The SDK for Java asks for //latest where the address that it was given ends with a slash.
    const target = asked.replace(/^\/+/, '/')
    if (target === tokenPath) {
      return method === 'PUT' ? () => tokenAnswer(tokens, onlyValue(rawHeaders, ttlHeader)) : onlyFor('PUT')
    }
    // botocore asks for the list with a slash and without, and for the zone with one.
    const act = acts.get(target) ?? acts.get(`${target}/`) ?? acts.get(target.replace(/\/$/, ''))
    if (act === undefined && !figures.has(target)) return noSuchPath()
    if (method !== 'GET') return onlyFor('GET')
    if (!tokens.accepts(onlyValue(rawHeaders, 'x-aws-ec2-metadata-token'))) {
      return refusal(401, 'Unauthorized', `ask for a token first: PUT ${tokenPath}`)
    }
    return act ?? (() => figures.answer(target))
  }
}

/** The name of a role, without its path; `user` for a session of the user itself. */
export function credentialsName(roleArn: string | undefined): string {
  return roleArn?.split('/').at(-1) ?? 'user'
}

function tokenAnswer(tokens: MetadataTokens, ttl: string | undefined): Answer {
  const seconds = ttlSeconds(ttl)
  if (seconds === undefined) return refusal(400, 'BadRequest', `${ttlHeader} must be 1 to 21600`)
  return plain(tokens.issue(seconds), { [ttlHeader]: String(seconds) })
}

/** Where SDKs look for a region. A zone has a letter behind its region, and clients take that off. */
function placeActs(region: string, sessions: Sessions): readonly [string, Act][] {
  const zone = `${region}a`
  const identity = async (): Promise<Answer> => {
    const { credentials } = await sessions.get()
    const document = { accountId: credentials.accountId, availabilityZone: zone, region, version: '2017-09-30' }
    return { status: 200, type: 'application/json', body: JSON.stringify(document) }
  }
  return [
    ['/latest/meta-data/placement/region', () => plain(region)],
    ['/latest/meta-data/placement/availability-zone', () => plain(zone)],
    ['/latest/dynamic/instance-identity/document', identity],
  ]
}

function metadataJson(session: GivenSession): string {
  return JSON.stringify(metadataFields(session))
}

function extendedJson(session: GivenSession): string {
  return JSON.stringify({ ...metadataFields(session), AccountId: session.credentials.accountId })
}

function metadataFields({ credentials, since }: GivenSession): Readonly<Record<string, string>> {
  return {
    Code: 'Success',
    LastUpdated: wholeSeconds(since),
    Type: 'AWS-HMAC',
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
  }
}
