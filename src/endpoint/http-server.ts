// HTTP with narrow limits. In: a function from requests to answers. Out: a server that is not listening yet.
// 1. Every answer is whole, with its length; a refusal ends its connection.
// 2. What the parser refuses is answered here, and never reaches the function (F-E09, B-095, B-096).
// 3. Above the cap a new connection takes the place of one that has asked for nothing yet, so that nobody keeps others out by
//    holding connections (T-1). Where all have asked it is answered 503 at once, and above that closed unanswered (F-E01, F-E02).

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { systemCode } from '../files/file-failure.ts'
import { type Answer, type Awaitable, onlyFor, refusal, unavailable } from './answer.ts'

const limits = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 500,
}

const mostConnections = 10_000

/** So many beyond the cap are told that it is reached: a tenth of it. */
const toldShare = 0.1

/** A client asks as soon as it is connected. */
const silentMilliseconds = 500

/** Descriptors that are left to the device, to STS and to files. */
const reservedDescriptors = 100

/** How long answers under way may take at the end; the command itself ends within 800 ms after a signal. */
const graceMilliseconds = 400

/** How long a client may take to read a refusal before its connection is closed. */
const lingerMilliseconds = 1000

export interface HttpServerOptions {
  /** Never rejects and never throws. */
  readonly respond: (request: IncomingMessage) => Awaitable<Answer>
  /** Connections at once. */
  readonly connections: number
  /** Told of every answer's status. */
  readonly onAnswered: (status: number) => void
}

/** The server of node:http, with the answers of `respond`. */
export function httpServer({ respond, connections, onAnswered }: HttpServerOptions): Server {
  // A missing Host is refused like a wrong one, not by Node.
  const server = createServer({ ...limits, requireHostHeader: false })
  server.maxHeadersCount = 0
  const silent = new SilentConnections()
  server.maxConnections = Math.ceil(connections * (1 + toldShare))
  const refuse = (socket: Duplex, answer: Answer): void => {
    if (socket.destroyed || socket.writableEnded) return
    onAnswered(answer.status)
    socket.end(rawAnswer(answer))
    setTimeout(() => socket.destroy(), lingerMilliseconds).unref()
  }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.socket.writableEnded) return
    silent.heard(request.socket)
    const give = (answer: Answer): void => {
      onAnswered(answer.status)
      send(response, answer, server.listening)
    }
    const answer = respond(request)
    if (answer instanceof Promise) void answer.then(give)
    else give(answer)
  }
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    silent.opened(socket)
    socket.once('close', () => {
      open -= 1
      silent.heard(socket)
    })
    if (open <= connections || silent.closeOne()) return
    refuse(socket, unavailable('TooManyConnections', 'too many connections at once'))
  })
  server.on('request', handle)
  // Without these Node would answer 100 or 417 by itself.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  server.on('connect', (_, socket) => refuse(socket, onlyFor('GET')))
  server.on('clientError', (error, socket) => refuse(socket, parserRefusal(error)))
  return server
}

/** Those that have not asked for anything for a while, the oldest first. */
class SilentConnections {
  readonly #timers = new Map<Socket, NodeJS.Timeout>()
  readonly #silent = new Set<Socket>()

  opened(socket: Socket): void {
    // What came in while the process stood still is read before it is judged.
    const judge = (): unknown => setImmediate(() => this.#timers.has(socket) && this.#silent.add(socket))
    this.#timers.set(socket, setTimeout(judge, silentMilliseconds).unref())
  }

  /** It has asked, or is closed. */
  heard(socket: Socket): void {
    const timer = this.#timers.get(socket)
    if (timer === undefined) return
    clearTimeout(timer)
    this.#timers.delete(socket)
    this.#silent.delete(socket)
  }

  /** Makes room for another one; false where all have asked. */
  closeOne(): boolean {
    const [oldest] = this.#silent
    oldest?.destroy()
    if (oldest !== undefined) this.#silent.delete(oldest)
    return oldest !== undefined
  }
}

/** 10,000 connections, or what this process may open: proc(5), /proc/PID/limits. 1,000 where that cannot be known. */
export async function connectionsThatFit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'latin1').catch(() => '')
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1]
  if (soft === 'unlimited') return mostConnections
  const most = soft === undefined ? 1000 : (Number(soft) - reservedDescriptors) / (1 + toldShare)
  return Math.max(1, Math.min(mostConnections, Math.floor(most)))
}

/** Takes no more connections, and closes those that are left after a moment. */
export async function closeServer(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMilliseconds)
  await new Promise((resolve) => server.close(resolve))
  clearTimeout(timer)
}

function parserRefusal(error: Error): Answer {
  switch (systemCode(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return refusal(431, 'HeadersTooLong', 'at most 8 KiB of headers are read')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal(408, 'RequestTimeout', 'the request was not complete within 5 seconds')
    default:
      return refusal(400, 'BadRequest', 'this is no HTTP/1.1 request')
  }
}

function send(response: ServerResponse, answer: Answer, mayGoOn: boolean): void {
  // As text: Node sends head and body together then, in one call to the system.
  response.writeHead(answer.status, headersOf(answer, answer.status >= 400 || !mayGoOn))
  response.end(response.req.method === 'HEAD' ? undefined : answer.body)
}

/** Names and values in turn. */
function headersOf({ type, body, headers }: Answer, closes: boolean): string[] {
  const list = ['content-type', type, 'content-length', String(Buffer.byteLength(body))]
  list.push('cache-control', 'no-store', 'x-content-type-options', 'nosniff')
  if (headers !== undefined) list.push(...Object.entries(headers).flat())
  if (closes) list.push('connection', 'close')
  return list
}

function rawAnswer(answer: Answer): string {
  const lines = headersOf(answer, true).map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
  return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join('')}\r\n${answer.body}`
}
