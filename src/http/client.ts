// The one HTTP client. In: a request as it was signed. Out: the answer, whole and bounded, or an error within the deadline.
// TLS 1.2 at least, always verified; plain http to this machine alone; proxies by CONNECT; no
// redirect followed; nothing decompressed; nothing tried again (that is for the caller, who knows what may be repeated).

import { HardkeyError } from '../errors.ts'
import { openConnection } from './connection.ts'
import { ConnectionPool } from './connection-pool.ts'
import { type Resolver, sharedLookups, systemResolver } from './dial.ts'
import { exchange, type HttpAnswer, type OutgoingRequest } from './exchange.ts'
import { type ProxySettings, readProxySettings } from './proxy.ts'
import { type StreamedAnswer, type StreamedRequest, streamExchange } from './stream-exchange.ts'
import { readTarget, type Target } from './target.ts'
import { type CaBundle, type ClientCertificate, readCertificates, trustContext } from './trust.ts'

export type { HttpAnswer, OutgoingRequest } from './exchange.ts'
export type { ProxySettings } from './proxy.ts'
export type { StreamedAnswer, StreamedRequest } from './stream-exchange.ts'
export type { CaBundle, ClientCertificate } from './trust.ts'

/** How a client connects and what it bounds. */
export interface HttpClientOptions {
  /** PEM texts of CAs that are trusted besides Node's own; one text may hold several. */
  readonly ca?: readonly CaBundle[] | undefined
  /** Trusts the CAs of `ca` and no others: for a service that has its own. False by default. */
  readonly onlyCa?: boolean | undefined
  /** Shown to servers that ask for one. */
  readonly clientCertificate?: ClientCertificate | undefined
  /** The name that the server's certificate must have, in place of the host of the URL. */
  readonly serverName?: string | undefined
  /** The path of a Unix socket that every request goes to, whatever its URL names; no proxy then. */
  readonly socketPath?: string | undefined
  /** Values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. None by default: the library reads no environment. */
  readonly proxy?: ProxySettings | undefined
  /** For name, TCP, proxy and TLS together. 3000 by default. */
  readonly connectMilliseconds?: number | undefined
  /** From the end of the request to the head of the answer. 10000 by default. */
  readonly firstByteMilliseconds?: number | undefined
  /** For the whole exchange. 20000 by default. */
  readonly totalMilliseconds?: number | undefined
  /** For `stream`: how long no byte may pass. 60000 by default. */
  readonly idleMilliseconds?: number | undefined
  /** The longest body of an answer. 65536 by default. */
  readonly maxBytes?: number | undefined
  /** Allows plain http to other machines too. False by default. */
  readonly allowHttp?: boolean | undefined
  /** Finds the addresses of a name. The system's resolver by default. */
  readonly resolve?: Resolver | undefined
}

/** What one call may change. */
export interface SendOptions {
  readonly signal?: AbortSignal | undefined
  /** The longest body of this answer. */
  readonly maxBytes?: number | undefined
  /** The answer holds a secret: what was read from the socket is wiped, so that the body is the only copy. */
  readonly holdsSecret?: boolean | undefined
  /** Called before the first byte goes out: until then the server has heard nothing. */
  readonly sending?: (() => void) | undefined
}

/** Sends requests; keeps connections for the next one. */
export interface HttpClient {
  /**
   * The answer, whatever its status. Path, query and headers go out as given, byte for byte.
   * @throws HardkeyError: ERR_REQUEST_INVALID (no http(s) URL, a header that HTTP cannot carry), ERR_CONFIG_INVALID (plain http
   * to another machine), ERR_TIMEOUT, ERR_STS_UNREACHABLE (`tryAgain` is false where TLS or the proxy
   * refused), ERR_STS_RESPONSE_INVALID (not HTTP/1.1, too long, followed by a second answer), ERR_USAGE
   * after close(). An abort throws the signal's reason.
   */
  send(request: OutgoingRequest, options?: SendOptions): Promise<HttpAnswer>
  /**
   * The answer as it comes, to a request whose body may be a stream. Time runs only while no byte passes. Optional: a
   * client may leave it out.
   * @throws as `send`; what the stream of the body throws
   */
  stream?(request: StreamedRequest, options?: Pick<SendOptions, 'signal'>): Promise<StreamedAnswer>
  /**
   * Opens a connection ahead, for the first request to the scheme, host and port of this URL. What fails is told to that
   * request. Optional: a client may leave it out.
   */
  connect?(url: string): void
  /** Closes every connection; requests under way fail. */
  close(): void
}

/**
 * A client of its own connections; the caller closes it.
 * @throws ERR_CONFIG_INVALID for malformed proxy settings and CA bundles
 *
 * @example
 * ```ts
 * import { httpClient, type StsClientOptions, stsClient } from 'hardkey'
 * async function whoBehindAProxy(options: StsClientOptions) {
 *   const http = httpClient({ proxy: { https: 'http://proxy.example.net:3128' } })
 *   try {
 *     return await stsClient({ ...options, http }).getCallerIdentity()
 *   } finally {
 *     http.close()
 *   }
 * }
 * ```
 */
export function httpClient(options: HttpClientOptions = {}): HttpClient {
  const closing = new AbortController()
  const proxyOf = readProxySettings(options.proxy ?? {})
  const ca = readCertificates(options.ca ?? [])
  const { onlyCa, clientCertificate, serverName, socketPath } = options
  const trust = once(() => trustContext({ ca, onlyCa, clientCertificate }))
  const connectMilliseconds = options.connectMilliseconds ?? 3000
  const resolve = sharedLookups(options.resolve ?? systemResolver)
  const ways = { proxyOf, trust, resolve, connectMilliseconds, serverName, socketPath }
  const pool = new ConnectionPool((target, signal) => openConnection(target, ways, signal))
  let last: { readonly url: string; readonly target: Target } | undefined
  // Many requests go to one place: taking its URL apart costs more than what is ours of the rest.
  const targetOf = (url: string): Target => {
    if (last?.url === url) return last.target
    const target = readTarget(url)
    if (options.allowHttp !== true) mustBeProtected(target)
    last = { url, target }
    return target
  }
  return {
    async send(request, { signal, maxBytes, holdsSecret, sending } = {}) {
      return exchange(pool, targetOf(request.url), request, {
        firstByteMilliseconds: options.firstByteMilliseconds ?? 10_000,
        totalMilliseconds: options.totalMilliseconds ?? 20_000,
        maxBytes: maxBytes ?? options.maxBytes ?? 65_536,
        holdsSecret,
        sending,
        signals: signal === undefined ? [closing.signal] : [signal, closing.signal],
      })
    },
    async stream(request, { signal } = {}) {
      return streamExchange(pool, targetOf(request.url), request, {
        idleMilliseconds: options.idleMilliseconds ?? 60_000,
        signals: signal === undefined ? [closing.signal] : [signal, closing.signal],
      })
    },
    connect: (url) => pool.connectAhead(targetOf(url), closing.signal),
    close() {
      closing.abort(new HardkeyError('ERR_USAGE', 'the HTTP client was closed'))
      pool.destroy()
    },
  }
}

function mustBeProtected(target: Target): void {
  if (target.secure || target.loopback) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `http://${target.authority} is not encrypted`, {
    hint: 'use https; plain http is for addresses of this machine alone',
  })
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
