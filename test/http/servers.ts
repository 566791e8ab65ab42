// Servers on this machine for one test: HTTPS, byte-level TCP or TLS, a CONNECT proxy. In: what to answer. Out: a port and what
// was seen. Each ends with the test that started it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { HttpClientOptions } from '../../src/http/client.ts'
import { httpClient } from '../../src/http/client.ts'
import { type IssuedCertificate, type TestAuthority, testAuthority } from './certificates.ts'

/** The name that the tests ask for; it leads to this machine by `clientOptions`. */
export const testHost = 'sts.test-region.amazonaws.com'

export const authority: TestAuthority = testAuthority()
export const certificate: IssuedCertificate = authority.issue({ names: [testHost, '127.0.0.1'] })

/** Trusts the test's authority and finds every name on this machine. */
export const clientOptions: HttpClientOptions = {
  ca: [authority.ca],
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
}

/** A client that is closed with the test. */
export function testClient(options: HttpClientOptions = {}): ReturnType<typeof httpClient> {
  const client = httpClient({ ...clientOptions, ...options })
  onTestFinished(() => client.close())
  return client
}

/** Listens on 127.0.0.1 and gives the port. */
export async function listening(server: Server | HttpServer, port = 0): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // A TCP server that listens has an address with a port.
  return (server.address() as AddressInfo).port
}

/** An HTTPS server; the URL's origin. */
export async function httpsOrigin(answer: RequestListener, issued: IssuedCertificate = certificate): Promise<string> {
  return `https://${testHost}:${await listening(createHttpsServer(issued, answer))}`
}

/** A server that speaks bytes under TLS; the URL's origin. */
export async function tlsOrigin(talk: (socket: Socket) => void): Promise<string> {
  const server = createTlsServer(certificate, (socket) => talk(socket.on('error', () => undefined)))
  return `https://${testHost}:${await listening(server)}`
}

/** A server that speaks bytes over TCP; its port. */
export function tcpPort(talk: (socket: Socket) => void): Promise<number> {
  return listening(createServer(talk))
}

export interface TestProxy {
  readonly port: number
  /** Each "HOST:PORT" that a tunnel was asked for. */
  readonly asked: string[]
  /** Each Proxy-Authorization that came. */
  readonly authorizations: (string | undefined)[]
}

/** A real CONNECT proxy that leads every tunnel to this machine; with `issued` it speaks TLS. */
export async function connectProxy(issued?: IssuedCertificate): Promise<TestProxy> {
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = issued === undefined ? createHttpServer() : createHttpsServer(issued)
  server.on('connect', ({ url = '', headers }, socket: Socket) => {
    asked.push(url)
    authorizations.push(headers['proxy-authorization'])
    const onward = connect(Number(url.replace(/.*:/, '')), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return { port: await listening(server), asked, authorizations }
}

/** A port that takes no connection and refuses none: its queue is full, as behind a firewall that drops packets. */
export async function blackHole(address: string, port: number): Promise<number> {
  // Stands still from the moment that it listens, so it never takes a connection from its queue.
  const stopped = `require('net').createServer().listen({ host: '${address}', port: ${port}, backlog: 1 }, function () {
    require('fs').writeSync(1, String(this.address().port) + '\\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child: ChildProcess = spawn(process.execPath, ['-e', stopped], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.stdout === null) throw new Error('the child has no output')
  const [line] = await once(child.stdout, 'data')
  const filling = Array.from({ length: 4 }, () => connect(Number(line), address).on('error', () => undefined))
  onTestFinished(() => filling.forEach((socket: Socket) => void socket.destroy()))
  // Linux keeps one more than the backlog, in the order in which they came.
  await Promise.all(filling.slice(0, 2).map((socket) => once(socket, 'connect')))
  return Number(line)
}
