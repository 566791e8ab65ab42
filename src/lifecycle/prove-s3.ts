// Proves a key at a store that has no STS. In: DateKeys, the store's endpoint and region, an HTTP client. Out: nothing, or
// why the store refused. Amazon S3 API Reference, ListBuckets: a store checks the signature before it looks at what the
// key may do, so AccessDenied proves the secret too.

import { HardkeyError } from '../errors.ts'
import type { HttpClient } from '../http/client.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { sigV4Signer } from '../sigv4/signer.ts'

export interface S3Proof {
  readonly keys: DateKeySource
  /** Base URL of the store. */
  readonly endpoint: string
  readonly region: string
  readonly http: HttpClient
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}

const hints: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch:
    'the secret is not the one of this access key ID, or was copied with a character too many or too few',
  InvalidAccessKeyId: 'the store does not know this access key ID: compare it, and the endpoint',
  RequestTimeTooSkewed: 'check the clock of this machine',
  AuthorizationHeaderMalformed: 'the store has another region: give it with --region',
}

/** Longer lists of buckets than this are cut off; what counts is the beginning. */
const longestAnswer = 4_194_304

/**
 * Returns where the store recognised the key.
 *
 * @throws ERR_STS_REFUSED with the store's own code; ERR_STS_RESPONSE_INVALID where the answer is none of S3; what the client throws
 */
export async function proveAtS3({ keys, endpoint, region, http, now, signal }: S3Proof): Promise<void> {
  const signer = sigV4Signer({ keys, region, service: 's3', now })
  const signed = await signer.sign({ method: 'GET', url: `${endpoint.replace(/\/+$/, '')}/` }, { signal })
  const { status, body } = await http.send(signed, { signal, maxBytes: longestAnswer })
  const text = Buffer.from(body).toString('utf8')
  if (status === 200 && text.includes('<ListAllMyBucketsResult')) return
  const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(text)?.[1]
  if (status === 403 && code === 'AccessDenied') return
  if (code === undefined) {
    throw new HardkeyError(
      'ERR_STS_RESPONSE_INVALID',
      `the endpoint answered with HTTP ${status}, and not as S3 does`,
      {
        status,
        hint: 'give the address at which the store speaks S3 (its API, not its console)',
      },
    )
  }
  throw new HardkeyError('ERR_STS_REFUSED', `the store refused the key: ${code}`, {
    status,
    serviceCode: code,
    hint: hints[code],
  })
}
