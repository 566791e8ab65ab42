// Which proxy a request goes through. In: the values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Out: the proxy for a target, or
// none. Every proxy is asked for a tunnel (CONNECT), for plain http too: nobody between reads or changes a request
// (SECURITY.md, someone on the network). This machine is never asked for through a proxy.

import { HardkeyError } from '../errors.ts'
import { type NoProxy, readNoProxy } from './no-proxy.ts'
import { type Target, withoutBrackets } from './target.ts'

/** Values of the usual variables, as the environment has them; an empty text counts as not set. */
export interface ProxySettings {
  /** For https targets: "http://user:password@proxy.example:3128", https:// for a proxy that speaks TLS. */
  readonly https?: string | undefined
  /** For http targets. */
  readonly http?: string | undefined
  /** Hosts that are reached directly: names, addresses, ranges, "*". */
  readonly noProxy?: string | undefined
}

/** A proxy to connect to. Its `authorization` never shows in a message. */
export interface ProxyServer {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** Host and port, for messages. */
  readonly name: string
  /** The value of Proxy-Authorization (RFC 7617), where the URL has a user name. */
  readonly authorization: string | undefined
}

/** Chooses the proxy of a target; undefined where it is reached directly. */
export type ProxyChoice = (target: Target) => ProxyServer | undefined

/** Reads the settings once. @throws ERR_CONFIG_INVALID for a value that names no proxy; the value is not shown */
export function readProxySettings(settings: ProxySettings): ProxyChoice {
  const https = readProxy('HTTPS_PROXY', settings.https)
  const http = readProxy('HTTP_PROXY', settings.http)
  const direct: NoProxy = readNoProxy(settings.noProxy ?? '')
  return (target) => {
    if (target.loopback || direct(target.host, target.port)) return undefined
    return target.secure ? https : http
  }
}

function readProxy(variable: string, value: string | undefined): ProxyServer | undefined {
  if (value === undefined || value.trim() === '') return undefined
  // "proxy:3128" is common and means http.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value.trim()) ? value.trim() : `http://${value.trim()}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || !['http:', 'https:'].includes(url.protocol)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the value of ${variable} does not name an http or https proxy`, {
      hint: 'write it as http://proxy.example:3128 or http://USER:PASSWORD@proxy.example:3128',
    })
  }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  return {
    secure,
    host: withoutBrackets(url.hostname),
    port,
    name: `${url.hostname}:${port}`,
    authorization: url.username === '' ? undefined : `Basic ${basicCredentials(variable, url)}`,
  }
}

function basicCredentials(variable: string, url: URL): string {
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    return Buffer.from(pair).toString('base64')
  } catch {
    // The error's text would show the user name or the password.
    const message = `the user name or password in ${variable} is not percent-encoded`
    throw new HardkeyError('ERR_CONFIG_INVALID', message, { hint: 'write % as %25, @ as %40 and : as %3A' })
  }
}
