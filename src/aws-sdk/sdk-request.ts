// A request as the AWS SDK holds it, and the same as sigv4/ takes it. In: the SDK's HttpRequest, described by its members.
// Out: an HttpRequest of ours with its URL as text; the SDK's request with other headers or another query.
// AWS SDK for JavaScript v3, @smithy/types, HttpRequest.

import { HardkeyError } from '../errors.ts'
import { encode } from '../sigv4/encoding.ts'
import type { HttpRequest } from '../sigv4/request.ts'

/** The SDK's HttpRequest, as far as a signature needs it. */
export interface SdkRequest {
  method: string
  /** With the colon: `https:`. */
  protocol: string
  hostname: string
  port?: number | undefined
  /** Encoded, as it goes onto the wire. */
  path: string
  /** Not encoded. */
  query?: Record<string, string | string[] | null> | undefined
  headers: Record<string, string>
  body?: unknown
}

/** Header names that the caller of the SDK wants left out of the signature. */
export type HeaderNames = ReadonlySet<string> | undefined

/**
 * The request for `sigv4/`, without the headers in `left` (lower case). A body of bytes or text stays; a stream is left
 * out, and then the caller says what its hash is.
 */
export function requestOf(request: SdkRequest, left: HeaderNames): HttpRequest {
  const headers = Object.entries(request.headers).filter(([name]) => left?.has(name.toLowerCase()) !== true)
  return { method: request.method, url: urlOf(request), headers, body: bodyOf(request.body) }
}

/** A new request of the same class with other members; the one that was given stays as it is. */
export function changed<Request extends SdkRequest>(request: Request, changes: Partial<SdkRequest>): Request {
  // Object.create knows nothing of the class whose prototype it is given.
  return Object.assign(Object.create(Object.getPrototypeOf(request)) as Request, request, changes)
}

/** The value of a header, whatever the case of its name. */
export function headerOf(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]
}

/** True for a body that has no bytes yet. */
export function isStream(body: unknown): boolean {
  return body !== undefined && body !== null && bodyOf(body) === undefined
}

function bodyOf(body: unknown): Uint8Array | string | undefined {
  if (typeof body === 'string') return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  return undefined
}

function urlOf({ protocol, hostname, port, path, query }: SdkRequest): string {
  if (!/^https?:$/.test(protocol)) {
    throw new HardkeyError(
      'ERR_REQUEST_INVALID',
      `the protocol ${JSON.stringify(protocol)} is neither http: nor https:`,
    )
  }
  const parameters = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map((one) => `${encode(name)}=${encode(one)}`),
  )
  const place = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  return `${place}${path.startsWith('/') ? '' : '/'}${path}${parameters.length === 0 ? '' : `?${parameters.join('&')}`}`
}
