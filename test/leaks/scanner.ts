// The one scanner for secrets. In: secrets by label, and any bytes: a text, a file, a trace, the memory of another process.
// Out: where they are, by label and encoding; never the secret. Security plan, section 4.
// 1. The needles are kept XORed, so that a scanner is not found by a scanner.
// 2. Memory is searched from a parent process: within one process the search finds what it searches for.

/** Secrets by label: `{ secret, PIN }`. */
export type Items = Readonly<Record<string, Uint8Array>>

/** Where an item is, and in which encoding. Overlapping windows of one copy are one hit. */
export interface Hit {
  readonly item: string
  readonly encoding: string
  readonly at: number
}

interface Needle {
  readonly item: string
  readonly encoding: string
  readonly masked: Uint8Array
}

/** HMAC keeps its key under these two (RFC 2104). */
const hmacPads = [0x36, 0x5c] as const
const mask = 0xa7
const windowBytes = 16
/** A shorter text is found by chance. */
const shortestBytes = 8

export class Scanner {
  /** Labels that are looked for. */
  readonly items: readonly string[]
  /** How many encodings each is looked for in. */
  readonly encodings: number
  /** Needles by their first two bytes. */
  readonly #needles = new Map<number, Needle[]>()
  readonly #begins = new Uint8Array(0x1_0000)

  /** Items of less than 8 bytes are left out. */
  constructor(items: Items) {
    const taken = Object.entries(items).filter(([, bytes]) => bytes.length >= shortestBytes)
    this.items = taken.map(([label]) => label)
    this.encodings = new Set(encodingsOf(Buffer.alloc(32)).map(([name]) => name)).size
    for (const [item, bytes] of taken) this.#add(item, bytes)
  }

  /** Every copy of an item in these bytes. */
  search(bytes: Uint8Array): readonly Hit[] {
    const hits: Hit[] = []
    const ends = new Map<string, number>()
    let pair = bytes[0] ?? 0
    for (let at = 0; at + 1 < bytes.length; at++) {
      pair = ((pair & 0xff) << 8) | (bytes[at + 1] ?? 0)
      if (this.#begins[pair] === 0) continue
      for (const { item, encoding, masked } of this.#needles.get(pair) ?? []) {
        if (!isAt(masked, bytes, at)) continue
        // The next window of a copy, or another form of it, is the same hit.
        const end = ends.get(item) ?? 0
        if (at >= end) hits.push({ item, encoding, at })
        ends.set(item, Math.max(end, at + masked.length))
      }
    }
    return hits
  }

  #add(item: string, bytes: Uint8Array): void {
    const there = new Set<string>()
    for (const [encoding, needle] of encodingsOf(bytes)) {
      const text = needle.toString('latin1')
      if (there.has(text)) continue
      there.add(text)
      const pair = needle.readUInt16BE(0)
      this.#begins[pair] = 1
      const masked = Uint8Array.from(needle, (byte) => byte ^ mask)
      this.#needles.set(pair, [...(this.#needles.get(pair) ?? []), { item, encoding, masked }])
    }
  }
}

function isAt(masked: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + masked.length > bytes.length) return false
  for (let index = 0; index < masked.length; index++) {
    if (((masked[index] ?? 0) ^ mask) !== bytes[at + index]) return false
  }
  return true
}

/** Every form in which bytes are written somewhere, by name. */
function encodingsOf(bytes: Uint8Array): readonly (readonly [string, Buffer])[] {
  const whole = Buffer.from(bytes)
  const hex = whole.toString('hex')
  const text = whole.toString('latin1')
  const json = JSON.stringify(text).slice(1, -1)
  const texts: readonly (readonly [string, string])[] = [
    ['hex', hex],
    ['hex in capitals', hex.toUpperCase()],
    ['hex with spaces', hexPairs(hex).join(' ')],
    ['numbers', [...bytes].join(',')],
    ['numbers with spaces', [...bytes].join(', ')],
    ['percent', encodeURIComponent(text)],
    ['percent throughout', hexPairs(hex.toUpperCase()).map(percent).join('')],
    ['percent throughout, small', hexPairs(hex).map(percent).join('')],
    ['JSON', json],
    ['JSON with slashes escaped', json.replaceAll('/', '\\/')],
    ...[0, 1, 2].flatMap((skip) => alignedBase64(whole, skip)),
  ]
  return [
    ...windows(whole).map((window) => ['raw, any 16 bytes', window] as const),
    ['UTF-8', Buffer.from(text, 'utf8')],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['reversed', Buffer.from(whole).reverse()],
    ...hmacPads.map((pad) => [`HMAC pad 0x${pad.toString(16)}`, Buffer.from(whole.map((byte) => byte ^ pad))] as const),
    ...texts.map(([name, form]) => [name, Buffer.from(form, 'latin1')] as const),
  ]
}

const hexPairs = (hex: string): readonly string[] => hex.match(/../g) ?? []
const percent = (pair: string): string => `%${pair}`

/** Every 16 bytes in a row; a shorter item as a whole. */
function windows(bytes: Buffer): readonly Buffer[] {
  const count = Math.max(1, bytes.length - windowBytes + 1)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at, at + windowBytes))
}

/** Base64 behind so many other bytes, without the characters that hold bits of the neighbours. */
function alignedBase64(bytes: Buffer, skip: number): readonly (readonly [string, string])[] {
  const padded = Buffer.concat([Buffer.alloc(skip), bytes])
  const own = padded.toString('base64').replace(/=+$/, '')
  const form = own.slice(skip === 0 ? 0 : skip + 1, padded.length % 3 === 0 ? undefined : -1)
  return [
    [`base64, ${skip} before`, form],
    [`base64url, ${skip} before`, form.replaceAll('+', '-').replaceAll('/', '_')],
  ]
}
