// What AWS KMS refuses, as error codes. In: an answer whose status is not 200. Out: a HardkeyError that names the key, and
// whether another try may help. AWS KMS API Reference, "Errors" of Encrypt and Decrypt, and "Common Error Types".

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer } from '../../http/client.ts'
import type { Failing, Verdict } from './service-call.ts'
import { plainJson } from './service-json.ts'

/** What was asked, for messages. */
export interface AskedOfAwsKms {
  readonly arn: string
  readonly action: 'Encrypt' | 'Decrypt'
  readonly where: string
  readonly now: Date
}

const throttlingCodes: readonly string[] = [
  'LimitExceeded',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'Throttled',
  'Throttling',
  'TooManyRequests',
]
const passingCodes: readonly string[] = ['DependencyTimeout', 'KMSInternal', 'KeyUnavailable', 'InternalFailure']

/** The refusal in an answer. */
export function awsKmsRefusal(answer: HttpAnswer, asked: AskedOfAwsKms): Verdict<never> {
  const said = errorIn(answer)
  const failing = failingOf(answer.status, said?.code)
  return { error: errorOf(answer, said, failing, asked), failing }
}

interface SaidByAws {
  /** Without the ending "Exception", which only some of its codes have. */
  readonly code: string
  readonly whole: string
  readonly message: string
}

/** `__type` with or without the service's namespace before a "#"; `x-amzn-errortype` with a URL behind a ":". */
function errorIn({ body, headers }: HttpAnswer): SaidByAws | undefined {
  const json = plainJson(body)
  const type = json?.get('__type') ?? headers['x-amzn-errortype']
  const whole = typeof type === 'string' ? type.replace(/^.*#/, '').replace(/:.*$/s, '') : ''
  if (!/^[A-Za-z.]{1,100}$/.test(whole)) return undefined
  const message = json?.get('message') ?? json?.get('Message')
  return { whole, code: whole.replace(/Exception$/, ''), message: typeof message === 'string' ? message : '' }
}

function failingOf(status: number, code: string | undefined): Failing {
  if (status === 429 || (code !== undefined && throttlingCodes.includes(code))) return 'throttled'
  if (code !== undefined && passingCodes.includes(code)) return 'passing'
  return [500, 502, 503, 504].includes(status) ? 'passing' : 'final'
}

function errorOf(
  { status, headers }: HttpAnswer,
  said: SaidByAws | undefined,
  failing: Failing,
  { arn, action, where, now }: AskedOfAwsKms,
): HardkeyError {
  const told = { status, serviceCode: said?.whole, requestId: headers['x-amzn-requestid']?.slice(0, 100) }
  if (failing !== 'final') {
    const what = failing === 'throttled' ? 'asks to slow down' : 'cannot answer now'
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${where} ${what}: ${said?.whole ?? `HTTP ${status}`}`, told)
  }
  if (said === undefined) {
    return new HardkeyError(
      'ERR_DEVICE_FAILED',
      `${where} answered HTTP ${status}, which is not an answer of AWS KMS`,
      {
        ...told,
        hint: 'check kek-endpoint in the key URI, and the proxy where there is one',
      },
    )
  }
  const [code, words, hint] = meaningOf(said, action, clockHint(headers.date, now))
  return new HardkeyError(code, `${words} ${arn} (${said.whole})`, { ...told, hint })
}

type Meaning = readonly [code: HardkeyError['code'], words: string, hint: string]

function meaningOf({ code, message }: SaidByAws, action: string, clock: string | undefined): Meaning {
  switch (code) {
    case 'AccessDenied':
      return [
        'ERR_POLICY_REFUSED',
        `AWS KMS does not allow kms:${action} with the key`,
        `whoever opens the keyset needs kms:${action} on this key${quoted(message)}`,
      ]
    case 'Disabled':
      return ['ERR_KEY_UNUSABLE', 'AWS KMS has disabled the key', 'enable the key again; nothing else opens the keyset']
    case 'KMSInvalidState':
      return [
        'ERR_KEY_UNUSABLE',
        'AWS KMS does not use the key in its present state,',
        `where its deletion is pending, cancel that and enable it${quoted(message)}`,
      ]
    case 'InvalidKeyUsage':
      return [
        'ERR_KEY_UNUSABLE',
        'AWS KMS does not encrypt with the key',
        'a symmetric key of ENCRYPT_DECRYPT is needed',
      ]
    case 'NotFound':
      return ['ERR_KEY_NOT_FOUND', 'AWS KMS has no key', 'check the ARN in the key URI: its region and its account']
    case 'InvalidCiphertext':
    case 'IncorrectKey':
      return [
        'ERR_KEY_FILE_INVALID',
        'the keyset was not encrypted, or with other associated data, under',
        otherKekHint,
      ]
    default:
      return ['ERR_STS_REFUSED', `AWS KMS refused ${action} with the key`, clock ?? credentialsHint(code)]
  }
}

const otherKekHint = 'check kek in the key URI; Tink keysets here have empty associated data'

/** The signature's own errors quote the request with its session token: those words are not shown. */
function credentialsHint(code: string): string {
  if (code === 'ExpiredToken') return 'the credentials for AWS KMS have expired'
  return 'check the credentials for AWS KMS: they may be mistyped, deleted, inactive, or of another partition'
}

function quoted(message: string): string {
  const words = message.replace(/\s+/g, ' ').trim().slice(0, 300)
  return words === '' ? '' : `; AWS says: ${words}`
}

/** A signature of more than 5 minutes off is refused. */
function clockHint(date: string | undefined, now: Date): string | undefined {
  const difference = date === undefined ? Number.NaN : Date.parse(date) - now.getTime()
  if (Number.isNaN(difference) || Math.abs(difference) < 4 * 60_000) return undefined
  const seconds = Math.round(Math.abs(difference) / 1000)
  return `set the clock of this machine: it is ${seconds} s ${difference > 0 ? 'behind' : 'ahead'}`
}
