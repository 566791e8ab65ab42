// DER, as far as a key file needs it. In: bytes. Out: elements one after the other; and bytes again.
// ITU-T X.690, sections 8 and 10: one-byte tags, definite lengths in their shortest form. Nothing is read deeper than its
// user asks, so nesting costs nothing. Faults are WireFaults with their offset; contents are views.

import { Reader, WireFault, written } from '../wire/codec.ts'

/** Tags: the universal ones of X.690 8, table 1 of X.680, and EXPLICIT context tags. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
} as const

/** The tag of `[number] EXPLICIT`. */
export function explicitTag(number: number): number {
  return 0xa0 | number
}

export class DerReader {
  readonly #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  get offset(): number {
    return this.#reader.offset
  }

  get left(): number {
    return this.#reader.left
  }

  /** The tag of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#reader.peek()
  }

  /** A reader of the content of the next element, which must have this tag. @param what for the fault: "the parent" */
  enter(tag: number, what: string): DerReader {
    return new DerReader(this.#content(tag, what))
  }

  /** The content of the next element, which must have this tag. */
  content(tag: number, what: string): Reader {
    return this.#content(tag, what)
  }

  /** Passes over the next element, whatever it is. */
  skip(): void {
    this.#content(undefined, 'an element')
  }

  /** Passes over everything that is left. */
  pass(): void {
    this.#reader.rest()
  }

  end(): void {
    this.#reader.end()
  }

  #content(tag: number | undefined, what: string): Reader {
    const start = this.#reader.offset
    if (this.#reader.left === 0) throw new WireFault(`${what} is missing`, start)
    const found = this.#reader.u8()
    if (tag !== undefined && found !== tag) throw new WireFault(`${what} has a wrong tag or is missing`, start)
    if ((found & 0x1f) === 0x1f) throw new WireFault('a tag has more than one byte', start)
    const length = this.#length()
    const base = this.#reader.offset
    if (length > this.#reader.left) throw new WireFault(`${what} runs past the end`, start)
    return new Reader(this.#reader.bytes(length), base)
  }

  /** X.690, 8.1.3 and 10.1. */
  #length(): number {
    const start = this.#reader.offset
    const first = this.#reader.u8()
    if (first < 0x80) return first
    if (first === 0x80) throw new WireFault('a length is indefinite', start)
    // A file of 64 KiB has lengths of two bytes.
    if (first > 0x83) throw new WireFault('a length is too long', start)
    let length = 0
    for (let count = first & 0x7f; count > 0; count--) length = length * 0x100 + this.#reader.u8()
    if (length < 0x80 || length < 0x100 ** ((first & 0x7f) - 1)) {
      throw new WireFault('a length is not in its shortest form', start)
    }
    return length
  }
}

/**
 * An INTEGER from 0 to 2^32 - 1. The older writers put a handle of 0x81000001 into four bytes, as if it were negative:
 * such an INTEGER is read as the handle.
 */
export function readUint32(reader: DerReader, what: string): number {
  const content = reader.content(derTag.integer, what)
  const { offset } = content
  const bytes = content.rest()
  const shortened = bytes.length === 5 && bytes[0] === 0 ? bytes.subarray(1) : bytes
  if (shortened.length < 1 || shortened.length > 4) throw new WireFault(`${what} is no number of 32 bits`, offset)
  if (bytes.length < 4 && (bytes[0] ?? 0) >= 0x80) throw new WireFault(`${what} is negative`, offset)
  return shortened.reduce((value, byte) => value * 0x100 + byte, 0)
}

/** A BOOLEAN; whatever is not 0 is true, since tpm2-tools write 01 where DER has FF. */
export function readBoolean(reader: DerReader, what: string): boolean {
  const content = reader.content(derTag.boolean, what)
  const value = content.u8()
  content.end()
  return value !== 0
}

/** An OBJECT IDENTIFIER as text: "2.23.133.10.1.3". */
export function readObjectIdentifier(reader: DerReader, what: string): string {
  const content = reader.content(derTag.objectIdentifier, what)
  const start = content.offset
  const arcs: number[] = []
  let arc = 0
  let isOpen = true
  while (content.left > 0) {
    const byte = content.u8()
    arc = arc * 0x80 + (byte & 0x7f)
    if (arc > 0xffff_ffff || arcs.length > 16) throw new WireFault(`${what} is too long`, start)
    isOpen = byte >= 0x80
    if (isOpen) continue
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)))
    arcs.push(arcs.length === 1 ? arc - (arcs[0] ?? 0) * 40 : arc)
    arc = 0
  }
  if (isOpen) throw new WireFault(`${what} is cut off`, start)
  return arcs.join('.')
}

/** One element with these contents in order. */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  return written((writer) => {
    writer.u8(tag)
    if (length < 0x80) writer.u8(length)
    else if (length < 0x100) writer.u8(0x81).u8(length)
    else writer.u8(0x82).u16(length)
    for (const content of contents) writer.bytes(content)
  })
}

/** An INTEGER from 0 to 2^32 - 1. */
export function derUint32(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 0x100)) bytes.unshift(rest % 0x100)
  if ((bytes[0] ?? 0) >= 0x80) bytes.unshift(0)
  return derElement(derTag.integer, Uint8Array.from(bytes))
}
