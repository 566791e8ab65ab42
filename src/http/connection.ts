// Opens a connection to a target. In: the target, the proxy if one is needed, the trusted certificates, a deadline. Out: a
// socket ready for HTTP, which the caller owns. DNS, TCP, CONNECT and TLS share the one deadline (F-H06).

import { isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { withDeadline } from './deadline.ts'
import { dial, dialSocket, type Resolver } from './dial.ts'
import { tlsFailure } from './failure.ts'
import type { ProxyChoice, ProxyServer } from './proxy.ts'
import type { Target } from './target.ts'
import { openTunnel } from './tunnel.ts'

/** How connections are made. */
export interface ConnectionWays {
  readonly proxyOf: ProxyChoice
  /** Made once, at the first TLS connection. */
  readonly trust: () => SecureContext
  readonly resolve: Resolver
  readonly connectMilliseconds: number
  /** In place of the host of the target, in the handshake and in the certificate. */
  readonly serverName?: string | undefined
  /** A Unix socket in place of host and port of every target. */
  readonly socketPath?: string | undefined
}

/**
 * A connected socket, with TLS verified where the target is https.
 * @throws ERR_TIMEOUT after the deadline, ERR_STS_UNREACHABLE, or the signal's reason; no socket is left behind
 */
export function openConnection(target: Target, ways: ConnectionWays, signal: AbortSignal): Promise<Socket> {
  const proxy = ways.socketPath === undefined ? ways.proxyOf(target) : undefined
  const what = `no connection to ${target.host}${proxy === undefined ? '' : ` through the proxy ${proxy.name}`}`
  return withDeadline([signal], ways.connectMilliseconds, what, async (stop) => {
    const socket = await openPath(target, proxy, ways, stop)
    return target.secure ? await secured(socket, ways.serverName ?? target.host, ways, stop) : socket
  })
}

/** A TCP connection to the target, or a tunnel to it. */
async function openPath(
  target: Target,
  proxy: ProxyServer | undefined,
  ways: ConnectionWays,
  stop: AbortSignal,
): Promise<Socket> {
  if (ways.socketPath !== undefined) return dialSocket(ways.socketPath, stop)
  const next = proxy ?? target
  const socket = await dial(next.host, next.port, ways.resolve, stop)
  if (proxy === undefined) return socket
  const toProxy = proxy.secure ? await secured(socket, proxy.host, ways, stop) : socket
  return openTunnel(toProxy, proxy, target, stop)
}

/** TLS over a connected socket; certificate and name are always verified. Both sockets are destroyed on failure. */
function secured(plain: Socket, host: string, ways: ConnectionWays, stop: AbortSignal): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    const socket = connectTls({
      socket: plain,
      host,
      // RFC 6066, section 3: a server name is never an address.
      servername: isIP(host) === 0 ? host : '',
      secureContext: ways.trust(),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    })
    const settle = (outcome: () => void): void => {
      stop.removeEventListener('abort', abort)
      socket.off('error', fail)
      outcome()
    }
    const refuse = (reason: unknown): void =>
      settle(() => {
        // What still comes from the destroyed sockets has been reported.
        socket.on('error', () => undefined).destroy()
        plain.destroy()
        reject(reason)
      })
    const abort = (): void => refuse(stop.reason)
    const fail = (error: Error): void => refuse(tlsFailure(host, error))
    stop.addEventListener('abort', abort, { once: true })
    socket.once('error', fail)
    socket.once('secureConnect', () => settle(() => resolve(socket)))
    if (stop.aborted) abort()
  })
}
