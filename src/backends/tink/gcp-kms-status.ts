// What Google's KMS refuses, as error codes. In: an answer whose status is not 200. Out: a HardkeyError that names the key,
// and whether another try may help. Google Cloud APIs, "Errors" (google.rpc.Status in JSON); Cloud KMS REST API v1.

import { HardkeyError } from '../../errors.ts'
import type { HttpAnswer } from '../../http/client.ts'
import type { Failing, Verdict } from './service-call.ts'
import { membersOf, plainJson } from './service-json.ts'

/** What was asked, for messages. */
export interface AskedOfGcpKms {
  readonly name: string
  readonly where: string
  readonly action: 'Encrypt' | 'Decrypt'
}

interface SaidByGoogle {
  /** `PERMISSION_DENIED` */
  readonly status: string
  readonly message: string
}

/** The refusal in an answer. */
export function gcpKmsRefusal(answer: HttpAnswer, asked: AskedOfGcpKms): Verdict<never> {
  const said = errorIn(answer.body)
  // What we sent did not match its checksum when it arrived.
  const isDamaged = said?.status === 'INVALID_ARGUMENT' && /checksum/i.test(said.message)
  const failing = isDamaged ? 'damaged' : failingOf(answer.status, said?.status)
  return { error: errorOf(answer, said, failing, asked), failing }
}

function errorIn(body: Uint8Array): SaidByGoogle | undefined {
  const error = membersOf(plainJson(body)?.get('error'))
  const status = error?.get('status')
  if (typeof status !== 'string' || !/^[A-Z_]{1,64}$/.test(status)) return undefined
  const message = error?.get('message')
  return { status, message: typeof message === 'string' ? message.replace(/\s+/g, ' ').trim().slice(0, 300) : '' }
}

function failingOf(status: number, word: string | undefined): Failing {
  if (status === 429 || word === 'RESOURCE_EXHAUSTED') return 'throttled'
  return [500, 502, 503, 504].includes(status) ? 'passing' : 'final'
}

function errorOf(
  { status }: HttpAnswer,
  said: SaidByGoogle | undefined,
  failing: Failing,
  { name, where, action }: AskedOfGcpKms,
): HardkeyError {
  const told = { status, serviceCode: said?.status }
  if (failing === 'damaged') {
    return new HardkeyError('ERR_DEVICE_FAILED', `the request to ${where} does not match its checksum there`, told)
  }
  if (failing !== 'final') {
    const what = failing === 'throttled' ? 'asks to slow down' : 'cannot answer now'
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', `${where} ${what}: ${said?.status ?? `HTTP ${status}`}`, told)
  }
  if (said === undefined) {
    const what = `${where} answered HTTP ${status}, which is not an answer of Google Cloud KMS`
    return new HardkeyError('ERR_DEVICE_FAILED', what, {
      ...told,
      hint: 'check kek-endpoint in the key URI, and the proxy where there is one',
    })
  }
  const [code, words, hint] = meaningOf(said, action)
  return new HardkeyError(code, `${words} ${name} (${said.status})`, {
    ...told,
    hint: `${hint}${quoted(said.message)}`,
  })
}

type Meaning = readonly [code: HardkeyError['code'], words: string, hint: string]

function meaningOf({ status, message }: SaidByGoogle, action: 'Encrypt' | 'Decrypt'): Meaning {
  switch (status) {
    case 'PERMISSION_DENIED': {
      const role = action === 'Encrypt' ? 'roles/cloudkms.cryptoKeyEncrypter' : 'roles/cloudkms.cryptoKeyDecrypter'
      return [
        'ERR_POLICY_REFUSED',
        `Google Cloud KMS does not allow to ${action.toLowerCase()} with the key`,
        `grant ${role} on this key`,
      ]
    }
    case 'UNAUTHENTICATED':
      return [
        'ERR_PIN_INCORRECT',
        'Google Cloud refused the token for the key',
        'the access token has expired, or is another one; they live an hour',
      ]
    case 'NOT_FOUND':
      return ['ERR_KEY_NOT_FOUND', 'Google Cloud KMS has no key', 'check its name in the key URI']
    case 'FAILED_PRECONDITION':
      return [
        'ERR_KEY_UNUSABLE',
        'Google Cloud KMS does not use the key, or the version that encrypted the keyset:',
        'enable that version again',
      ]
    case 'INVALID_ARGUMENT':
      if (/decrypt|ciphertext/i.test(message)) {
        return [
          'ERR_KEY_FILE_INVALID',
          'the keyset was not encrypted, or with other associated data, under',
          otherKekHint,
        ]
      }
      return [
        'ERR_KEY_UNUSABLE',
        'Google Cloud KMS does not encrypt with the key',
        'a key of ENCRYPT_DECRYPT is needed',
      ]
    default:
      return [
        'ERR_DEVICE_FAILED',
        `Google Cloud KMS refused to ${action.toLowerCase()} with the key`,
        'look at the key',
      ]
  }
}

const otherKekHint = 'check kek in the key URI; Tink keysets here have empty associated data'

function quoted(message: string): string {
  return message === '' ? '' : `; Google says: ${message}`
}
