// The payload hash: the last line of the canonical request.
// In: a body of bytes or text, or what the caller says in its place. Out: 64 hex digits, or the literal that AWS names.
// AWS Signature Version 4, "Create a canonical request", HashedPayload; Amazon S3, "Authenticating requests", x-amz-content-sha256.

import { createHash, hash } from 'node:crypto'
import { HardkeyError } from '../errors.ts'

/** SHA-256 of nothing, in lower-case hex. */
export const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Says that the body is not part of the signature. */
export const unsignedPayloadText = 'UNSIGNED-PAYLOAD'

/** SHA-256 of a body in lower-case hex; text counts as UTF-8. @throws ERR_REQUEST_INVALID for a body of another kind */
export function bodyHash(body: Uint8Array | string | undefined): string {
  if (body === undefined) return emptyHash
  if (typeof body === 'string' || body instanceof Uint8Array) {
    return body.length === 0 ? emptyHash : hash('sha256', body, 'hex')
  }
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the body is neither bytes nor text, so it has no hash yet', {
    hint: 'for a stream leave the body out and give payloadHash (see hashPayload), or unsignedPayload: true',
  })
}

/** What the caller says of the payload. */
export interface PayloadChoice {
  readonly payloadHash?: string | undefined
  readonly unsignedPayload?: boolean | undefined
}

/**
 * What the caller wants in place of the body's hash: from the options, or from an x-amz-content-sha256 header.
 *
 * @throws ERR_REQUEST_INVALID where two of them differ, or one is neither a hash nor a literal that AWS has
 */
export function chosenPayload({ payloadHash, unsignedPayload }: PayloadChoice, header?: string): string | undefined {
  const chosen = payloadHash ?? (unsignedPayload === true ? unsignedPayloadText : header)
  if (chosen === undefined) return undefined
  if (unsignedPayload === true && chosen !== unsignedPayloadText) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'both unsignedPayload and payloadHash are given', {
      hint: 'give one of the two',
    })
  }
  if (header !== undefined && header !== chosen) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the header x-amz-content-sha256 contradicts the options', {
      hint: 'leave the header out: it is set as needed',
    })
  }
  if (/^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]{1,64})$/.test(chosen)) return chosen
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the payload hash is not 64 lower-case hex digits', {
    hint: 'give the SHA-256 of the body in hex, as hashPayload returns it',
  })
}

/**
 * SHA-256 in lower-case hex of a body that comes in parts, for `payloadHash`. The stream is used up by it: open it
 * again to send it. A file is read fastest with `highWaterMark: 1 << 20`.
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { hashPayload } from 'hardkey'
 * const payloadHash = await hashPayload(createReadStream('backup.tar', { highWaterMark: 1 << 20 }))
 * ```
 */
export async function hashPayload(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const sha256 = createHash('sha256')
  for await (const chunk of chunks) sha256.update(chunk)
  return sha256.digest('hex')
}
