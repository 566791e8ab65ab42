// fetch that signs. In: what fetch takes. Out: what fetch gives; the request went out with its signature.
// WHATWG Fetch; AWS Signature Version 4, "Add the signature to the request", Authorization header. What is signed is what
// fetch makes of the URL and the body: encoded, with dot segments folded, and with the content type that it adds.

import { HardkeyError } from '../errors.ts'
import { type SigV4SignerOptions, sigV4Signer } from './signer.ts'

export interface SignedFetchOptions extends SigV4SignerOptions {
  /** Sends the signed request. Default: the global `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
}

/** What fetch takes, and what may be said of the signature. */
export interface SignedFetchInit extends RequestInit {
  /** The time of the signature. Default: now. */
  readonly date?: Date | undefined
  /** SHA-256 of a body that is a stream, in lower-case hex; or a literal that AWS names. */
  readonly payloadHash?: string | undefined
  /** Leaves the body out of the signature. Only with TLS, and only where the service allows it. Default false. */
  readonly unsignedPayload?: boolean | undefined
}

/** As the global fetch; a redirect is not followed unless asked for, since a signature is good for one URL. */
export type SignedFetch = (input: string | URL | Request, init?: SignedFetchInit) => Promise<Response>

/**
 * A fetch for one region and service. A body that is a stream needs `payloadHash` or `unsignedPayload`; a Blob, a form
 * and the body of a Request are read into memory, to be hashed.
 *
 * @throws ERR_REQUEST_INVALID for a region or service that cannot stand in a credential scope; the fetch throws as
 * `SigV4Signer.sign`, ERR_REQUEST_INVALID for an S3 key with a dot segment, which fetch would fold, and what fetch throws
 *
 * @example
 * ```ts
 * import { secretDateKeys, signedFetch } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const s3 = signedFetch({ keys, region: 'eu-west-1', service: 's3' })
 * const answer = await s3('https://example-bucket.s3.eu-west-1.amazonaws.com/a', { method: 'PUT', body: 'text' })
 * ```
 */
export function signedFetch(options: SignedFetchOptions): SignedFetch {
  const signer = sigV4Signer(options)
  const send = options.fetch ?? fetch
  const keepsSegments = (options.pathRule ?? (options.service.startsWith('s3') ? 's3' : 'standard')) === 's3'
  return async (input, init = {}) => {
    const { date, payloadHash, unsignedPayload, ...rest } = init
    if (keepsSegments && typeof input === 'string') refuseDotSegments(input)
    const isHashed = payloadHash !== undefined || unsignedPayload === true
    if (!isHashed && isStream(rest.body)) throw noHash()
    const request = requestFor(input, rest)
    // What is there as a whole goes out with its length; a stream, and what a Request holds, as it comes.
    const passes = isHashed && (isStream(rest.body) || (input instanceof Request && !rest.body))
    const body = passes ? request.body : await bytesOf(request)
    const signed = await signer.sign(
      {
        method: request.method,
        url: request.url.replace(/#.*$/s, ''),
        headers: request.headers,
        body: body instanceof Uint8Array ? body : undefined,
      },
      { date, payloadHash, unsignedPayload, signal: request.signal },
    )
    const { method, headers } = signed
    const { redirect = 'manual' } = rest
    const { signal } = request
    return await send(signed.url, { ...rest, method, headers, body, redirect, signal, duplex: 'half' })
  }
}

/** @throws ERR_REQUEST_INVALID for what is no request; the parser's own words may quote the URL */
function requestFor(input: string | URL | Request, init: RequestInit): Request {
  try {
    return new Request(input, { ...init, duplex: 'half' })
  } catch {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'fetch takes no such URL, method, header or body')
  }
}

async function bytesOf(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  return request.body === null ? null : new Uint8Array(await request.arrayBuffer())
}

function isStream(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  return body instanceof ReadableStream || Symbol.asyncIterator in body
}

function noHash(): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', 'the body is a stream, so it has no hash yet', {
    hint: 'give payloadHash (see hashPayload), or unsignedPayload: true where the service allows it',
  })
}

function refuseDotSegments(url: string): void {
  const path = url.replace(/[?#].*$/s, '').replace(/^[^/]*\/\/[^/]*/, '')
  if (!path.split(/[/\\]/).some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) return
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the S3 key has a "." or ".." segment, which fetch folds away', {
    hint: 'sign it with sigV4Signer and send it with httpClient, which leaves the path as it is',
  })
}
