// What the server's statuses mean, in hardkey's codes. In: an answer that is no success, and what was asked for.
// Out: whether another try may help, and a HardkeyError. HTTP API of Vault and OpenBao, "HTTP status codes".
// A 403 is no more than "expired or not allowed": what it is, diagnosis.ts finds out.

import { HardkeyError } from '../../errors.ts'
import { readErrors } from './answer.ts'

/** An answer of any status. */
export interface VaultAnswer {
  readonly status: number
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  /** The name of the address that answered. */
  readonly where: string
}

/** `unprocessed`: the server has certainly not acted, so that even a change may be asked for again. */
export type Passing = 'unprocessed' | 'unknown'

/** 412: a replica has not heard of the last change; 429: quota, or a standby; 472, 473: a standby of another kind. */
const unprocessedStatuses: readonly number[] = [412, 429, 472, 473, 503]

/** Whether a later try may succeed; undefined for an answer that stays. */
export function passingOf(status: number): Passing | undefined {
  if (unprocessedStatuses.includes(status)) return 'unprocessed'
  return status >= 500 && status !== 501 ? 'unknown' : undefined
}

/** A server that cannot answer now: sealed, throttled, a standby, an audit device that is blocked. */
export function serverBusy(answer: VaultAnswer): HardkeyError {
  const { status, where } = answer
  const words = readErrors(answer.body) ?? ''
  if (status === 503 && /sealed/i.test(words)) {
    return passing(answer, `${where} is sealed`, 'whoever holds its unseal keys must unseal it')
  }
  if (status === 429) return passing(answer, `${where} asks to slow down, or is a standby`, 'look at its rate limits')
  if (status === 472 || status === 473 || status === 412) {
    return passing(answer, `${where} is a standby that cannot answer this`, 'name the other addresses too')
  }
  return passing(
    answer,
    `${where} cannot answer: ${words === '' ? `status ${status}` : words}`,
    'look at the log of the server; a blocked audit device stops every request',
  )
}

function passing({ status }: VaultAnswer, message: string, hint: string): HardkeyError {
  return new HardkeyError('ERR_DEVICE_UNAVAILABLE', message, { status, hint })
}

/** What a refusal is about. */
export interface Asked {
  readonly key: string
  readonly mount: string
  readonly namespace: string | undefined
}

/** A refusal that stays, but for 403: the key, the mount or the namespace is not there, or the server fails. */
export function refusal(answer: VaultAnswer, { key, mount, namespace }: Asked): HardkeyError {
  const { status, where } = answer
  const said = readErrors(answer.body)
  const words = said ?? ''
  const missing = (what: string, hint: string): HardkeyError =>
    new HardkeyError('ERR_KEY_NOT_FOUND', `${where} has no ${what}`, { status, hint })
  if (/namespace not found/.test(words) || (status === 404 && namespace !== undefined && /no handler/.test(words))) {
    return missing(
      namespace === undefined ? 'such namespace' : `namespace "${namespace}", or no mount "${mount}" in it`,
      'check namespace and mount in the key URI',
    )
  }
  if (status === 404 && /no handler/.test(words)) {
    return missing(`mount "${mount}"`, 'check mount in the key URI, and namespace where there are any')
  }
  if (isMissingKey(answer, said)) {
    return missing(`key "${key}" at the mount "${mount}"`, 'check key and mount in the key URI')
  }
  if (status === 501) {
    return new HardkeyError('ERR_DEVICE_FAILED', `${where} has not been initialised`, { status })
  }
  return new HardkeyError('ERR_DEVICE_FAILED', `${where} answered ${status}${words === '' ? '' : `: ${words}`}`, {
    status,
    hint: words === '' ? 'what answers there may be another server' : undefined,
  })
}

function isMissingKey({ status }: VaultAnswer, words: string | undefined): boolean {
  if (words === undefined) return false
  // "encryption key not found" of an HMAC, "could not delete key; not found", "no existing key named X found".
  return (status === 404 && words === '') || (status === 400 && /not found|no existing key/.test(words))
}

/** A redirect to a place that the key URI does not name: the token goes nowhere else. */
export function strayRedirect({ status, where, headers }: VaultAnswer): HardkeyError {
  const location = headers.location ?? ''
  const host = URL.canParse(location) ? new URL(location).host : 'a place that is no URL'
  return new HardkeyError('ERR_DEVICE_FAILED', `${where} sends the request on to ${host}, which is not followed`, {
    status,
    hint: 'if that is the leader of the same cluster, add its address to the key URI: address=https://…,https://…',
  })
}

/** A failure of the connection in the words of a device. */
export function connectionFailure(error: unknown): unknown {
  if (!(error instanceof HardkeyError)) return error
  const { message, cause, serviceCode, status, tryAgain, hint } = error
  if (error.code === 'ERR_STS_UNREACHABLE') {
    const remedy = hint?.includes('AWS_CA_BUNDLE') === true ? unknownRoot : hintWithoutRegion(hint)
    return new HardkeyError('ERR_DEVICE_UNAVAILABLE', message, { cause, serviceCode, status, tryAgain, hint: remedy })
  }
  if (error.code !== 'ERR_STS_RESPONSE_INVALID') return error
  return new HardkeyError('ERR_DEVICE_FAILED', message, { cause, serviceCode, status })
}

const unknownRoot = 'name the CA of the server in the key URI: ca=file:/PATH, or set VAULT_CACERT'

function hintWithoutRegion(hint: string | undefined): string | undefined {
  return hint?.includes('region') === true ? 'check address in the key URI, and the name servers' : hint
}
