// A proxy in front of a real service, with TLS of its own. In: where the service is, and what to do with each request: pass
// it on, answer in its place, or change the answer. Out: a port, and every request and answer as they were, decrypted.

import { once } from 'node:events'
import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { IssuedCertificate } from '../http/certificates.ts'

/** An answer of the service. */
export interface ServiceAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** One request, and what the client got for it. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  answer?: ServiceAnswer
}

/** `cut` ends the connection without an answer, `hang` never answers. A changed answer gets its length anew. */
export type Fault =
  | 'pass'
  | 'cut'
  | 'hang'
  | Partial<ServiceAnswer>
  | ((answer: ServiceAnswer) => Partial<ServiceAnswer>)

export interface ServiceProxy {
  readonly port: number
  readonly exchanges: readonly Exchange[]
  /** What to do with the next requests, one after the other; then all pass. */
  next(...faults: readonly Fault[]): void
  close(): Promise<void>
}

export interface ProxyTarget {
  readonly url: string
  /** PEM, for https. */
  readonly ca?: string
}

/** Listens on 127.0.0.1, with TLS where a certificate is given. The caller closes it. */
export async function serviceProxy(target: ProxyTarget, tls?: IssuedCertificate): Promise<ServiceProxy> {
  const exchanges: Exchange[] = []
  let faults: Fault[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange: Exchange = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: plainHeaders(request),
      body: await wholeBody(request),
    }
    exchanges.push(exchange)
    const fault = faults.shift() ?? 'pass'
    if (fault === 'hang') return
    if (fault === 'cut') {
      response.destroy()
      return
    }
    exchange.answer = await answerTo(exchange, fault, target)
    const { status, headers, body } = exchange.answer
    response.writeHead(status, { ...headers, 'content-length': String(body.length) })
    response.end(body)
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // A TCP server that listens has an address with a port.
    port: (server.address() as AddressInfo).port,
    exchanges,
    next: (...listed) => {
      faults = [...listed]
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function answerTo(
  exchange: Exchange,
  fault: Exclude<Fault, 'hang' | 'cut'>,
  target: ProxyTarget,
): Promise<ServiceAnswer> {
  const nothing = { status: 200, headers: {}, body: Buffer.alloc(0) }
  if (typeof fault === 'object') return { ...nothing, ...fault }
  const answer = await passedOn(exchange, target)
  return fault === 'pass' ? answer : { ...answer, ...fault(answer) }
}

function passedOn({ method, path, headers, body }: Exchange, { url, ca }: ProxyTarget): Promise<ServiceAnswer> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const onward = send(`${url}${path}`, { method, headers, ca, agent: false }, (answer) => {
      wholeBody(answer).then(
        (whole) => resolve({ status: answer.statusCode ?? 0, headers: plainHeaders(answer), body: whole }),
        reject,
      )
    })
    onward.on('error', reject)
    onward.end(body)
  })
}

async function wholeBody(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => name !== 'transfer-encoding')
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}
