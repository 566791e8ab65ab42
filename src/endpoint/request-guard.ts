// What every request must look like before anything of it is acted upon. In: method, target and the list of headers as they
// came. Out: a refusal, or nothing. A page in a browser, a proxy and a program that is led to another host are turned
// away here (T-10), whatever token they have.
// 1. The list is read, not `headers`: Node keeps the first of two Host headers there and tells nobody of the second.
// 2. The text of Host is compared, not a parsed URL: that would take 127.1 and 2130706433 for 127.0.0.1.

import { type Answer, refusal } from './answer.ts'

/** What is known of a request when its headers are in. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/** Node would drop what is beyond its own limit in silence. */
const mostHeaders = 100

/** Sent by browsers about a page, and by proxies about whom they speak for. Node's fetch sends Sec-Fetch-Mode alone. */
const foreignHeaders: ReadonlySet<string> = new Set(['origin', 'sec-fetch-site', 'forwarded', 'via', 'referer'])

/** A GET has no body, and nothing is negotiated here. */
const framingHeaders: ReadonlySet<string> = new Set(['transfer-encoding', 'upgrade', 'expect', 'trailer'])

/** A refusal, or undefined where the request may go on to its path. Tokens are not looked at. */
export function refuseRequest(head: RequestHead, isOurHost: (host: string) => boolean): Answer | undefined {
  const { target, rawHeaders } = head
  if (rawHeaders.length > 2 * mostHeaders) return refusal(431, 'TooManyHeaders', 'at most 100 headers are read')
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (foreignHeaders.has(name) || name.startsWith('x-forwarded-')) {
      return refusal(403, 'ForeignRequest', 'requests of browsers and proxies are not answered')
    }
    if (framingHeaders.has(name) || (name === 'content-length' && rawHeaders[index + 1] !== '0')) {
      return refusal(400, 'BadRequest', 'a request here has no body')
    }
  }
  const host = onlyValue(rawHeaders, 'host')
  if (host === undefined || !isOurHost(host)) {
    return refusal(403, 'WrongHost', 'the Host header does not name this endpoint as its address was printed')
  }
  if (!/^\/[!-~]*$/.test(target)) return refusal(400, 'BadRequest', 'the target of a request is a path')
  return undefined
}

/** The value of a header that is there exactly once; undefined where it is missing, and where there are several. */
export function onlyValue(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index]
    if (given?.length !== name.length || given.toLowerCase() !== name) continue
    if (found !== undefined) return undefined
    found = rawHeaders[index + 1]
  }
  return found
}
