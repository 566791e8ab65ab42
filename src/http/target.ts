// Where a request goes. In: the text of a URL. Out: host and port to connect to, and path and query byte for byte as they
// stand in the text: they were signed, and the WHATWG parser would take "a/../b" (an S3 key) for "b".

import { isIP } from 'node:net'
import { HardkeyError } from '../errors.ts'

/** One URL, taken apart. */
export interface Target {
  /** True for https. */
  readonly secure: boolean
  /** Name or address, lower case; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  /** Host, with the port where the URL names another than the scheme's: the value of the Host header. */
  readonly authority: string
  /** Path and query as written, from the slash on. */
  readonly path: string
  /** The host is this machine by its name or address. */
  readonly loopback: boolean
}

// RFC 9112, section 3.2: the request target has visible ASCII characters alone.
const urlForm = /^(https?):\/\/([^/?#\\\x00-\x20\x7f]+)([/?][\x21-\x7e]*)?$/i

/**
 * Takes an http or https URL apart.
 * @throws ERR_REQUEST_INVALID for another scheme, a user name or password, a fragment, a blank, a control character or a
 * character outside ASCII; the message shows no part that could be a password.
 */
export function readTarget(url: string): Target {
  const [, scheme, host, rest = '/'] = urlForm.exec(url) ?? []
  if (scheme === undefined || host === undefined || rest.includes('#')) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL is not an http or https URL in ASCII without a fragment', {
      hint: 'percent-encode what is not a letter, a digit or punctuation of a URL',
    })
  }
  if (host.includes('@')) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has a user name in front of its host')
  }
  const parsed = parseOrigin(scheme, host)
  const name = withoutBrackets(parsed.hostname)
  const secure = parsed.protocol === 'https:'
  return {
    secure,
    host: name,
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    authority: parsed.host,
    path: rest.startsWith('?') ? `/${rest}` : rest,
    loopback: isThisMachine(name),
  }
}

/** True for 127.0.0.0/8 and ::1 (RFC 6890). */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}

/** True for `localhost` and what `isLoopback` says, of a host as a URL has it. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || isLoopback(withoutBrackets(host))
}

/** An IPv6 address as Node's sockets take it; any other host as it is. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function parseOrigin(scheme: string, host: string): URL {
  try {
    return new URL(`${scheme}://${host}/`)
  } catch (error) {
    throw new HardkeyError('ERR_REQUEST_INVALID', `the URL has no valid host: "${host}"`, { cause: error })
  }
}
