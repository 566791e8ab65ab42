// A form that anyone may send to upload one object (S3 POST policy). In: bucket URL, key, conditions, seconds. Out: the
// address and the fields of the form, the policy and its signature among them.
// Amazon S3, "Authenticating requests in browser-based uploads using POST", "Creating a POST policy".

import { HardkeyError } from '../errors.ts'
import type { SigningRules } from './rules.ts'
import type { SigningMoment } from './signing-moment.ts'
import { algorithm } from './string-to-sign.ts'

/** One condition, as S3 has them: exact, by prefix, or bounds of the size. */
export type PostCondition =
  | Readonly<Record<string, string>>
  | readonly ['eq' | 'starts-with', string, string]
  | readonly ['content-length-range', number, number]

export interface PostPolicyInput {
  /** Where the form goes: `https://BUCKET.s3.REGION.amazonaws.com/`, or `https://HOST/BUCKET` at a store in path style. */
  readonly url: string | URL
  readonly bucket: string
  /** The object. `${filename}` at its end stands for the name of the file that is sent: then only what is before it is fixed. */
  readonly key: string
  /** Further conditions. Without `content-length-range` an object of any size may be sent. */
  readonly conditions?: readonly PostCondition[] | undefined
  /** Further fields of the form, each fixed by a condition: `{ acl: 'private', 'Content-Type': 'image/png' }`. */
  readonly fields?: Readonly<Record<string, string>> | undefined
}

export interface PostPolicyOptions {
  /** Seconds until the form is refused, 1 to 604800 (7 days), counted from `date`. */
  readonly expiresIn: number
  /** The time of the signature. Default: now. */
  readonly date?: Date | undefined
  readonly signal?: AbortSignal | undefined
}

/** A form: its fields go before the file, whose field is called `file` and comes last. */
export interface PostForm {
  readonly url: string
  readonly fields: Readonly<Record<string, string>>
}

/** What is signed, and what comes of it. */
export interface PolicyForm {
  /** The policy in base64, which is the whole string to sign. */
  readonly policy: string
  complete(signature: string): PostForm
}

/** @throws ERR_REQUEST_INVALID for a condition or field that is none, or one of the signature's own */
export function policyForm(
  input: PostPolicyInput,
  url: string,
  expiresAt: number,
  moment: SigningMoment,
  rules: SigningRules,
): PolicyForm {
  const { bucket, key, conditions = [], fields = {} } = input
  for (const name of Object.keys(fields)) checkFieldName(name)
  for (const condition of conditions) checkCondition(condition)
  const signed: Record<string, string> = {
    ...fields,
    bucket: checkText('bucket', bucket),
    'X-Amz-Algorithm': algorithm,
    'X-Amz-Credential': moment.credential,
    'X-Amz-Date': moment.time,
    ...(rules.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': rules.sessionToken }),
  }
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(expiresAt).toISOString().replace(/\.[0-9]{3}Z$/, 'Z'),
      conditions: [
        ...conditions,
        ...Object.entries(signed).map(([name, value]) => ({ [name]: value })),
        keyCondition(checkText('key', key)),
      ],
    }),
  ).toString('base64')
  return {
    policy,
    complete: (signature) => ({ url, fields: { ...signed, key, Policy: policy, 'X-Amz-Signature': signature } }),
  }
}

function keyCondition(key: string): PostCondition {
  const ending = '${filename}'
  return key.endsWith(ending) ? ['starts-with', '$key', key.slice(0, -ending.length)] : { key }
}

/** A name that the form has anyway would stand in it twice. */
function checkFieldName(name: string): void {
  if (
    name !== '' &&
    !/^(?:key|bucket|policy|file|awsaccesskeyid|signature|x-amz-(?:algorithm|credential|date|signature|security-token))$/i.test(
      name,
    )
  )
    return
  throw new HardkeyError('ERR_REQUEST_INVALID', `the form has a field ${JSON.stringify(name)} of its own`, {
    hint: 'fields are further ones, such as acl, Content-Type, success_action_status or x-amz-meta-…',
  })
}

function checkText(what: string, text: unknown): string {
  if (typeof text === 'string' && text !== '') return text
  throw new HardkeyError('ERR_REQUEST_INVALID', `the ${what} of the form is missing`)
}

function checkCondition(condition: PostCondition): void {
  if (isCondition(condition)) return
  throw new HardkeyError('ERR_REQUEST_INVALID', 'a condition of the policy is none that S3 knows', {
    hint: "write { name: 'value' }, ['starts-with', '$name', 'prefix'], ['eq', '$name', 'value'] or ['content-length-range', 0, 1048576]",
  })
}

/** A caller without types may pass anything. */
function isCondition(condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return false
  if (!Array.isArray(condition)) return Object.values(condition).every((value) => typeof value === 'string')
  const [kind, first, second, ...more] = condition
  if (more.length > 0) return false
  if (kind !== 'content-length-range')
    return ['eq', 'starts-with'].includes(kind) && /^\$./.test(first) && typeof second === 'string'
  return Number.isSafeInteger(first) && Number.isSafeInteger(second) && first >= 0 && first <= second
}
