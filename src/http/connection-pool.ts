// Keeps connections for the next request to the same place. In: requests of exchange.ts. Out: their sockets.
// 1. Node's Agent owns every socket from the moment it is handed over; `destroy()` closes them all.
// 2. A connection that was opened ahead is taken by the first request to its place, while it has not rested for longer
//    than any other; what came of it, a failure too, is that request's.
// 3. A socket at rest does not keep the process alive, is closed after 4 s, and at once when bytes come that nobody asked for:
//    they would be taken for the answer to the next request (F-H20).

import { Agent, type ClientRequest, type ClientRequestArgs } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { abortable, type Ending } from './deadline.ts'
import type { Target } from './target.ts'

/** The options of a request that goes through the pool. */
export interface PooledRequestArgs extends ClientRequestArgs {
  readonly target: Target
  /**
   * Stops the connection where the request is given up. Not `signal`: Node does not pass that one on. No function: the
   * agent holds these arguments as long as the connection lasts, and with a function the request and its headers.
   */
  readonly dialEnding: AbortSignal | Ending
}

/** Opens the connection for a request that finds none at rest. */
export type Connect = (target: Target, signal: AbortSignal) => Promise<Socket>

/** Shorter than the 5 s after which Node's own servers close, the shortest of those met. */
const restMilliseconds = 4000
const mostAtRest = 8

/** Node's Agent over connections of our own making, one set for each scheme, host and port. */
export class ConnectionPool extends Agent {
  readonly #connect: Connect
  readonly #ahead = new Map<string, Promise<RestingSocket>>()

  constructor(connect: Connect) {
    super({ keepAlive: true, maxFreeSockets: mostAtRest, timeout: restMilliseconds })
    this.#connect = connect
  }

  override getName(options?: Partial<PooledRequestArgs>): string {
    return `${options?.target?.secure === true ? 'https' : 'http'}:${options?.target?.host}:${options?.target?.port}`
  }

  /** Opens a connection for the first request to come; `signal` ends that. */
  connectAhead(target: Target, signal: AbortSignal): void {
    const name = this.getName({ target })
    const connecting = this.#connect(target, signal).then((socket) => new RestingSocket(socket))
    this.#ahead.get(name)?.then((resting) => resting.destroy(), ignore)
    this.#ahead.set(name, connecting)
    // It is told to the request that takes it, and to nobody where none does.
    connecting.catch(ignore)
  }

  override destroy(): void {
    for (const connecting of this.#ahead.values()) connecting.then((resting) => resting.destroy(), ignore)
    this.#ahead.clear()
    super.destroy()
  }

  override createConnection(
    { target, dialEnding }: PooledRequestArgs,
    // Node takes an error without a stream; its types do not say so.
    done: (error: unknown, socket?: Duplex) => void,
  ): undefined {
    const signal = dialEnding instanceof AbortSignal ? dialEnding : dialEnding.signal()
    this.#connected(target, signal).then((socket) => done(null, socket), done)
  }

  async #connected(target: Target, signal: AbortSignal): Promise<Socket> {
    const name = this.getName({ target })
    const ahead = this.#ahead.get(name)
    this.#ahead.delete(name)
    const resting = ahead === undefined ? undefined : await abortable(ahead, signal, (late) => late.destroy())
    return resting?.take() ?? (await this.#connect(target, signal))
  }

  /** Called when a socket comes to rest. False closes it: the server said so in its Keep-Alive header. */
  override keepSocketAlive(socket: Duplex): boolean {
    // Node's types say void; it answers false where the socket must not be kept.
    const kept: unknown = super.keepSocketAlive(socket)
    socket.on('data', closeSocket)
    return kept !== false
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    socket.off('data', closeSocket)
    super.reuseSocket(socket, request)
  }
}

/** A socket that waits for its first request: closed after 4 s, on a failure, and when bytes come. */
class RestingSocket {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout

  constructor(socket: Socket) {
    this.#socket = socket
    this.#timer = setTimeout(() => socket.destroy(), restMilliseconds).unref()
    socket.on('data', closeSocket).on('end', closeSocket).on('error', closeSocket).unref()
  }

  /** The socket, in the state in which it was made; undefined where it is closed. */
  take(): Socket | undefined {
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (socket.destroyed) return undefined
    socket.off('data', closeSocket).off('end', closeSocket).off('error', closeSocket).ref()
    return socket
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function ignore(): void {}

function closeSocket(this: Duplex): void {
  this.destroy()
}
