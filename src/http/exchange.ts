// One request and its answer. In: the pool, the request as it was signed, the limits. Out: the whole answer, or an error by
// the deadline. RFC 9112; nothing is followed, decompressed or tried again (F-H05..F-H07, F-H12, F-H20).

import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http'
import { HardkeyError } from '../errors.ts'
import type { ConnectionPool, PooledRequestArgs } from './connection-pool.ts'
import { deadlineFailure, withEnding } from './deadline.ts'
import { answerFailure, exchangeFailure } from './failure.ts'
import type { Target } from './target.ts'

/** A request as it goes out: nothing in it is changed or added but Host, Content-Length and Connection where missing. */
export interface OutgoingRequest {
  readonly method: string
  /** http or https; path and query go out byte for byte. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | undefined
}

/** An answer of any status; a redirect is an answer like any other. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; repeated ones joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** As it came, not decompressed, in a buffer of its own. */
  readonly body: Uint8Array
}

/** What bounds an exchange. */
export interface ExchangeLimits {
  readonly firstByteMilliseconds: number
  readonly totalMilliseconds: number
  readonly maxBytes: number
  /** Wipes what was read from the socket. */
  readonly holdsSecret?: boolean | undefined
  /** Told when there is a connection, before the first byte goes out. */
  readonly sending?: (() => void) | undefined
  /** Each ends the exchange with its reason. */
  readonly signals: readonly AbortSignal[]
}

/**
 * The answer, complete.
 * @throws ERR_REQUEST_INVALID for a header that HTTP cannot carry; ERR_TIMEOUT; ERR_STS_UNREACHABLE; ERR_STS_RESPONSE_INVALID
 * where the answer is no HTTP/1.1, longer than `maxBytes`, or followed by another one; the signal's reason on abort. The
 * socket of a failed exchange is closed.
 */
export function exchange(
  pool: ConnectionPool,
  target: Target,
  outgoing: OutgoingRequest,
  limits: ExchangeLimits,
): Promise<HttpAnswer> {
  const what = `no complete answer from ${target.host}`
  return withEnding(limits.signals, limits.totalMilliseconds, what, async (ending) => {
    const request = openRequest(pool, target, outgoing, ending)
    ending.stop = () => void request.destroy()
    const wipe = limits.holdsSecret === true ? keepReads(request) : undefined
    if (limits.sending !== undefined) request.once('socket', limits.sending)
    try {
      const response = await answerTo(request, outgoing.body, target.host, limits.firstByteMilliseconds)
      const body = await readBody(request, response, target.host, limits.maxBytes)
      return { status: response.statusCode ?? 0, headers: readHeaders(response.rawHeaders), body }
    } catch (error) {
      request.destroy()
      throw ending.ended === undefined ? exchangeFailure(target.host, error) : ending.ended.reason
    } finally {
      wipe?.()
    }
  })
}

/**
 * Keeps what is read from the socket of this request, for the one who wipes it: Node gives out copies of the parts, and
 * leaves what they were copied from to the collector.
 */
function keepReads(request: ClientRequest): () => void {
  const reads: Buffer[] = []
  const keep = (read: Buffer): void => void reads.push(read)
  request.once('socket', (socket) => {
    socket.on('data', keep)
    request.once('close', () => socket.off('data', keep))
  })
  return () => {
    for (const read of reads) read.fill(0)
  }
}

/** The request, whose connection is being made; nothing of its body is out. @throws ERR_REQUEST_INVALID for a header that HTTP cannot carry */
export function openRequest(
  pool: ConnectionPool,
  target: Target,
  outgoing: OutgoingRequest,
  dialEnding: PooledRequestArgs['dialEnding'],
): ClientRequest {
  const given = new Set(Object.keys(outgoing.headers).map((name) => name.toLowerCase()))
  const added: Record<string, string | number> = {}
  if (!given.has('host')) added.host = target.authority
  // Node counts only for the methods that usually have a body.
  if (outgoing.body !== undefined && !given.has('content-length')) added['content-length'] = byteLength(outgoing.body)
  const args: PooledRequestArgs = {
    method: outgoing.method,
    path: target.path,
    setHost: false,
    agent: pool,
    insecureHTTPParser: false,
    target,
    dialEnding,
  }
  const headers = Object.entries({ ...added, ...outgoing.headers })
  try {
    for (const [name, value] of headers) {
      validateHeaderName(name)
      validateHeaderValue(name, String(value))
    }
    const request = httpRequest(args)
    // Not among `args`, all of which Node prints under NODE_DEBUG=http: a header may hold a token.
    for (const [name, value] of headers) request.setHeader(name, value)
    return request
  } catch (error) {
    // Node names the header; its value is not in the text.
    throw new HardkeyError('ERR_REQUEST_INVALID', `HTTP cannot carry the request: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** The head of the answer; its deadline begins when the whole request is out. */
function answerTo(
  request: ClientRequest,
  body: Uint8Array | string | undefined,
  host: string,
  firstByteMilliseconds: number,
): Promise<IncomingMessage> {
  let timer: NodeJS.Timeout | undefined
  const startWaiting = (): void => {
    const late = (): void => void request.destroy(deadlineFailure(`no answer from ${host}`, firstByteMilliseconds))
    timer = setTimeout(late, firstByteMilliseconds)
  }
  return new Promise<IncomingMessage>((resolve, reject) => {
    // After an upgrade, or an answer to CONNECT, Node closes the socket and says nothing else.
    const closed = (): void => reject(answerFailure(host, 'changes the protocol'))
    request.once('finish', startWaiting)
    request.on('error', reject)
    request.once('response', (response) => {
      request.off('close', closed)
      resolve(response)
    })
    request.once('close', closed)
    request.end(body)
  }).finally(() => {
    request.off('finish', startWaiting)
    clearTimeout(timer)
  })
}

/** The whole body in a buffer of its own. A longer one is cut off where it passes the bound, or refused unread. */
function readBody(
  request: ClientRequest,
  response: IncomingMessage,
  host: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const { socket } = response
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const tooLong = (): void => reject(answerFailure(host, `has more than ${maxBytes} bytes`))
    response.on('error', reject)
    response.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) tooLong()
      else chunks.push(chunk)
    })
    response.on('end', () => {
      // At this point Node has closed only the socket of an answer with a further one behind it.
      if (request.shouldKeepAlive && socket.destroyed) reject(answerFailure(host, 'is followed by another'))
      else resolve(joined(chunks, length))
    })
    const hasBody = request.method !== 'HEAD' && response.statusCode !== 304
    if (hasBody && Number(response.headers['content-length']) > maxBytes) tooLong()
  })
}

/** Buffer.concat would take the pool that other code's buffers lie in. The pieces, which nobody else has, are wiped. */
function joined(chunks: readonly Buffer[], length: number): Uint8Array {
  const body = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
    chunk.fill(0)
  }
  return body
}

/** From [name, value, name, value]; an own property for each name, `__proto__` too. */
export function readHeaders(raw: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? ''
    const earlier = headers.get(name)
    const value = raw[index + 1] ?? ''
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return Object.fromEntries(headers)
}

function byteLength(body: Uint8Array | string): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
