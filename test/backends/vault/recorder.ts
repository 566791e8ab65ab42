// Stands between hardkey and a server, and ends TLS on both sides. In: a server. Out: an address of its own, what went
// through in the clear, and the bytes on the wire; an answer can be lost, or another one given.

import { createServer as createTcpServer, connect as tcpConnect } from 'node:net'
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { onTestFinished } from 'vitest'
import { testAuthority } from '../../http/certificates.ts'
import type { OpenBao } from '../../peers/openbao.ts'

/** What is done with the answer to a request that `at` matches. */
export interface Order {
  readonly at: RegExp
  /** `lost`: the server acts, and the connection ends before its answer comes. Else: this in place of the answer. */
  readonly answer: 'lost' | string
  /** False: the request does not reach the server. */
  readonly isForwarded?: boolean
  /** So many times; without it always. */
  readonly times?: number
}

export interface Recorder {
  readonly url: string
  /** PEM of its CA. */
  readonly ca: string
  /** Requests in the clear, as latin1. */
  sent(): string
  /** Answers in the clear. */
  received(): string
  /** All bytes of the outer connections, in both directions. */
  wire(): Buffer
  /** From now on. */
  order(...orders: readonly Order[]): void
}

/** Ends with the test. */
export async function recorder(bao: Pick<OpenBao, 'port' | 'ca'>): Promise<Recorder> {
  const authority = testAuthority()
  const parts = { sent: '', received: '', wire: [] as Buffer[], orders: [] as { order: Order; left: number }[] }
  const inner = createServer(authority.issue({ names: ['127.0.0.1'] }), (client) => serve(client, bao, parts))
  inner.on('tlsClientError', () => undefined)
  const innerPort = await listening(inner)
  const outer = createTcpServer((socket) => {
    const onward = tcpConnect(innerPort, '127.0.0.1')
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('data', (bytes: Buffer) => parts.wire.push(bytes))
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  const port = await listening(outer)
  onTestFinished(() => {
    inner.close()
    outer.close()
  })
  return {
    url: `https://127.0.0.1:${port}`,
    ca: authority.ca,
    sent: () => parts.sent,
    received: () => parts.received,
    wire: () => Buffer.concat(parts.wire),
    order: (...orders) => {
      parts.orders = orders.map((order) => ({ order, left: order.times ?? Number.POSITIVE_INFINITY }))
    },
  }
}

interface Parts {
  sent: string
  received: string
  orders: { order: Order; left: number }[]
}

/** The client sends one request at a time on a connection, and waits for the answer. */
function serve(client: TLSSocket, bao: Pick<OpenBao, 'port' | 'ca'>, parts: Parts): void {
  const server = tlsConnect({ host: '127.0.0.1', port: bao.port, ca: bao.ca, servername: '' })
  let request = ''
  let order: Order | undefined
  client.on('data', (bytes: Buffer) => {
    parts.sent += bytes.toString('latin1')
    request += bytes.toString('latin1')
    const found = parts.orders.find(({ order: { at }, left }) => left > 0 && at.test(request))
    if (found !== undefined && order === undefined) {
      found.left -= 1
      order = found.order
    }
    if (order?.isForwarded !== false) {
      server.write(bytes)
      return
    }
    if (order.answer !== 'lost') client.write(order.answer)
    else client.destroy()
    order = undefined
    request = ''
  })
  server.on('data', (bytes: Buffer) => {
    parts.received += bytes.toString('latin1')
    request = ''
    const { answer } = order ?? { answer: undefined }
    order = undefined
    if (answer === 'lost') client.destroy()
    else client.write(answer ?? bytes)
  })
  client.on('error', () => server.destroy()).on('close', () => server.destroy())
  server.on('error', () => client.destroy()).on('close', () => client.destroy())
}

async function listening(server: ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}
