// Asks a proxy for a tunnel. In: a socket connected to the proxy, the target. Out: the same socket, which now leads to the
// target and belongs to the caller. RFC 9110, section 9.3.6 (CONNECT); written out here because Node 20 has no proxy support.

import { request } from 'node:http'
import type { Socket } from 'node:net'
import { HardkeyError } from '../errors.ts'
import { answerFailure, exchangeFailure } from './failure.ts'
import type { ProxyServer } from './proxy.ts'
import type { Target } from './target.ts'

/**
 * The socket once the proxy has opened the tunnel. It is destroyed where the proxy refuses or the signal aborts.
 * @throws ERR_STS_UNREACHABLE with the proxy's status; only a 5xx may be tried again. The proxy's credentials go into the
 * request alone.
 */
export function openTunnel(socket: Socket, proxy: ProxyServer, target: Target, signal: AbortSignal): Promise<Socket> {
  const where = `the proxy ${proxy.name}`
  return new Promise<Socket>((resolve, reject) => {
    const host = target.host.includes(':') ? `[${target.host}]` : target.host
    const path = `${host}:${target.port}`
    const authorization = proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }
    const asking = request({
      method: 'CONNECT',
      path,
      headers: { host: path, ...authorization },
      createConnection: () => socket,
      insecureHTTPParser: false,
      signal,
    })
    asking.on('connect', ({ statusCode = 0 }, _socket, head) => {
      if (statusCode < 200 || statusCode > 299) reject(refusal(where, target, statusCode))
      // The target waits for us: bytes that come before we have spoken are not its own.
      else if (head.length > 0) reject(answerFailure(where, 'goes on after its head'))
      else resolve(socket)
    })
    asking.on('error', (error) => reject(signal.aborted ? signal.reason : exchangeFailure(where, error)))
    asking.end()
  }).catch((error: unknown) => {
    socket.destroy()
    throw error
  })
}

function refusal(where: string, target: Target, status: number): HardkeyError {
  if (status === 407) {
    return new HardkeyError(
      'ERR_STS_UNREACHABLE',
      `${where} did not accept the user name and password, or needs them`,
      {
        status,
        tryAgain: false,
        hint: 'put them into the URL of the proxy, percent-encoded: http://USER:PASSWORD@HOST:PORT',
      },
    )
  }
  return new HardkeyError('ERR_STS_UNREACHABLE', `${where} opens no tunnel to ${target.host}: status ${status}`, {
    status,
    tryAgain: status >= 500,
    hint: 'a host that is reached without the proxy belongs into NO_PROXY',
  })
}
