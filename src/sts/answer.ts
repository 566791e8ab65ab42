// What STS answers, read strictly. In: status, headers and body of one answer. Out: the caller's identity, a session,
// or ERR_STS_RESPONSE_INVALID; never a part of credentials.
// AWS STS API Reference 2011-06-15, "Response Elements" of the four actions.

import { type AnsweredApi, leaf, one, optionalLeaf, resultOf, unreadable, visible } from '../query/answer.ts'
import type { AnswerElement } from '../query/xml.ts'
import type { CheckedInput } from './inputs.ts'

/** Credentials with an end. */
export interface TemporaryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
  /** The account that the credentials act in, where the answer names it (GetSessionToken does not). */
  readonly accountId?: string
}

/** What AssumeRole, GetSessionToken and GetFederationToken give. */
export interface StsSession {
  readonly credentials: TemporaryCredentials
  readonly assumedRoleUser?: { readonly arn: string; readonly assumedRoleId: string }
  readonly federatedUser?: { readonly arn: string; readonly federatedUserId: string }
  /** Percent of the space that policies and tags may take. */
  readonly packedPolicySize?: number
  readonly sourceIdentity?: string
  /** Percent of the largest session token. */
  readonly sessionTokenUtilization?: number
  /** Bytes. */
  readonly sessionTokenSize?: number
}

/** What GetCallerIdentity gives. */
export interface CallerIdentity {
  /** Twelve digits. */
  readonly account: string
  readonly arn: string
  readonly userId: string
}

/** What an answer is held against. */
export interface Expected {
  readonly input: CheckedInput
  /**
   * AWS itself answers: then the forms of AWS are asked for to the letter. Other stores name keys and users as they
   * like.
   */
  readonly isAws: boolean
  /** The time at the endpoint. */
  readonly time: Date
}

const api: AnsweredApi = { title: 'STS', namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' }

/** A session may end this much later than asked for, for clocks that differ. */
const endToleranceMilliseconds = 5 * 60_000

/** The identity in a GetCallerIdentity answer. @throws ERR_STS_RESPONSE_INVALID */
export function readCallerIdentity(body: Uint8Array, expected: Expected): CallerIdentity {
  const { result } = resultOf(body, api, expected.input.action)
  const account = leaf(api, result, 'Account', expected.isAws ? /^\d{12}$/ : visible)
  return { account, arn: leaf(api, result, 'Arn', visible), userId: leaf(api, result, 'UserId', visible) }
}

/** The whole session in an answer, or nothing of it. @throws ERR_STS_RESPONSE_INVALID */
export function readSession(body: Uint8Array, expected: Expected): StsSession {
  const { result, isJson } = resultOf(body, api, expected.input.action)
  const credentials = one(api, result, 'Credentials')
  for (const name of ['Credentials', ...partsOfCredentials]) mustStandOnce(result, name)
  const accountAndUser = userOf(result, expected)
  const accountId = accountAndUser.accountId
  const sourceIdentity = optionalLeaf(api, result, 'SourceIdentity')
  return {
    credentials: {
      accessKeyId: leaf(api, credentials, 'AccessKeyId', expected.isAws ? /^ASIA[A-Z0-9]{12,124}$/ : /^[\w.-]{1,128}$/),
      secretAccessKey: leaf(api, credentials, 'SecretAccessKey', /^[\x21-\x7e]{1,256}$/),
      sessionToken: leaf(api, credentials, 'SessionToken', /^[\x21-\x7e]{1,16384}$/),
      expiration: expirationOf(credentials, isJson, expected),
      ...(accountId === undefined ? {} : { accountId }),
    },
    ...accountAndUser.user,
    ...wholeNumber(result, 'PackedPolicySize', 'packedPolicySize'),
    ...(sourceIdentity === undefined || sourceIdentity === '' ? {} : { sourceIdentity }),
    ...wholeNumber(result, 'SessionTokenUtilization', 'sessionTokenUtilization'),
    ...wholeNumber(result, 'SessionTokenSize', 'sessionTokenSize'),
  }
}

const partsOfCredentials = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration']

/** A part that this version does not know may hold anything but credentials: then it is unclear which ones are meant. */
function mustStandOnce(result: AnswerElement, name: string): void {
  if (countOf(result, name) > 1) throw unreadable(api, `has ${name} twice`)
}

function countOf(element: AnswerElement, name: string): number {
  const inside = element.children.reduce((sum, child) => sum + countOf(child, name), 0)
  return inside + (element.name === name ? 1 : 0)
}

function wholeNumber<Key extends string>(parent: AnswerElement, name: string, key: Key): { [key in Key]?: number } {
  const text = optionalLeaf(api, parent, name) ?? ''
  // The cast: a computed key widens to string, and the only key is `key`.
  return /^\d{1,9}$/.test(text) ? ({ [key]: Number(text) } as { [key in Key]?: number }) : {}
}

function expirationOf(credentials: AnswerElement, isJson: boolean, expected: Expected): Date {
  const text = leaf(api, credentials, 'Expiration', isJson ? /^[\x21-\x7e]+$/ : isoTime)
  const expiration = new Date(isoTime.test(text) ? text : Number(text) * 1000)
  const left = expiration.getTime() - expected.time.getTime()
  // Written so that no time at all is refused too.
  if (!(left > 0)) throw unreadable(api, 'gives credentials that have expired already')
  if (left <= expected.input.durationSeconds * 1000 + endToleranceMilliseconds) return expiration
  throw unreadable(api, `gives credentials for longer than the ${expected.input.durationSeconds} s that were asked for`)
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** Who the session is: of the role or the federated user that was asked for. GetSessionToken's answer does not say. */
function userOf(
  result: AnswerElement,
  { input, isAws }: Expected,
): { accountId?: string; user: Pick<StsSession, 'assumedRoleUser' | 'federatedUser'> } {
  const names =
    input.action === 'AssumeRole'
      ? (['AssumedRoleUser', 'AssumedRoleId'] as const)
      : input.action === 'GetFederationToken'
        ? (['FederatedUser', 'FederatedUserId'] as const)
        : undefined
  if (names === undefined) return { user: {} }
  const element = result.children.some(({ name }) => name === names[0]) ? one(api, result, names[0]) : undefined
  const arn = (element && optionalLeaf(api, element, 'Arn')) ?? ''
  const id = (element && optionalLeaf(api, element, names[1])) ?? ''
  // MinIO knows no roles and leaves both empty.
  if (arn === '' && !isAws) return { user: {} }
  const [, account, resource = ''] = /^arn:[\w-]+:sts::([^:]*):(.+)$/.exec(arn) ?? []
  if (!belongs(input, account, resource)) throw unreadable(api, `is for another ${names[0]} than was asked for`)
  return {
    ...(account !== undefined && /^\d{12}$/.test(account) ? { accountId: account } : {}),
    user:
      input.action === 'AssumeRole'
        ? { assumedRoleUser: { arn, assumedRoleId: id } }
        : { federatedUser: { arn, federatedUserId: id } },
  }
}

function belongs({ role, federatedName }: CheckedInput, account: string | undefined, resource: string): boolean {
  if (role === undefined) return resource === `federated-user/${federatedName}`
  const [, , , , roleAccount, rolePath = ''] = role.arn.split(':')
  const roleName = rolePath.slice(rolePath.lastIndexOf('/') + 1)
  return account === roleAccount && resource === `assumed-role/${roleName}/${role.sessionName}`
}
