// What differs between services, settled once for a signer.
// In: the signer's options. Out: the rules that the header form and the query form follow.
// Amazon S3 API Reference, "Authenticating requests"; botocore's S3SigV4Auth against its SigV4Auth.

import { HardkeyError } from '../errors.ts'
import type { PathRule } from './canonical-uri.ts'
import type { DateKeySource } from './date-key.ts'
import { encode } from './encoding.ts'
import { algorithm } from './string-to-sign.ts'

/** The rules of one signer. */
export interface SigningRules {
  /** As the string to sign, the Authorization header and X-Amz-Algorithm name it. */
  readonly algorithm: string
  /** SigV4a: the regions, in place of the one in the scope. */
  readonly regionSet: string | undefined
  readonly region: string
  readonly service: string
  readonly accessKeyId: string
  readonly encodedAccessKeyId: string
  readonly sessionToken: string | undefined
  readonly encodedSessionToken: string | undefined
  readonly unsignedSessionToken: boolean
  readonly pathRule: PathRule
  readonly payloadHashHeader: boolean
  readonly presignsUnsignedPayload: boolean
}

/** What a caller may say against the service's own rules. */
export interface RuleOptions {
  readonly keys: DateKeySource
  /** Region of the credential scope: lower-case letters, digits and "-". */
  readonly region: string
  /** Signing name of the service, as in the credential scope: `s3`, `sts`, `execute-api`. */
  readonly service: string
  /**
   * How the service reads a path. Default: `s3` for S3 and its sisters (encoded once, no segment folded), `standard` for
   * every other service (folded, and encoded once more).
   */
  readonly pathRule?: PathRule | undefined
  /** Sends the payload hash as x-amz-content-sha256. Default: where the service wants it (S3, Glacier, OpenSearch Serverless). */
  readonly payloadHashHeader?: boolean | undefined
  /** Adds the session token without signing it, as AWS IoT wants it in a presigned WebSocket URL. Default false. */
  readonly unsignedSessionToken?: boolean | undefined
}

const s3Services: readonly string[] = ['s3', 's3express', 's3-object-lambda', 's3-outposts']
const hashHeaderServices: readonly string[] = [...s3Services, 'aoss', 'glacier', 'vpc-lattice-svcs']

/** @throws ERR_REQUEST_INVALID for a region or service that cannot stand in a credential scope */
export function signingRules(options: RuleOptions): SigningRules {
  const { keys } = options
  const service = checkScopePart('service', options.service)
  const isS3 = s3Services.includes(service)
  return {
    algorithm,
    regionSet: undefined,
    region: checkScopePart('region', options.region),
    service,
    accessKeyId: keys.accessKeyId,
    encodedAccessKeyId: encode(keys.accessKeyId),
    sessionToken: keys.sessionToken,
    encodedSessionToken: keys.sessionToken === undefined ? undefined : encode(keys.sessionToken),
    unsignedSessionToken: options.unsignedSessionToken ?? false,
    pathRule: options.pathRule ?? (isS3 ? 's3' : 'standard'),
    payloadHashHeader: options.payloadHashHeader ?? hashHeaderServices.includes(service),
    presignsUnsignedPayload: isS3,
  }
}

/** @throws ERR_REQUEST_INVALID where the text would change the form of the credential scope */
function checkScopePart(kind: 'region' | 'service', text: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)) return text
  throw new HardkeyError(
    'ERR_REQUEST_INVALID',
    `the ${kind} ${JSON.stringify(String(text))} cannot stand in a credential scope`,
    {
      hint: `a ${kind} is lower-case letters, digits and "-"`,
    },
  )
}
