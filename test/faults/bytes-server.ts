// The network by script, byte for byte: an HTTP(S) server, or a proxy, that delays, cuts, repeats, answers anything at any
// byte (injector I3). In: what to do for each request, and at once for each connection. Out: a port, and what was heard.
// 1. A script gives acts; they are done in order, one after the other. After the last one the connection stays open.
// 2. Nothing is done by itself: no Date, no length, no close. Whoever leaves is noticed: `open()` counts who is still there.

import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { IssuedCertificate } from '../http/certificates.ts'

/** One thing that is done on a connection. `end` closes in order, `reset` as a crash does, `hang` does nothing more. */
export type Act =
  | { readonly send: string | Uint8Array }
  | { readonly waitMilliseconds: number }
  | { readonly forEver: string | Uint8Array; readonly everyMilliseconds: number }
  | { readonly tunnelTo: number }
  | 'end'
  | 'reset'
  | 'hang'

/** One request as it came. */
export interface Heard {
  /** Head and body, byte for byte, as latin1. */
  readonly text: string
  /** Counts from 0, over all connections. */
  readonly index: number
}

export type Script = (heard: Heard) => readonly Act[]

export interface BytesServerOptions {
  /** Speaks TLS with this certificate. */
  readonly tls?: IssuedCertificate | undefined
  /** Done with each TCP connection as it comes, in place of TLS and of the script. */
  readonly onConnect?: readonly Act[] | undefined
}

export interface BytesServer {
  readonly port: number
  readonly heard: readonly Heard[]
  /** Connections that came so far. */
  connections(): number
  /** Connections that are there now. */
  open(): number
  close(): Promise<void>
}

/** Listens on 127.0.0.1. The caller closes it; `bytesServerForTest` does by itself. */
export async function bytesServer(script: Script, options: BytesServerOptions = {}): Promise<BytesServer> {
  const heard: Heard[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket): void => {
    listenOn(socket, (text) => {
      const request = { text, index: heard.length }
      heard.push(request)
      return script(request)
    })
  }
  const tls = options.tls && createTlsServer(options.tls, serve)
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket.on('error', () => undefined))
    socket.on('close', () => sockets.delete(socket))
    if (options.onConnect !== undefined) void perform(socket.resume(), options.onConnect)
    else if (tls === undefined) serve(socket)
    else tls.emit('connection', socket)
  })
  tls?.on('tlsClientError', () => undefined)
  return {
    port: await listen(server),
    heard,
    connections: () => connections,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** A bytes server that ends with the test that started it. */
export async function bytesServerForTest(script: Script, options: BytesServerOptions = {}): Promise<BytesServer> {
  const server = await bytesServer(script, options)
  onTestFinished(() => server.close())
  return server
}

/** An answer with its length, as bytes of HTTP/1.1. `headers` come first and may bring a length of their own. */
export function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ 'Content-Length': String(Buffer.byteLength(body)), ...headers })
  return `HTTP/1.1 ${status} X\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

/** The value of a header in a request that was heard. */
export function headerOf({ text }: Heard, name: string): string {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(text)?.[1] ?? ''
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

/** Takes requests apart by their length, one after the other, and does what `acts` says for each. */
function listenOn(socket: Socket, acts: (text: string) => readonly Act[]): void {
  let text = ''
  let doing = Promise.resolve()
  const take = (bytes: Buffer): void => {
    text += bytes.toString('latin1')
    const head = text.indexOf('\r\n\r\n') + 4
    if (head < 4) return
    const length = head + Number(/^content-length: (\d+)\r$/im.exec(text.slice(0, head))?.[1] ?? 0)
    if (text.length < length) return
    const request = text.slice(0, length)
    text = text.slice(length)
    const list = acts(request)
    // From here on the bytes are those of the tunnel.
    if (list.some((act) => typeof act === 'object' && 'tunnelTo' in act)) socket.off('data', take)
    doing = doing.then(() => perform(socket, list))
    if (text !== '') take(Buffer.alloc(0))
  }
  socket.on('error', () => undefined).on('data', take)
}

async function perform(socket: Socket, acts: readonly Act[]): Promise<void> {
  for (const act of acts) {
    if (socket.destroyed) return
    if (act === 'end') socket.end()
    else if (act === 'reset') reset(socket)
    else if (act === 'hang') return
    else if ('send' in act) socket.write(act.send)
    else if ('waitMilliseconds' in act) await pause(act.waitMilliseconds)
    else if ('tunnelTo' in act) lead(socket, act.tunnelTo)
    else await repeat(socket, act.forEver, act.everyMilliseconds)
  }
}

/** A TLS socket has no RST of its own: what lies under it is destroyed at once, unread bytes and all. */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}

/** Goes on while anybody is there, and waits for a slow reader. */
async function repeat(socket: Socket, bytes: string | Uint8Array, milliseconds: number): Promise<void> {
  while (!socket.destroyed) {
    const isTaken = socket.write(bytes)
    if (!isTaken) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    await (milliseconds === 0 ? new Promise(setImmediate) : pause(milliseconds))
  }
}

function once(socket: Socket, event: 'drain' | 'close'): Promise<void> {
  return new Promise((done) => void socket.once(event, done))
}

function lead(socket: Socket, port: number): void {
  const onward = tcpConnect(port, '127.0.0.1').on('error', () => socket.destroy())
  socket.on('close', () => onward.destroy())
  onward.on('close', () => socket.destroy())
  socket.pipe(onward).pipe(socket)
}
