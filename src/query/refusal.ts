// What a query API refuses, and what to look at. In: the answer with an error in it. Out: a HardkeyError with AWS's own
// code, the status, the request id and a hint. AWS STS and IAM API References, "Errors" of each action and "Common Error
// Types".

import { HardkeyError } from '../errors.ts'
import type { HttpAnswer } from '../http/client.ts'
import { readBody } from './answer.ts'
import { type Failing, failingOf } from './retry.ts'
import type { AnswerElement } from './xml.ts'

/** What an error names, so that a hint can. */
export interface CallContext {
  /** As policies spell it. */
  readonly service: 'sts' | 'iam'
  readonly action: string
  readonly host: string
  readonly region: string
  readonly accessKeyId: string
  readonly withMfa: boolean
  /** Never shown, whatever the answer quotes: session token, MFA code. */
  readonly secrets: readonly string[]
  /** How far the endpoint's clock was ahead when the request was signed, in milliseconds; undefined where unknown. */
  readonly clockAhead: number | undefined
}

export interface Refusal {
  readonly error: HardkeyError
  readonly failing: Failing
  /** AWS's code where it gave one. */
  readonly serviceCode: string | undefined
}

/** The error in an answer whose status is not 200. */
export function refusalOf(answer: HttpAnswer, context: CallContext): Refusal {
  const found = errorIn(answer.body, context.secrets)
  const failing = failingOf(answer.status, found?.code)
  return { error: errorOf(answer, found, failing, context), failing, serviceCode: found?.code }
}

interface ServiceError {
  readonly code: string
  readonly message: string
  readonly requestId: string | undefined
}

/** `ErrorResponse` with `Error`, S3's bare `Error`, EC2's `Response` with `Errors`: whichever the store sends. */
function errorIn(body: Uint8Array, secrets: readonly string[]): ServiceError | undefined {
  const root = readBody(body)
  if (root === undefined) return undefined
  const places = [root, ...root.children, ...root.children.flatMap(({ children }) => children)]
  const error = places.find(({ name }) => name === 'Error')
  const code = error && textOf(error, 'Code')
  const hasSecret = (text: string | undefined): boolean => secrets.some((secret) => text?.includes(secret))
  if (error === undefined || code === undefined || !/^[\w.:-]{1,100}$/.test(code) || hasSecret(code)) return undefined
  const requestId = textOf(root, 'RequestId') ?? textOf(error, 'RequestId') ?? textOf(root, 'RequestID')
  return { code, message: textOf(error, 'Message') ?? '', requestId: hasSecret(requestId) ? undefined : requestId }
}

function textOf(parent: AnswerElement, name: string): string | undefined {
  const found = parent.children.find((child) => child.name === name)
  return found === undefined || found.text === '' ? undefined : found.text
}

function errorOf(
  { status, headers }: HttpAnswer,
  found: ServiceError | undefined,
  failing: Failing,
  context: CallContext,
): HardkeyError {
  const requestId = (found?.requestId ?? headers['x-amzn-requestid'])?.slice(0, 100)
  const told = { status, requestId, serviceCode: found?.code }
  const said = found === undefined ? 'which is not an answer of AWS' : `${found.code}: ${shown(found.message, context)}`
  if (failing === 'transient') {
    return new HardkeyError('ERR_STS_UNREACHABLE', `${context.host} answered HTTP ${status}, ${said}`, told)
  }
  if (found === undefined && failing === 'final') {
    const what = status >= 300 && status < 400 ? 'a redirect, which is not followed' : said
    return new HardkeyError('ERR_STS_RESPONSE_INVALID', `${context.host} answered HTTP ${status}, ${what}`, {
      ...told,
      hint: 'check the endpoint, and the proxy where there is one',
    })
  }
  return new HardkeyError('ERR_STS_REFUSED', `${context.host} refused ${context.action}: ${said}`, {
    ...told,
    hint: failing === 'throttled' ? 'too many calls; try again later, or less often' : hintOf(found, context),
    tryAgain: failing === 'throttled',
  })
}

/** The service's sentence, cut, without anything that was sent as a secret. */
function shown(message: string, { secrets }: CallContext): string {
  const masked = secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), message)
  return masked.replace(/\s+/g, ' ').trim().slice(0, 600) || 'without a message'
}

function hintOf(found: ServiceError | undefined, context: CallContext): string | undefined {
  if (found === undefined) return undefined
  const { code, message } = found
  // STS says so in words, under SignatureDoesNotMatch.
  if (/signature (has )?expired|not yet current/i.test(message)) return clockHint(context, message)
  if (/scoped to a valid region|scoped to correct/i.test(message)) return `check the region: ${context.region} signed`
  return hints.get(code.replace(/Exception$/, ''))?.(context, message)
}

type Hint = (context: CallContext, message: string) => string

const otherSecret: Hint = ({ accessKeyId, clockAhead }) => {
  const isClockRight = clockAhead !== undefined && Math.abs(clockAhead) < 5 * 60_000
  const clock = isClockRight ? 'the clock is right' : 'or the clock of this machine is wrong'
  return `the device holds another secret than that of ${accessKeyId}: check which secret was imported under this access key ID; ${clock}`
}

const otherId: Hint = ({ accessKeyId, host }) =>
  `check the access key ID ${accessKeyId}: ${host} knows none such that is active; it may be mistyped, deleted, inactive, or of another partition`

const clockHint: Hint = ({ clockAhead }) => {
  if (clockAhead === undefined) return 'set the clock of this machine'
  const seconds = Math.round(Math.abs(clockAhead) / 1000)
  if (seconds < 60) return 'the clock agrees with that of the endpoint: the request was held up on its way for minutes'
  return `set the clock of this machine: it is ${seconds} s ${clockAhead > 0 ? 'behind' : 'ahead'}`
}

const expired: Hint = () => 'the session that signs has ended; get a new one'

const denied: Hint = ({ service, action, withMfa }, message) => {
  if (withMfa && /MultiFactorAuthentication|MFA/i.test(message)) {
    return 'the MFA code was wrong or used already: wait for the next one; check the serial number of the MFA device'
  }
  if (/with session credentials/i.test(message)) return 'sign with the permanent access key, not with a session'
  if (action !== 'AssumeRole')
    return `the user's policies, and those of the organization, must allow ${service}:${action}`
  return "the user needs sts:AssumeRole on this role, and the role's trust policy must let the user in: check its principal and its conditions (external ID, MFA, source address)"
}

const invalidValue: Hint = (_, message) => {
  if (/role chaining/i.test(message))
    return 'a session that a role opened lasts 3600 s at most: ask for a shorter duration'
  if (/MaxSessionDuration/i.test(message))
    return "ask for a shorter duration, or raise the role's maximum session duration"
  return 'check the value that AWS names'
}

/** By AWS's code, without the ending "Exception" that only some of its protocols put on. */
const hints: ReadonlyMap<string, Hint> = new Map<string, Hint>([
  ['SignatureDoesNotMatch', otherSecret],
  ['InvalidSignature', otherSecret],
  ['InvalidClientTokenId', otherId],
  ['InvalidAccessKeyId', otherId],
  ['UnrecognizedClient', otherId],
  ['AuthFailure', otherId],
  ['AccessDenied', denied],
  ['ExpiredToken', expired],
  ['TokenRefreshRequired', expired],
  ['RequestTimeTooSkewed', clockHint],
  ['RequestExpired', clockHint],
  ['RequestInTheFuture', clockHint],
  [
    'RegionDisabled',
    ({ region }) =>
      `STS is not active in ${region}: activate it in the account settings of IAM, or take another region`,
  ],
  ['OptInRequired', ({ region }) => `the account is not opted into ${region}: enable the region, or take another`],
  ['MalformedPolicyDocument', () => 'check the session policy: AWS names the place'],
  ['PackedPolicyTooLarge', () => 'session policies and tags together are too large: shorten them'],
  ['ValidationError', invalidValue],
  ['InvalidParameterValue', invalidValue],
  ['NotAuthorized', denied],
  ['MissingAuthenticationToken', () => 'a proxy may have removed the Authorization header'],
  ['IncompleteSignature', () => 'a proxy may have changed the Authorization header'],
])
