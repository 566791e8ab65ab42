// What the transit engine refuses, as error codes. In: an answer whose status is not 200. Out: a HardkeyError that names key
// and mount, and whether another try may help. HTTP API of Vault and OpenBao, "HTTP status codes".
// A 403 is no more than "expired or not allowed": expired, unknown and forbidden tokens look the same (F-V04), until the
// caller has looked further.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer } from '../../http/client.ts'
import type { Failing, Verdict } from './service-call.ts'
import { plainJson } from './service-json.ts'

/** What was asked, for messages. */
export interface AskedOfTransit {
  readonly mount: string
  readonly key: string
  readonly where: string
  readonly path: string
}

/** 412: a replica has not heard of the last change; 429: quota, or a standby; 472, 473: a standby of another kind. */
const passingStatuses: readonly number[] = [412, 429, 472, 473, 500, 502, 503, 504]

/** The refusal in an answer. */
export function hcvaultRefusal(answer: HttpAnswer, asked: AskedOfTransit): Verdict<never> {
  const words = wordsOf(answer.body)
  const { status } = answer
  const failing: Failing = status === 429 ? 'throttled' : passingStatuses.includes(status) ? 'passing' : 'final'
  return { error: failing === 'final' ? refusal(answer, words, asked) : busy(status, words, asked), failing }
}

/** The token may do nothing at all at the mount. */
export function tokenRefused(where: string): HardkeyError {
  return new HardkeyError('ERR_PIN_INCORRECT', `${where} does not accept the token: expired or not allowed`, {
    status: 403,
    hint: 'get a new one; it needs "update" on the encrypt or decrypt path of the key',
  })
}

/** The server's own words, on one line; empty where it gives none, undefined where it is not its form. */
function wordsOf(body: Uint8Array): string | undefined {
  const errors = plainJson(body)?.get('errors')
  if (!Array.isArray(errors)) return undefined
  const words = errors.filter((one) => typeof one === 'string').map((one) => one.replace(/^\d+ errors? occurred:/, ''))
  return words.join(', ').replaceAll('\n\t* ', ' ').replace(/\s+/g, ' ').trim().slice(0, 300)
}

function busy(status: number, words: string | undefined, { where }: AskedOfTransit): HardkeyError {
  if (status === 503 && words !== undefined && /sealed/i.test(words)) {
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${where} is sealed`, {
      status,
      hint: 'whoever holds its unseal keys must unseal it',
    })
  }
  const said = words === undefined || words === '' ? `HTTP ${status}` : words
  return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${where} cannot answer now: ${said}`, { status })
}

function refusal({ status }: HttpAnswer, words: string | undefined, asked: AskedOfTransit): HardkeyError {
  const { mount, key, where, path } = asked
  const fail = (code: HardkeyError['code'], message: string, hint?: string): HardkeyError =>
    new HardkeyError(code, message, { status, hint })
  if (status >= 300 && status < 400) {
    return fail('ERR_DEVICE_FAILED', `${where} sends the request on, which is not followed`, 'name the leader in kek')
  }
  if (words === undefined) {
    return fail('ERR_DEVICE_FAILED', `${where} answered HTTP ${status}, which is not an answer of Vault or OpenBao`)
  }
  if (status === 403) {
    const what = `the policy of the token for ${where} does not allow this with the key "${key}"`
    return fail('ERR_POLICY_REFUSED', what, `it needs "update" on ${path}`)
  }
  if (status === 404) {
    return fail('ERR_KEY_NOT_FOUND', `${where} has no mount "${mount}"`, 'check kek and namespace in the key URI')
  }
  if (/key not found/.test(words)) {
    const hint = `check kek in the key URI, or make the key first: bao write -f ${mount}/keys/${key}`
    return fail('ERR_KEY_NOT_FOUND', `${where} has no key "${key}" at the mount "${mount}"`, hint)
  }
  if (/not supported for key type/.test(words)) {
    return fail('ERR_KEY_UNUSABLE', `the key "${key}" of ${where} does not encrypt`, words)
  }
  if (/too old|disallowed by policy|too new/.test(words)) {
    const hint = 'its min_decryption_version is above that of the keyset, or the keyset is of another key'
    return fail(
      'ERR_KEY_UNUSABLE',
      `${where} no longer decrypts with the version of "${key}" that the keyset needs`,
      hint,
    )
  }
  if (/invalid ciphertext|authentication failed|decrypt/.test(words)) {
    const what = `the keyset was not encrypted, or with other associated data, under the key "${key}" of ${where}`
    return fail('ERR_KEY_FILE_INVALID', what, `check kek in the key URI; the server says: ${words}`)
  }
  return fail('ERR_DEVICE_FAILED', `${where} answered HTTP ${status}${words === '' ? '' : `: ${words}`}`)
}
