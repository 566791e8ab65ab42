// The order in which headers are signed, worked out once for a list of names. In: headers as an object. Out: their
// canonical lines and the list of their names, or undefined where a name or value is unusual. For fast-path.ts; the
// specification is canonical-headers.ts.

import { HeaderList } from './canonical-headers.ts'
import type { SigningRules } from './rules.ts'

type Headers = Readonly<Record<string, string>>

/** Lists of names that are remembered: a signer of one service sees a few. */
const remembered = 8

/** A value in canonical form as it stands: visible ASCII with single spaces inside. */
const plainValue = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/

export class HeaderOrders {
  readonly #rules: SigningRules
  #latest: HeaderOrder | undefined
  readonly #orders: HeaderOrder[] = []

  constructor(rules: SigningRules) {
    this.#rules = rules
  }

  /** The order of these headers; undefined where one of their names is unusual. */
  of(headers: Headers): HeaderOrder | undefined {
    const names = Object.keys(headers)
    if (this.#latest?.isOf(names) === true) return this.#latest
    const known = this.#orders.find((order) => order.isOf(names))
    if (known !== undefined) {
      this.#latest = known
      return known
    }
    return this.#learn(names)
  }

  #learn(names: readonly string[]): HeaderOrder | undefined {
    if (!names.every((name) => /^[A-Za-z0-9-]+$/.test(name))) return undefined
    const lower = names.map((name) => name.toLowerCase())
    // Two of one name are joined, and those of a signature are replaced: that is for the step functions.
    if (new Set(lower).size < lower.length || lower.some((name) => taken.has(name))) return undefined
    const order = new HeaderOrder(names, this.#rules)
    if (this.#orders.length === remembered) this.#orders.shift()
    this.#orders.push(order)
    this.#latest = order
    return order
  }
}

const taken: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-region-set',
  'x-amz-security-token',
])

/** Where a value comes from that is not the caller's. */
const hostValue = -1
const timeValue = -2
const hashValue = -3

export class HeaderOrder {
  /** Joined by ";". */
  readonly signedHeaders: string
  readonly #names: readonly string[]
  /** What stands before each value: the name before, its line end and this name. */
  readonly #heads: readonly string[]
  /** For each line the place of its name among those given, or where its value comes from. */
  readonly #sources: readonly number[]
  /** The last line end, and a session token that stands behind all. */
  readonly #end: string

  constructor(names: readonly string[], rules: SigningRules) {
    this.#names = names
    const own = new Map<string, number>([
      ['host', hostValue],
      ['x-amz-date', timeValue],
    ])
    if (rules.payloadHashHeader) own.set('x-amz-content-sha256', hashValue)
    const list = HeaderList.read(names.map((name): [string, string] => [name, 'a']))
    for (const name of own.keys()) list.set(name, name, 'a')
    if (rules.sessionToken !== undefined) list.set('x-amz-security-token', 'x-amz-security-token', 'a')
    this.signedHeaders = list.canonical().signedHeaders
    const lower = names.map((name) => name.toLowerCase())
    const heads: string[] = []
    const sources: number[] = []
    let before = ''
    for (const name of this.signedHeaders.split(';')) {
      before += `${name}:`
      if (name === 'x-amz-security-token' && rules.sessionToken !== undefined) {
        before += `${rules.sessionToken}\n`
        continue
      }
      heads.push(before)
      sources.push(own.get(name) ?? lower.indexOf(name))
      before = '\n'
    }
    this.#heads = heads
    this.#sources = sources
    this.#end = before
  }

  isOf(names: readonly string[]): boolean {
    const own = this.#names
    if (names.length !== own.length) return false
    for (let at = 0; at < own.length; at++) if (names[at] !== own[at]) return false
    return true
  }

  /** The canonical lines, each with its line end; undefined where a value is not plain, be it signed or not. */
  lines(headers: Headers, host: string, time: string, payloadHash: string): string | undefined {
    const names = this.#names
    for (const name of names) {
      const value = headers[name]
      if (typeof value !== 'string' || !plainValue.test(value)) return undefined
    }
    const heads = this.#heads
    const sources = this.#sources
    let lines = ''
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] ?? 0
      const value =
        source === hostValue
          ? host
          : source === timeValue
            ? time
            : source === hashValue
              ? payloadHash
              : headers[names[source] ?? '']
      lines += `${heads[at]}${value}`
    }
    return lines + this.#end
  }
}
