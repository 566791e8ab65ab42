// The body of an aws-chunked upload: chunks, each with its signature, and a trailer with a checksum.
// In: a stream of bytes of known length, the signature of the request. Out: the same bytes framed, piece by piece.
// Amazon S3, "Signature calculations: transferring payload in multiple chunks" and "... including trailing headers".
// 1. Each signature covers the one before it, so a body is made once, from front to end.
// 2. Nothing but one chunk is held, whatever the length of the body.

import { createHash, hash } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import { type ChecksumAlgorithm, checksumHeader, checksumLength, startChecksum } from './checksum.ts'
import { emptyHash } from './payload.ts'
import type { SignatureChain } from './signature-chain.ts'
import type { SigningMoment } from './signing-moment.ts'

/** A body that comes in parts: a Node stream, a web stream, a generator, a list. */
export type BodyStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface ChunkedBodyOptions {
  /** Bytes that the stream gives. */
  readonly length: number
  /** Bytes of a chunk, 8 KiB at least. */
  readonly chunkBytes: number
  readonly checksum: ChecksumAlgorithm | undefined
  /** Chunks and trailer carry a signature. */
  readonly signed: boolean
}

/** What signs chunks and trailer: the chain that the request began, and its moment. */
export interface ChunkSigning {
  readonly chain: SignatureChain
  readonly moment: SigningMoment
}

const chunkSignature = ';chunk-signature='
const trailerSignature = 'x-amz-trailer-signature:'
const signatureDigits = 64

/** Bytes of the framed body, for Content-Length. */
export function chunkedLength({ length, chunkBytes, checksum, signed }: ChunkedBodyOptions): number {
  const signature = signed ? chunkSignature.length + signatureDigits : 0
  const framed = (size: number): number => size.toString(16).length + signature + 2 + size + 2
  const whole = Math.floor(length / chunkBytes)
  const rest = length % chunkBytes
  const chunks = whole * framed(chunkBytes) + (rest === 0 ? 0 : framed(rest))
  // The last chunk is empty; where there is a trailer, that comes before the second line end.
  return chunks + 1 + signature + 2 + trailerLength(checksum, signed) + 2
}

function trailerLength(checksum: ChecksumAlgorithm | undefined, signed: boolean): number {
  if (checksum === undefined) return 0
  const line = checksumHeader(checksum).length + 1 + checksumLength(checksum) + 2
  return !signed ? line : line + trailerSignature.length + signatureDigits + 2
}

/**
 * The framed body. `signing` undefined: nothing in it is signed.
 *
 * @throws ERR_REQUEST_INVALID, while it is read, where the stream is longer or shorter than was said, or gives no bytes
 */
export async function* chunkedBody(
  stream: BodyStream,
  options: Omit<ChunkedBodyOptions, 'signed'>,
  signing: ChunkSigning | undefined,
): AsyncGenerator<Uint8Array> {
  const { checksum } = options
  const running = checksum === undefined ? undefined : startChecksum(checksum)
  for await (const chunk of inChunks(stream, options)) {
    for (const piece of chunk) running?.update(piece)
    const size = chunk.reduce((sum, piece) => sum + piece.length, 0)
    const head = size.toString(16) + (signing === undefined ? '' : await chunkExtension(signing, hashOf(chunk)))
    yield Buffer.concat([Buffer.from(`${head}\r\n`), ...chunk, Buffer.from('\r\n')])
  }
  const last = signing === undefined ? '' : await chunkExtension(signing, emptyHash)
  const line = checksum === undefined ? '' : `${checksumHeader(checksum)}:${running?.digest()}`
  yield Buffer.from(`0${last}\r\n${line === '' ? '' : await trailer(line, signing)}\r\n`)
}

async function chunkExtension({ chain, moment }: ChunkSigning, payloadHash: string): Promise<string> {
  return chunkSignature + (await chain.next('AWS4-HMAC-SHA256-PAYLOAD', moment, `${emptyHash}\n${payloadHash}`))
}

async function trailer(line: string, signing: ChunkSigning | undefined): Promise<string> {
  if (signing === undefined) return `${line}\r\n`
  // What is signed ends its line with a newline alone.
  const signed = hash('sha256', `${line}\n`, 'hex')
  const signature = await signing.chain.next('AWS4-HMAC-SHA256-TRAILER', signing.moment, signed)
  return `${line}\r\n${trailerSignature}${signature}\r\n`
}

function hashOf(pieces: readonly Uint8Array[]): string {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined) return hash('sha256', first, 'hex')
  const sha256 = createHash('sha256')
  for (const piece of pieces) sha256.update(piece)
  return sha256.digest('hex')
}

/** The stream in chunks of exactly `chunkBytes`, the last one shorter; each as the pieces it came in. */
async function* inChunks(
  stream: BodyStream,
  { length, chunkBytes }: Omit<ChunkedBodyOptions, 'signed'>,
): AsyncGenerator<readonly Uint8Array[]> {
  let pieces: Uint8Array[] = []
  let room = chunkBytes
  let given = 0
  for await (const part of stream) {
    if (!(part instanceof Uint8Array))
      throw new HardkeyError('ERR_REQUEST_INVALID', 'the body stream does not give bytes')
    given += part.length
    if (given > length) throw wrongLength(`more than the ${length}`)
    let rest = part
    while (rest.length >= room) {
      pieces.push(rest.subarray(0, room))
      rest = rest.subarray(room)
      yield pieces
      pieces = []
      room = chunkBytes
    }
    if (rest.length === 0) continue
    pieces.push(rest)
    room -= rest.length
  }
  if (given < length) throw wrongLength(`${given} of the ${length}`)
  if (pieces.length > 0) yield pieces
}

function wrongLength(what: string): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', `the body stream gave ${what} bytes that were said`, {
    hint: 'length is the number of bytes of the body before it is framed',
  })
}
