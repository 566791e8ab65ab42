// The headers of a request in canonical form: its fourth part, and the list of their names, its fifth.
// In: headers as the caller gives them. Out: lower-case names sorted, values trimmed, each run of spaces and tabs one
// space, several values of a name joined by a comma. AWS Signature Version 4, "Create a canonical request", CanonicalHeaders.

import { HardkeyError } from '../errors.ts'

/** Headers by name, or as pairs where a name comes twice. A `Headers` object is such a list of pairs. */
export type RequestHeaders = Readonly<Record<string, string>> | Iterable<readonly [string, string]>

/** One header as it is signed, in a chain ordered by name. */
interface CanonicalHeader {
  readonly name: string
  value: string
  /** The name under which it is sent. */
  readonly sentName: string
  readonly signed: boolean
  next: CanonicalHeader | undefined
}

/**
 * What a connection, a proxy or a tracer may change or drop on the way: the list of botocore, Max-Forwards, which
 * proxies count down, and the names that Fetch reserves for the transport. Sent, but never signed.
 */
const unsignedNames =
  /^(?:baggage|connection|expect|keep-alive|max-forwards|proxy-.*|sec-.*|te|traceparent|tracestate|trailer|transfer-encoding|upgrade|user-agent|x-amzn-trace-id)$/

/** Headers of an earlier signature, which the new one replaces. */
const ofSignature = /^(?:authorization|x-amz-(?:date|region-set|security-token))$/

/** The headers of one request: as they are sent, in the order given, and as they are signed, in the order of their names. */
export class HeaderList {
  readonly sent: Record<string, string> = {}
  /** Stands before all headers; no header has the empty name. */
  readonly #first: CanonicalHeader = { name: '', value: '', sentName: '', signed: false, next: undefined }
  #latest: CanonicalHeader = this.#first

  /**
   * The caller's headers; those of an earlier signature are left out.
   *
   * @throws ERR_REQUEST_INVALID for a name or value that cannot stand in a header, and for a second Host
   */
  static read(given: RequestHeaders | undefined): HeaderList {
    const headers = new HeaderList()
    if (given === undefined) return headers
    if (typeof given !== 'object' || given === null) throw notHeaders()
    if (isPairs(given)) for (const pair of given) headers.#addPair(pair)
    else for (const name of Object.keys(given)) headers.#add(name, given[name])
    return headers
  }

  /** The canonical value of a lower-case name, or undefined. */
  get(name: string): string | undefined {
    const header = this.#lastBefore(name).next
    return header?.name === name ? header.value : undefined
  }

  /** Adds a header of the signature, under which name it is sent, unless the request has it. `signed` false: sent only. */
  set(name: string, sentName: string, value: string, signed = true): void {
    const before = this.#lastBefore(name)
    if (before.next?.name === name) return
    before.next = { name, value, sentName, signed, next: before.next }
    this.sent[sentName] = value
  }

  /** Signs the host unless the request has a Host header; the client that sends the request sets it. */
  setHost(host: string): void {
    const before = this.#lastBefore('host')
    if (before.next?.name === 'host') return
    before.next = { name: 'host', value: host, sentName: 'host', signed: true, next: before.next }
  }

  /** The canonical headers, each with its line end, and the names that are signed, joined by ";". */
  canonical(): { readonly lines: string; readonly signedHeaders: string } {
    let lines = ''
    let signedHeaders = ''
    for (let header = this.#first.next; header !== undefined; header = header.next) {
      if (!header.signed) continue
      lines += `${header.name}:${header.value}\n`
      signedHeaders += signedHeaders === '' ? header.name : `;${header.name}`
    }
    return { lines, signedHeaders }
  }

  #addPair(pair: readonly [string, string]): void {
    // A caller without types may pass anything.
    if (!Array.isArray(pair)) throw notHeaders()
    this.#add(pair[0], pair[1])
  }

  #add(sentName: string, given: string | undefined): void {
    const name = checkedName(sentName)
    const value = checkedValue(sentName, given)
    if (ofSignature.test(name)) return
    const before = this.#lastBefore(name)
    const same = before.next
    if (same?.name !== name) {
      before.next = { name, value, sentName, signed: !unsignedNames.test(name), next: before.next }
      this.sent[sentName] = given ?? ''
      return
    }
    if (name === 'host') throw new HardkeyError('ERR_REQUEST_INVALID', 'the request has two Host headers')
    // Sent as it is signed: white space before a comma would count for the server.
    same.value += `,${value}`
    this.sent[same.sentName] = same.value
  }

  #lastBefore(name: string): CanonicalHeader {
    // Headers often come in order, so the place where the last one was put is near.
    let header = this.#latest.name < name ? this.#latest : this.#first
    while (header.next !== undefined && header.next.name < name) header = header.next
    this.#latest = header
    return header
  }
}

/** RFC 9110, section 5.6.2, token; in lower case. "__proto__" is one, but would be lost in the object that is returned. */
function checkedName(sentName: string): string {
  if (typeof sentName !== 'string') throw notHeaders()
  if (/^[a-z0-9-]+$/.test(sentName)) return sentName
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(sentName) && sentName !== '__proto__') return sentName.toLowerCase()
  throw new HardkeyError('ERR_REQUEST_INVALID', `the header name ${JSON.stringify(sentName)} is not one`)
}

/** RFC 9110, section 5.5, and what node:http sends: Latin-1 without control characters but the tab. In canonical form. */
function checkedValue(sentName: string, value: string | undefined): string {
  if (typeof value === 'string') {
    if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(value)) return value
    // Outer white space goes, each inner run becomes one space; a no-break space is no white space here.
    if (!/[^\t\x20-\x7e\x80-\xff]/.test(value)) return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')
  }
  throw new HardkeyError('ERR_REQUEST_INVALID', `the header ${sentName} has a value that cannot be sent`, {
    hint: 'a header value is text of Latin-1 without line ends; encode anything else first',
  })
}

function notHeaders(): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', 'the headers are neither an object nor pairs of name and value')
}

function isPairs(headers: RequestHeaders): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers
}
