// JSON whose strings may be secrets. In: bytes. Out: where each string of it stands, by its path, and the bytes of one.
// RFC 8259, read whole; only names of members become text, values never do.

import { HardkeyError } from '../errors.ts'

/** From after the opening quote to before the closing one. */
export interface JsonSpan {
  readonly start: number
  readonly end: number
}

/** The JSON of CreateAccessKey has two levels. */
const deepest = 8

/** Where each string value stands, by path: "AccessKey.SecretAccessKey". @throws ERR_SECRET_INVALID with the byte's position */
export function jsonStrings(bytes: Uint8Array): ReadonlyMap<string, JsonSpan> {
  const reader = new JsonReader(bytes)
  reader.readWhole()
  return reader.strings
}

/** The bytes that a string stands for, in a buffer of their own that the caller wipes. @throws ERR_SECRET_INVALID */
export function jsonBytes(bytes: Uint8Array, span: JsonSpan): Uint8Array {
  const length = eachByte(bytes, span, () => {})
  const decoded = new Uint8Array(new ArrayBuffer(length))
  eachByte(bytes, span, (value, at) => {
    decoded[at] = value
  })
  return decoded
}

/** Gives each byte that the string stands for, and returns their number. */
function eachByte(bytes: Uint8Array, { start, end }: JsonSpan, give: (value: number, at: number) => void): number {
  let length = 0
  for (let at = start; at < end; length++) {
    const [value, size] = bytes[at] === backslash ? escaped(bytes, at) : [bytes[at] ?? 0, 1]
    give(value, length)
    at += size
  }
  return length
}

const [
  quote = 0,
  backslash = 0,
  comma = 0,
  colon = 0,
  openBrace = 0,
  closeBrace = 0,
  openBracket = 0,
  closeBracket = 0,
] = Buffer.from('"\\,:{}[]')

// RFC 8259, section 7: the letter behind the backslash and what it stands for.
const escapes: ReadonlyMap<number, number> = new Map(
  (['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'] as const).map((pair) => [
    pair.charCodeAt(0),
    pair.charCodeAt(1),
  ]),
)

function escaped(bytes: Uint8Array, at: number): [value: number, size: number] {
  const simple = escapes.get(bytes[at + 1] ?? 0)
  if (simple !== undefined) return [simple, 2]
  // Four hex digits; none of the values read here has other than ASCII characters.
  const digits = Array.from(bytes.subarray(at + 2, at + 6), hexDigit)
  const value = digits.reduce((sum, digit) => sum * 16 + digit, 0)
  if (digits.length < 4 || !(value < 0x80)) throw malformed(at, 'an escape that is not of an ASCII character')
  return [value, 6]
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN
}

/** The name of a member, with a backslash before what has a meaning in a path. */
function pathPart(name: Uint8Array): string {
  return Buffer.from(name)
    .toString('utf8')
    .replace(/[.[\\]/g, '\\$&')
}

/** A digit, or a sign of a number. Where each must stand is nobody's concern here: numbers are passed over. */
function isOfNumber(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].includes(byte))
}

class JsonReader {
  readonly strings = new Map<string, JsonSpan>()
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    // A byte order mark, as Windows PowerShell writes it.
    this.#at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  }

  readWhole(): void {
    this.#value('', 0)
    this.#space()
    if (this.#at < this.#bytes.length) throw malformed(this.#at, 'something after the end')
  }

  #value(path: string, depth: number): void {
    if (depth > deepest) throw malformed(this.#at, 'too deep a nesting')
    this.#space()
    const first = this.#bytes[this.#at]
    if (first === openBrace) this.#members(path, depth)
    else if (first === openBracket) this.#items(path, depth)
    else if (first === quote) this.#keep(path, this.#string())
    else this.#word()
  }

  #members(path: string, depth: number): void {
    this.#list(closeBrace, () => {
      this.#space()
      const name = this.#string()
      this.#space()
      this.#expect(colon)
      const text = pathPart(this.#bytes.subarray(name.start, name.end))
      this.#value(path === '' ? text : `${path}.${text}`, depth + 1)
    })
  }

  #items(path: string, depth: number): void {
    let index = 0
    this.#list(closeBracket, () => this.#value(`${path}[${index++}]`, depth + 1))
  }

  #list(close: number, item: () => void): void {
    this.#at++
    this.#space()
    if (this.#bytes[this.#at] === close) {
      this.#at++
      return
    }
    item()
    this.#space()
    while (this.#bytes[this.#at] === comma) {
      this.#at++
      item()
      this.#space()
    }
    this.#expect(close)
  }

  #keep(path: string, span: JsonSpan): void {
    if (this.strings.has(path)) throw malformed(span.start, 'a member that stands there twice')
    this.strings.set(path, span)
  }

  #string(): JsonSpan {
    this.#expect(quote)
    const start = this.#at
    for (let byte = this.#bytes[this.#at]; byte !== quote; byte = this.#bytes[this.#at]) {
      if (byte === undefined || byte < 0x20) throw malformed(this.#at, 'a string that does not end')
      this.#at += byte === backslash ? 2 : 1
    }
    return { start, end: this.#at++ }
  }

  /** true, false, null or a number. Compared byte by byte: in a file that is no JSON a secret may stand here. */
  #word(): void {
    const start = this.#at
    const isLiteral = (word: string): boolean => Buffer.from(word).every((byte, at) => this.#bytes[start + at] === byte)
    const literal = ['true', 'false', 'null'].find(isLiteral)
    if (literal !== undefined) this.#at += literal.length
    else while (isOfNumber(this.#bytes[this.#at])) this.#at++
    if (this.#at === start) throw malformed(start, 'something that is no value')
  }

  #space(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#bytes[this.#at] ?? 0)) this.#at++
  }

  #expect(byte: number): void {
    if (this.#bytes[this.#at] !== byte) throw malformed(this.#at, `no ${String.fromCharCode(byte)} where one must be`)
    this.#at++
  }
}

function malformed(at: number, what: string): HardkeyError {
  return new HardkeyError('ERR_SECRET_INVALID', `this is not JSON: byte ${at + 1} has ${what}`)
}
