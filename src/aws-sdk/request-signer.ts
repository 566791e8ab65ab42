// A signer in the shape that the AWS SDK calls RequestSigner and RequestPresigner. In: the SDK's requests. Out: the same
// with a signature made by sigv4/ alone. For what takes such a signer: `signer` of a client, and callers of their own.
// AWS SDK for JavaScript v3, @smithy/types, RequestSigner, RequestPresigner. Presigned as the SDK's S3RequestPresigner:
// headers named x-amz-* go into the query, but for those of encryption, which S3 reads as headers alone.

import { HardkeyError } from '../errors.ts'
import { type SigV4Signer, type SigV4SignerOptions, sigV4Signer } from '../sigv4/signer.ts'
import { changed, type HeaderNames, headerOf, isStream, requestOf, type SdkRequest } from './sdk-request.ts'
import { permanentKey } from './sha256.ts'

export interface RequestSignerOptions extends SigV4SignerOptions {
  /** Leaves a body that is a stream out of the signature. Only with TLS, and only where the service allows it. Default false. */
  readonly unsignedStreams?: boolean | undefined
}

/** What the SDK says for one signature. */
export interface RequestSigning {
  /** A Date, seconds since 1970, or a text that Date reads. Default: now. */
  readonly signingDate?: Date | number | string | undefined
  readonly signingRegion?: string | undefined
  readonly signingService?: string | undefined
  /** Headers that are sent, but not signed. Lower case. */
  readonly unsignableHeaders?: Set<string> | undefined
}

export interface RequestPresigning extends RequestSigning {
  /** Seconds, 1 to 604800. Default 3600, as the SDK's. */
  readonly expiresIn?: number | undefined
  /** Headers that stay headers, and must be sent with the URL. Lower case. */
  readonly unhoistableHeaders?: Set<string> | undefined
  /** Headers that go into the query besides those named x-amz-*. Lower case. */
  readonly hoistableHeaders?: Set<string> | undefined
}

/** The SDK's RequestSigner and RequestPresigner. */
export interface SdkRequestSigner {
  /**
   * The request with its signature among the headers, as a new object.
   *
   * @throws as `SigV4Signer.sign`; ERR_REQUEST_INVALID for a stream without x-amz-content-sha256, and for SigV4a
   */
  sign<Request extends SdkRequest>(request: Request, signing?: RequestSigning): Promise<Request>
  /**
   * The request with its signature in the query, as a new object.
   *
   * @throws as `SigV4Signer.presign`; ERR_REQUEST_INVALID for SigV4a
   */
  presign<Request extends SdkRequest>(request: Request, signing?: RequestPresigning): Promise<Request>
}

/** Signers of other scopes than the first that are kept. */
const mostSigners = 64

/**
 * Signs the SDK's requests with `keys`, of a device or of temporary credentials, and takes nothing of the SDK's own.
 *
 * @throws ERR_REQUEST_INVALID for a region or service that cannot stand in a credential scope
 *
 * @example
 * ```ts
 * import { deviceDateKeys, openKey } from 'hardkey'
 * import { requestSigner } from 'hardkey/aws-sdk'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * const keys = deviceDateKeys({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
 * const signer = requestSigner({ keys, region: 'eu-west-1', service: 'execute-api' })
 * ```
 */
export function requestSigner(options: RequestSignerOptions): SdkRequestSigner {
  const first = sigV4Signer(options)
  const others = new Map<string, SigV4Signer>()
  const signerFor = ({ signingRegion, signingService }: RequestSigning): SigV4Signer => {
    const region = signingRegion ?? options.region
    const service = signingService ?? options.service
    if (region === '*') throw permanentKey()
    if (region === options.region && service === options.service) return first
    const there = others.get(`${region}/${service}`)
    if (there !== undefined) return there
    const made = sigV4Signer({ ...options, region, service })
    if (others.size < mostSigners) others.set(`${region}/${service}`, made)
    return made
  }
  return {
    async sign(request, signing = {}) {
      const left = lowerCase(signing.unsignableHeaders)
      const unsignedPayload = isUnsigned(request, options.unsignedStreams === true) ? true : undefined
      const date = dateOf(signing.signingDate)
      const { headers } = await signerFor(signing).sign(requestOf(request, left), { date, unsignedPayload })
      return changed(request, { headers: { ...leftHeaders(request, left), ...headers } })
    },
    async presign(request, signing = {}) {
      const hoisted = hoist(request, signing)
      const { expiresIn = 3600 } = signing
      const url = await signerFor(signing).presign(requestOf(hoisted, lowerCase(signing.unsignableHeaders)), {
        date: dateOf(signing.signingDate),
        expiresIn,
      })
      return changed(request, { headers: hoisted.headers, query: queryOf(url) })
    },
  }
}

/** @throws ERR_REQUEST_INVALID for a stream of which nothing is said */
function isUnsigned(request: SdkRequest, unsignedStreams: boolean): boolean {
  if (!isStream(request.body) || headerOf(request.headers, 'x-amz-content-sha256') !== undefined) return false
  if (unsignedStreams) return true
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the body is a stream, so it has no hash yet', {
    hint: 'set x-amz-content-sha256, or unsignedStreams: true where the service allows it',
  })
}

function leftHeaders({ headers }: SdkRequest, left: HeaderNames): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => left?.has(name.toLowerCase()) === true))
}

/** @smithy/signature-v4, moveHeadersToQuery. The payload's own header stays: sigv4/ puts it where the service wants it. */
function hoist(request: SdkRequest, { hoistableHeaders, unhoistableHeaders }: RequestPresigning): SdkRequest {
  const headers: Record<string, string> = {}
  const query = { ...request.query }
  const [wanted, kept] = [lowerCase(hoistableHeaders), lowerCase(unhoistableHeaders)]
  for (const [name, value] of Object.entries(request.headers)) {
    const lower = name.toLowerCase()
    const mayMove = lower.startsWith('x-amz-') && !lower.startsWith('x-amz-server-side-encryption')
    const moves = (mayMove && kept?.has(lower) !== true) || wanted?.has(lower) === true
    if (moves && lower !== 'x-amz-content-sha256') query[name] = value
    else headers[name] = value
  }
  return { ...request, headers, query }
}

function queryOf(url: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  for (const part of url.slice(url.indexOf('?') + 1).split('&')) {
    const equals = part.indexOf('=')
    const name = decodeURIComponent(part.slice(0, equals))
    const value = decodeURIComponent(part.slice(equals + 1))
    const there = query[name]
    query[name] = there === undefined ? value : [there, value].flat()
  }
  return query
}

/** The SDK's DateInput: a number counts seconds. */
function dateOf(given: RequestSigning['signingDate']): Date | undefined {
  if (given === undefined || given instanceof Date) return given
  return new Date(typeof given === 'number' ? given * 1000 : given)
}

function lowerCase(names: HeaderNames): HeaderNames {
  return names === undefined ? undefined : new Set([...names].map((name) => name.toLowerCase()))
}
