// The common request, signed without intermediate objects. In: a request of plain parts, the time, a SigningKey. Out: what
// the step functions give, byte for byte, or undefined where anything is unusual: then they are asked. They are the
// specification (header-form.ts, query-form.ts and what these call); test/properties/fast-path.test.ts holds both equal.
// 1. Headers that come under the same names as before have the same order: it is worked out once for a list of names.
// 2. Nothing is kept of a request but the names of its headers, its URL and its method.

import { hash } from 'node:crypto'
import { canonicalUri } from './canonical-uri.ts'
import type { SignedRequest } from './header-form.ts'
import { type HeaderOrder, HeaderOrders } from './header-orders.ts'
import { bodyHash, emptyHash, unsignedPayloadText } from './payload.ts'
import type { HttpRequest, RequestUrl, UrlSplitter } from './request.ts'
import type { SigningRules } from './rules.ts'
import type { SigningKey } from './signing-key.ts'
import type { SigningMoment } from './signing-moment.ts'
import { algorithm } from './string-to-sign.ts'

/** What must be asked for in words goes the way of the step functions. */
interface Choices {
  readonly payloadHash?: string | undefined
  readonly unsignedPayload?: boolean | undefined
}

/** The parts of canonical request and URL that stand around path and host. */
interface PresignTexts {
  readonly moment: SigningMoment
  readonly expiresIn: number
  readonly middle: string
  readonly end: string
  readonly query: string
}

/** Nothing to encode, no parameter of a signature, each with its "=". */
const plainQuery = /^[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]*(?:&[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]*)*$/

export class FastPath {
  readonly #rules: SigningRules
  readonly #urls: UrlSplitter
  readonly #orders: HeaderOrders
  readonly #isUsual: boolean
  #ofPresigned: PresignTexts | undefined
  #method: string | undefined
  /** The URL before, and its two lines of the canonical request. */
  #url: string | undefined
  #host = ''
  #lines = ''

  constructor(rules: SigningRules, urls: UrlSplitter) {
    this.#rules = rules
    this.#urls = urls
    this.#orders = new HeaderOrders(rules)
    this.#isUsual = rules.regionSet === undefined && !rules.unsignedSessionToken && rules.algorithm === algorithm
  }

  /** The signed request, or undefined. @throws as `headerForm` */
  sign(
    { method, url, headers, body }: HttpRequest,
    choices: Choices,
    moment: SigningMoment,
    key: SigningKey,
  ): SignedRequest | undefined {
    if (!this.#isUsual || choices.payloadHash !== undefined || choices.unsignedPayload === true) return undefined
    if (typeof url !== 'string' || !this.#knowsMethod(method) || !this.#readUrl(url)) return undefined
    const given = headers ?? noHeaders
    if (typeof given !== 'object' || given === null || Symbol.iterator in given) return undefined
    const order = this.#orders.of(given)
    if (order === undefined) return undefined
    const payloadHash = bodyHash(body)
    const lines = order.lines(given, this.#host, moment.time, payloadHash)
    if (lines === undefined) return undefined
    const canonical = `${method}\n${this.#lines}\n${lines}\n${order.signedHeaders}\n${payloadHash}`
    const signature = key.signHash(moment, hash('sha256', canonical, 'hex'))
    const sent = this.#sent(given, order, moment, payloadHash, signature)
    return body === undefined ? { method, url, headers: sent } : { method, url, headers: sent, body }
  }

  /** The presigned URL, or undefined. @throws as `queryForm` */
  presign(
    { method, url, headers, body }: HttpRequest,
    choices: Choices & { readonly expiresIn: number },
    moment: SigningMoment,
    key: SigningKey,
  ): string | undefined {
    if (!this.#isUsual || choices.payloadHash !== undefined || choices.unsignedPayload === true) return undefined
    if (headers !== undefined || body !== undefined || typeof url !== 'string') return undefined
    if (!this.#knowsMethod(method)) return undefined
    const split = this.#urls.split(url)
    if (split.query !== undefined) return undefined
    const { middle, end, query } = this.#presignTexts(moment, choices.expiresIn)
    const uri = canonicalUri(split.path, this.#rules.pathRule)
    const canonical = `${method}\n${uri}\n${middle}${split.host}${end}`
    return `${url}?${query}${key.signHash(moment, hash('sha256', canonical, 'hex'))}`
  }

  /** What the presigned URLs of one second and life have in common. */
  #presignTexts(moment: SigningMoment, expiresIn: number): PresignTexts {
    const known = this.#ofPresigned
    if (known?.moment === moment && known.expiresIn === expiresIn) return known
    const { encodedSessionToken, presignsUnsignedPayload } = this.#rules
    const token = encodedSessionToken === undefined ? '' : `&X-Amz-Security-Token=${encodedSessionToken}`
    const first = `X-Amz-Algorithm=${algorithm}&X-Amz-Credential=${moment.encodedCredential}&X-Amz-Date=${moment.time}`
    const expires = `&X-Amz-Expires=${expiresIn}`
    const made = {
      moment,
      expiresIn,
      middle: `${first}${expires}${token}&X-Amz-SignedHeaders=host\nhost:`,
      end: `\n\nhost\n${presignsUnsignedPayload ? unsignedPayloadText : emptyHash}`,
      query: `${first}&X-Amz-SignedHeaders=host${expires}${token}&X-Amz-Signature=`,
    }
    this.#ofPresigned = made
    return made
  }

  #knowsMethod(method: string): boolean {
    if (method === this.#method) return true
    if (typeof method !== 'string' || !/^[A-Z]{1,32}$/.test(method)) return false
    this.#method = method
    return true
  }

  /** Takes the URL apart, unless it is the one before; false where its query has something to encode. */
  #readUrl(url: string): boolean {
    if (url === this.#url) return true
    const split = this.#urls.split(url)
    const query = split.query === undefined ? '' : sortedQuery(split)
    if (query === undefined) return false
    this.#lines = `${canonicalUri(split.path, this.#rules.pathRule)}\n${query}`
    this.#host = split.host
    this.#url = url
    return true
  }

  /** As `headerForm` does: what was given, and behind it what belongs to the signature. */
  #sent(
    given: Readonly<Record<string, string>>,
    order: HeaderOrder,
    moment: SigningMoment,
    payloadHash: string,
    signature: string,
  ): Record<string, string> {
    const rules = this.#rules
    // Not `{ ...given }`: what is added to such an object costs Node 20 nearly two microseconds.
    const sent: Record<string, string> = Object.assign({}, given)
    if (rules.sessionToken !== undefined) sent['X-Amz-Security-Token'] = rules.sessionToken
    sent['X-Amz-Date'] = moment.time
    if (rules.payloadHashHeader) sent['x-amz-content-sha256'] = payloadHash
    sent.Authorization = `${algorithm} Credential=${moment.credential}, SignedHeaders=${order.signedHeaders}, Signature=${signature}`
    return sent
  }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/** Undefined where there is anything to encode. */
function sortedQuery({ query = '' }: RequestUrl): string | undefined {
  if (query === '' || !plainQuery.test(query)) return query === '' ? '' : undefined
  if (/x-amz-/i.test(query)) return undefined
  return query.includes('&') ? sorted(query) : query
}

/** Insertion sort: parameters are few, and often in order already. */
function sorted(query: string): string {
  const parameters = query.split('&')
  for (let at = 1; at < parameters.length; at++) {
    const moved = parameters[at] ?? ''
    let place = at
    for (; place > 0; place--) {
      const before = parameters[place - 1] ?? ''
      if (!comesBefore(moved, before)) break
      parameters[place] = before
    }
    parameters[place] = moved
  }
  let text = parameters[0] ?? ''
  for (let at = 1; at < parameters.length; at++) text += `&${parameters[at]}`
  return text
}

/** By name and then by value: whole texts would sort "a-b=" before "a=". Each has its "=". */
function comesBefore(one: string, other: string): boolean {
  const ends = one.indexOf('=')
  const otherEnds = other.indexOf('=')
  if (ends === otherEnds) return one < other
  const shorter = Math.min(ends, otherEnds)
  for (let at = 0; at < shorter; at++) {
    const difference = one.charCodeAt(at) - other.charCodeAt(at)
    if (difference !== 0) return difference < 0
  }
  return ends < otherEnds
}
