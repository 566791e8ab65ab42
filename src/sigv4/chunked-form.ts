// An upload in aws-chunked encoding: the request that opens it, signed with the literal that says how the body is signed.
// In: a request, a stream and its length. Out: headers for `headerForm`, and the rules of the body.
// Amazon S3, "Authenticating requests: using the Authorization header", x-amz-content-sha256 and x-amz-trailer.

import { HardkeyError } from '../errors.ts'
import type { RequestHeaders } from './canonical-headers.ts'
import { type ChecksumAlgorithm, checksumHeader } from './checksum.ts'
import type { BodyStream } from './chunked-body.ts'
import type { HttpRequest } from './request.ts'

/** An upload. As HttpRequest, with a stream for a body. */
export interface ChunkedRequest extends Omit<HttpRequest, 'body'> {
  /** Read once, while the result is sent. */
  readonly body: BodyStream
}

export interface ChunkedOptions {
  /** Bytes of the body. S3 wants them beforehand, and refuses a body of another length. */
  readonly length: number
  /** Sends this checksum behind the body; S3 checks it and keeps it with the object. */
  readonly checksum?: ChecksumAlgorithm | undefined
  /**
   * Leaves the chunks unsigned, as SDKs do over TLS: the checksum alone guards the body, so one must be given. Default
   * false: each chunk is signed.
   */
  readonly unsignedPayload?: boolean | undefined
  /** Bytes of a chunk, 8192 to 16777216. Default 65536. */
  readonly chunkBytes?: number | undefined
  /** The time of the signatures. Default: now. */
  readonly date?: Date | undefined
  readonly signal?: AbortSignal | undefined
}

/** An upload that is ready to be sent as it is. */
export interface SignedStream {
  readonly method: string
  /** The URL that was given, unchanged. */
  readonly url: string
  /** As those of SignedRequest, with Content-Length. */
  readonly headers: Record<string, string>
  /**
   * What is sent, once. It throws ERR_REQUEST_INVALID where the stream has another length than was said, and what the key
   * or the stream throws; then the upload must be broken off.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** S3: "chunk size must be at least 8 KB"; a chunk is held in memory. */
const smallestChunk = 8192
const largestChunk = 16_777_216
const defaultChunk = 65_536

/** The literal of x-amz-content-sha256. */
export function streamingPayload({ checksum, unsignedPayload }: ChunkedOptions): string {
  if (unsignedPayload === true) return 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  return checksum === undefined ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' : 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
}

/** Bytes of a chunk. @throws ERR_REQUEST_INVALID for a length or chunk size that is none, and unsigned without a checksum */
export function checkedChunkBytes({
  length,
  checksum,
  unsignedPayload,
  chunkBytes = defaultChunk,
}: ChunkedOptions): number {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the length of the body is not a number of bytes', {
      hint: 'S3 wants it beforehand; for a stream of unknown length use sign with payloadHash or unsignedPayload',
    })
  }
  if (!Number.isInteger(chunkBytes) || chunkBytes < smallestChunk || chunkBytes > largestChunk) {
    throw new HardkeyError('ERR_REQUEST_INVALID', `chunkBytes is not from ${smallestChunk} to ${largestChunk}`)
  }
  if (unsignedPayload === true && checksum === undefined) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'an unsigned body in chunks needs a checksum', {
      hint: "give checksum, as in checksum: 'CRC64NVME'",
    })
  }
  return chunkBytes
}

/** What the caller gave, and what says how the body is framed. `contentLength`: that of the framed body. */
export function streamingHeaders(
  given: RequestHeaders | undefined,
  options: ChunkedOptions,
  contentLength: number,
): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  let encoding = 'aws-chunked'
  for (const [name, value] of pairsOf(given)) {
    const lower = name.toLowerCase()
    if (lower === 'content-length' || lower === 'transfer-encoding') continue
    if (ours.test(lower)) throw contradiction(name)
    if (lower === 'content-encoding') encoding = value === 'aws-chunked' ? value : `${value},aws-chunked`
    else pairs.push([name, value])
  }
  pairs.push(['Content-Encoding', encoding], ['Content-Length', String(contentLength)])
  pairs.push(['X-Amz-Decoded-Content-Length', String(options.length)])
  if (options.checksum !== undefined) pairs.push(['X-Amz-Trailer', checksumHeader(options.checksum)])
  return pairs
}

const ours = /^x-amz-(?:content-sha256|decoded-content-length|trailer)$/

function pairsOf(given: RequestHeaders | undefined): Iterable<readonly [string, string]> {
  if (given === undefined) return []
  return Symbol.iterator in given ? given : Object.entries(given)
}

function contradiction(name: string): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', `the header ${name} contradicts a body in chunks`, {
    hint: 'leave it out: it is set from length and checksum',
  })
}
