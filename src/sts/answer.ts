// What STS answers, read strictly. In: status, headers and body of one answer. Out: the caller's identity, a session,
// or ERR_STS_RESPONSE_INVALID; never a part of credentials.
// AWS STS API Reference 2011-06-15, "Response Elements" of the four actions.

import { HardkeyError } from '../errors.ts'
import type { CheckedInput } from './inputs.ts'
import { readJson } from './json.ts'
import { type AnswerElement, readXml } from './xml.ts'

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

/** Where the AWS documents of this API belong. */
const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** A session may end this much later than asked for, for clocks that differ. */
const endToleranceMilliseconds = 5 * 60_000

/** The tree of a body, XML or JSON; undefined where it is neither. */
export function readBody(body: Uint8Array): AnswerElement | undefined {
  const text = utf8(body)
  return text?.trimStart().startsWith('{') ? readJson(text) : readXml(text ?? '')
}

function utf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** The identity in a GetCallerIdentity answer. @throws ERR_STS_RESPONSE_INVALID */
export function readCallerIdentity(body: Uint8Array, expected: Expected): CallerIdentity {
  const { result } = resultOf(body, expected.input)
  const account = leaf(result, 'Account', expected.isAws ? /^\d{12}$/ : visible)
  return { account, arn: leaf(result, 'Arn', visible), userId: leaf(result, 'UserId', visible) }
}

/** The whole session in an answer, or nothing of it. @throws ERR_STS_RESPONSE_INVALID */
export function readSession(body: Uint8Array, expected: Expected): StsSession {
  const { result, isJson } = resultOf(body, expected.input)
  const credentials = one(result, 'Credentials')
  for (const name of ['Credentials', ...partsOfCredentials]) mustStandOnce(result, name)
  const accountAndUser = userOf(result, expected)
  const accountId = accountAndUser.accountId
  const sourceIdentity = optionalLeaf(result, 'SourceIdentity')
  return {
    credentials: {
      accessKeyId: leaf(credentials, 'AccessKeyId', expected.isAws ? /^ASIA[A-Z0-9]{12,124}$/ : /^[\w.-]{1,128}$/),
      secretAccessKey: leaf(credentials, 'SecretAccessKey', /^[\x21-\x7e]{1,256}$/),
      sessionToken: leaf(credentials, 'SessionToken', /^[\x21-\x7e]{1,16384}$/),
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

/** The result element of exactly the action that was asked: `AssumeRoleResponse`, in it `AssumeRoleResult`. */
function resultOf(body: Uint8Array, { action }: CheckedInput): { result: AnswerElement; isJson: boolean } {
  const tree = readBody(body)
  if (tree === undefined) throw unreadable('is not the XML that AWS sends')
  const isJson = tree.name === ''
  const root = isJson ? one(tree, `${action}Response`) : tree
  if (root.name !== `${action}Response`) throw unreadable(`does not belong to ${action}`)
  if (!isJson && root.namespace !== namespace) throw unreadable('has another namespace than that of STS')
  const others = root.children.filter(({ name }) => name !== `${action}Result` && name !== 'ResponseMetadata')
  if (others.length > 0) throw unreadable('has a part that does not belong there')
  return { result: one(root, `${action}Result`), isJson }
}

function unreadable(problem: string): HardkeyError {
  return new HardkeyError('ERR_STS_RESPONSE_INVALID', `the answer ${problem}`, {
    hint: 'something between here and STS may have changed the answer, or the endpoint is not STS',
  })
}

const visible = /^[\x21-\x7e]{1,2048}$/

function one(parent: AnswerElement, name: string): AnswerElement {
  const [found, second] = parent.children.filter((child) => child.name === name)
  if (found === undefined) throw unreadable(`has no ${name}`)
  if (second !== undefined) throw unreadable(`has ${name} twice`)
  return found
}

const partsOfCredentials = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration']

/** A part that this version does not know may hold anything but credentials: then it is unclear which ones are meant. */
function mustStandOnce(result: AnswerElement, name: string): void {
  if (countOf(result, name) > 1) throw unreadable(`has ${name} twice`)
}

function countOf(element: AnswerElement, name: string): number {
  const inside = element.children.reduce((sum, child) => sum + countOf(child, name), 0)
  return inside + (element.name === name ? 1 : 0)
}

function leaf(parent: AnswerElement, name: string, form: RegExp): string {
  const { children, text } = one(parent, name)
  if (children.length === 0 && form.test(text)) return text
  throw unreadable(`has a ${name} of another form than AWS gives`)
}

function optionalLeaf(parent: AnswerElement, name: string): string | undefined {
  return parent.children.some((child) => child.name === name) ? leaf(parent, name, /^[\x20-\x7e]{0,2048}$/) : undefined
}

function wholeNumber<Key extends string>(parent: AnswerElement, name: string, key: Key): { [key in Key]?: number } {
  const text = optionalLeaf(parent, name) ?? ''
  // The cast: a computed key widens to string, and the only key is `key`.
  return /^\d{1,9}$/.test(text) ? ({ [key]: Number(text) } as { [key in Key]?: number }) : {}
}

function expirationOf(credentials: AnswerElement, isJson: boolean, expected: Expected): Date {
  const text = leaf(credentials, 'Expiration', isJson ? /^[\x21-\x7e]+$/ : isoTime)
  const expiration = new Date(isoTime.test(text) ? text : Number(text) * 1000)
  const left = expiration.getTime() - expected.time.getTime()
  // Written so that no time at all is refused too.
  if (!(left > 0)) throw unreadable('gives credentials that have expired already')
  if (left <= expected.input.durationSeconds * 1000 + endToleranceMilliseconds) return expiration
  throw unreadable(`gives credentials for longer than the ${expected.input.durationSeconds} s that were asked for`)
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
  const element = result.children.some(({ name }) => name === names[0]) ? one(result, names[0]) : undefined
  const arn = (element && optionalLeaf(element, 'Arn')) ?? ''
  const id = (element && optionalLeaf(element, names[1])) ?? ''
  // MinIO knows no roles and leaves both empty.
  if (arn === '' && !isAws) return { user: {} }
  const [, account, resource = ''] = /^arn:[\w-]+:sts::([^:]*):(.+)$/.exec(arn) ?? []
  if (!belongs(input, account, resource)) throw unreadable(`is for another ${names[0]} than was asked for`)
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
