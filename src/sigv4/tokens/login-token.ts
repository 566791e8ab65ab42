// What login tokens share: a presigned GET that takes the place of a password. In: keys, host, query, seconds.
// Out: the URL with its parameters in the order in which AWS's own signer of that token writes them. A server does not
// mind the order; who compares with AWS's tools does.

import { HardkeyError } from '../../errors.ts'
import type { RequestHeaders } from '../canonical-headers.ts'
import type { DateKeySource } from '../date-key.ts'
import { encode } from '../encoding.ts'
import { sigV4Signer } from '../signer.ts'

export interface TokenOptions {
  readonly keys: DateKeySource
  /** Region of the server that is logged in to. */
  readonly region: string
  /** The clock. Default: that of the machine. */
  readonly now?: (() => Date) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A password for one login after another until it expires; who is logged in stays so. */
export interface LoginToken {
  readonly token: string
  readonly expiration: Date
}

export interface LoginRequest {
  /** Signing name. */
  readonly service: string
  /** Without a scheme, with the port where the server is asked by one. */
  readonly host: string
  /** Names and values, not encoded, in order. */
  readonly query: readonly (readonly [string, string])[]
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly expiresIn: number
}

/** `sdk`: by name, as the SDK for JavaScript. `botocore`: as boto3 and the AWS CLI. */
export type ParameterOrder = 'sdk' | 'botocore'

const botocoreOrder: readonly string[] = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Security-Token',
  'X-Amz-Signature',
]

/** The presigned URL without its scheme, and when it expires. @throws as `presign`; ERR_REQUEST_INVALID for a host that is none */
export async function presignedLogin(
  { keys, region, now = () => new Date(), signal }: TokenOptions,
  { service, host, query, headers, expiresIn }: LoginRequest,
  order: ParameterOrder,
): Promise<LoginToken> {
  // A slash or question mark would put the rest of the host into the path or the query.
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?$/.test(host)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the host to log in to is not one', {
      hint: 'give its name or address, without a scheme and a path',
    })
  }
  const date = now()
  const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  // The Host header as it is: a port is part of it even where it is that of https.
  const given: RequestHeaders = { host, ...headers }
  const signer = sigV4Signer({ keys, region, service, now: () => date })
  const request = { method: 'GET', url: `https://${host}/?${search}`, headers: given }
  const url = await signer.presign(request, { date, expiresIn, signal })
  return {
    token: `${host}/?${ordered(url.slice(url.indexOf('?') + 1), order)}`,
    expiration: new Date(date.getTime() + expiresIn * 1000),
  }
}

function ordered(query: string, order: ParameterOrder): string {
  const parameters = query.split('&')
  if (order === 'sdk') return parameters.sort().join('&')
  const rank = (parameter: string): number => botocoreOrder.indexOf(parameter.slice(0, parameter.indexOf('=')))
  // The sort is stable: what is not in the list keeps its place in front.
  return parameters.sort((one, other) => rank(one) - rank(other)).join('&')
}

/** Base64 for URLs without its padding. */
export function base64Url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
