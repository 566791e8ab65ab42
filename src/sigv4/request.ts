// A request as the caller gives it, checked and taken apart.
// In: method and URL. Out: the parts that a signature is made over, exactly as they go onto the wire.
// The URL is split as text: a URL object folds "." and ".." away, and an S3 key may hold them. Only the host goes
// through the URL parser (WHATWG URL), for upper case, default ports, international names and IPv4 in odd forms.

import { HardkeyError } from '../errors.ts'
import type { RequestHeaders } from './canonical-headers.ts'

/** What is to be signed. It is not changed. */
export interface HttpRequest {
  /** Upper case, as HTTP has it. */
  readonly method: string
  /**
   * Absolute http or https URL without user info and fragment. As text it is signed and returned byte for byte, so what a
   * client would change before it sends (a space, an umlaut, a backslash) must be encoded already. A `URL` is encoded, but
   * has its dot segments folded, so an S3 key that holds one needs the text.
   */
  readonly url: string | URL
  /** Sent and signed, but for what a proxy may change. An earlier signature among them is replaced. */
  readonly headers?: RequestHeaders | undefined
  /** Text counts as UTF-8. For a stream leave it out and give `payloadHash`. */
  readonly body?: Uint8Array | string | undefined
}

/** The URL in its parts, as text. */
export interface RequestUrl {
  /** All of it, as it is returned. */
  readonly text: string
  /** For the Host header: lower case, with the port unless it is the scheme's own. */
  readonly host: string
  /** From the first "/" up to the "?"; empty where the URL has none. */
  readonly path: string
  /** After the "?"; undefined where the URL has none. */
  readonly query: string | undefined
}

/** @throws ERR_REQUEST_INVALID for a method that is not upper-case letters */
export function checkedMethod(method: string): string {
  if (typeof method === 'string' && /^[A-Z]{1,32}$/.test(method)) return method
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the method is not a word in upper case', {
    hint: 'write GET, PUT, POST, HEAD or DELETE',
  })
}

/** A WebSocket begins as a GET over http or https (RFC 6455, section 4.1), and is signed as that. Other URLs, most of which begin with "h", as they are. */
export function webSocketAsHttp(url: string | URL): string | URL {
  const text = urlText(url)
  return text.charCodeAt(0) !== 0x68 && /^wss?:/i.test(text) ? `http${text.slice('ws'.length)}` : url
}

/** The other way. */
export function httpAsWebSocket(url: string): string {
  return `ws${url.slice('http'.length)}`
}

/** Splits URLs and remembers the host of the last origin, since most requests go where the one before went. */
export class UrlSplitter {
  #origin: string | undefined
  #host = ''

  /** @throws ERR_REQUEST_INVALID for a URL that is not absolute http(s), or has user info, a fragment or control characters */
  split(url: string | URL): RequestUrl {
    const text = urlText(url)
    if (!/^[\x21\x22\x24-\x7e]+$/.test(text) && /[\x00-\x1f\x7f#]/.test(text)) refuseCharacter(text)
    const start = text.indexOf('//') + 2
    const mark = text.indexOf('?', start)
    const end = mark < 0 ? text.length : mark
    const slash = text.indexOf('/', start)
    const pathStart = slash < 0 || slash > end ? end : slash
    const origin = text.slice(0, pathStart)
    if (origin !== this.#origin) {
      this.#host = hostOf(origin)
      this.#origin = origin
    }
    return {
      text,
      host: this.#host,
      path: text.slice(pathStart, end),
      query: mark < 0 ? undefined : text.slice(mark + 1),
    }
  }
}

/** A caller without types may pass anything. @throws ERR_REQUEST_INVALID for what is neither text nor a URL */
function urlText(url: string | URL): string {
  if (typeof url === 'string') return url
  if (typeof url === 'object' && typeof url?.href === 'string') return url.href
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL is neither text nor a URL object')
}

function refuseCharacter(text: string): never {
  if (/[\x00-\x1f\x7f]/.test(text)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has a control character', {
      hint: 'a tab, line end or other control character in a URL is written as %XX',
    })
  }
  throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has a fragment, which is never sent', {
    hint: 'write %23 for a "#" in a path or query; leave a fragment out',
  })
}

function hostOf(origin: string): string {
  if (!/^https?:\/\/[^\\/]/i.test(origin)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL is not an absolute http or https URL', {
      hint: 'write all of it, as in https://my-bucket.s3.eu-west-1.amazonaws.com/photo.jpg',
    })
  }
  if (/[@\\]/.test(origin)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has a user name or a backslash before its path', {
      hint: 'a signed request carries no user info: give scheme, host and port alone',
    })
  }
  try {
    return new URL(origin).host
  } catch {
    // The parser's message quotes the whole URL; what it says is only that the host is none.
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has no valid host or port')
  }
}
