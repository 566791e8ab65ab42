// How the body of a request is signed, and the request that is sent. In: options, body. Out: a signed request.
// By its hash; by the hash that the user gives; not at all; or, for S3, in chunks with a checksum behind them.
// A Content-Length that the user gives must be that of the body: a store would take a part for the whole.

import { HardkeyError } from '../../errors.ts'
import type { StreamedRequest } from '../../http/client.ts'
import { type ChecksumAlgorithm, checksumAlgorithms } from '../../sigv4/checksum.ts'
import type { SigV4Signer } from '../../sigv4/signer.ts'
import type { ParsedArguments } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { requestHeaders } from './request-scope.ts'
import { type Upload, uploadHash } from './upload.ts'

type Header = readonly [name: string, value: string]

/** What the signature covers of the body. */
export interface Payload {
  readonly payloadHash: string | undefined
  readonly unsignedPayload: boolean
  readonly checksum: ChecksumAlgorithm | undefined
}

/**
 * What the options say, with the hash of a file. Asks no device.
 *
 * @throws ERR_USAGE for options that contradict each other, and where nothing says how a stream is signed
 */
export async function checkedPayload(
  { args, report }: CommandContext,
  body: Upload,
  service: string,
): Promise<Payload> {
  const unsignedPayload = args.has('unsigned-payload')
  const given = args.value('payload-hash')
  const checksum = checksumOption({ args })
  if (unsignedPayload && given !== undefined) throw args.wrong('--unsigned-payload contradicts --payload-hash')
  if (checksum !== undefined) {
    if (given !== undefined) throw args.wrong('--checksum contradicts --payload-hash')
    if (service !== 's3') throw args.wrong('--checksum is for S3 alone')
    if (body.kind === 'bytes' && body.bytes === undefined) throw args.wrong('--checksum goes with --body')
    if (body.kind === 'pipe') throw args.wrong('--checksum needs to know the length of the body', 'give a file')
    return { payloadHash: undefined, unsignedPayload, checksum }
  }
  if (body.kind === 'pipe' && given === undefined && !unsignedPayload) {
    const remedy = 'give --payload-hash with its SHA-256, or --unsigned-payload'
    throw args.wrong('the body can be read only once, and its hash is not known', remedy)
  }
  if (body.kind === 'pipe' && service === 's3' && !requestHeaders(args).some(isLength)) {
    throw args.wrong('S3 wants to know the length of the body', "give a file, or --header 'Content-Length: BYTES'")
  }
  if (body.kind !== 'file' || unsignedPayload || given !== undefined) {
    return { payloadHash: given, unsignedPayload, checksum }
  }
  return { payloadHash: await report.waiting('the hash of the file', uploadHash(body)), unsignedPayload, checksum }
}

/** Without it our client sends HTTP's own chunks, which S3 answers with 411 MissingContentLength. */
const isLength = ([name]: Header): boolean => name.toLowerCase() === 'content-length'

/** Refuses a Content-Length of the user's that cannot be that of the body. @throws ERR_USAGE */
export function checkLength(args: ParsedArguments, body: Upload): void {
  const [given, another] = requestHeaders(args).filter(isLength)
  if (given === undefined) return
  if (!/^[0-9]{1,15}$/.test(given[1]) || another !== undefined) {
    throw args.wrong('--header Content-Length is no number of bytes')
  }
  const said = Number(given[1])
  const has = body.kind === 'bytes' ? (body.bytes?.length ?? 0) : body.kind === 'file' ? body.length : said
  if (said === has) return
  throw args.wrong(`Content-Length says ${said}, and the body has ${has} bytes`, 'leave the header out')
}

/** The same pieces. The last one is held back until nothing follows, so that a longer stream is never sent whole. */
async function* ofLength(stream: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let passed = 0
  let held: Uint8Array | undefined
  for await (const piece of stream) {
    passed += piece.length
    if (passed > length) throw otherLength(`the body has more than the ${length} bytes that Content-Length says`)
    if (held !== undefined) yield held
    held = piece
  }
  if (passed < length) throw otherLength(`the body ended after ${passed} bytes, and Content-Length says ${length}`)
  if (held !== undefined) yield held
}

function otherLength(message: string): HardkeyError {
  return new HardkeyError('ERR_USAGE', message, { hint: 'nothing was taken: the request was cut off before its end' })
}

function checksumOption({ args }: Pick<CommandContext, 'args'>): ChecksumAlgorithm | undefined {
  const name = args.value('checksum')?.toUpperCase()
  if (name === undefined) return undefined
  const found = checksumAlgorithms.find((known): known is ChecksumAlgorithm => known === name)
  if (found === undefined) throw args.wrong(`--checksum is one of ${checksumAlgorithms.join(', ').toLowerCase()}`)
  return found
}

/** The request, signed, with the body that is sent. */
export async function signUpload(
  { signal }: CommandContext,
  signer: SigV4Signer,
  unsigned: { readonly method: string; readonly url: string; readonly headers: readonly Header[] },
  body: Upload,
  { payloadHash, unsignedPayload, checksum }: Payload,
): Promise<StreamedRequest> {
  if (checksum !== undefined && body.kind !== 'pipe') {
    const [length, stream] =
      body.kind === 'file'
        ? [body.length, body.open()]
        : [body.bytes?.length ?? 0, body.bytes === undefined ? [] : [body.bytes]]
    const options = { length, checksum, unsignedPayload, signal }
    return await signer.signChunked({ ...unsigned, body: stream }, options)
  }
  if (body.kind === 'bytes') {
    return await signer.sign({ ...unsigned, body: body.bytes }, { payloadHash, unsignedPayload, signal })
  }
  const given = unsigned.headers.find(isLength)?.[1]
  const headers = withLength(unsigned.headers, body)
  const signed = await signer.sign({ ...unsigned, headers }, { payloadHash, unsignedPayload, signal })
  if (body.kind === 'file') return { ...signed, body: body.open() }
  return { ...signed, body: given === undefined ? body.stream : ofLength(body.stream, Number(given)) }
}

/** S3 wants to know the length of a stream; the client of ours counts bytes by itself. */
export function withLength(headers: readonly Header[], body: Upload): readonly Header[] {
  if (body.kind !== 'file' || headers.some(isLength)) return headers
  return [...headers, ['Content-Length', String(body.length)]]
}
