// The bytes of the TPM's structures. In: numbers and buffers, or bytes from a TPM or a file. Out: bytes, or values.
// TPM 2.0 Library, Part 1, section "Data representation" (big-endian, unaligned) and Part 2, 10.4 (TPM2B: a size and
// so many bytes). A Reader checks its end before each read and gives views, never copies; a Writer keeps what it wrote
// in one buffer of its own, outside V8's heap, and wipes it once it is done.

import { ownCopy } from '../../../key/secret.ts'

/** Bytes that are not the structure they should be. Callers turn it into the code of where the bytes came from. */
export class WireFault extends Error {
  override readonly name = 'WireFault'
  /** Where the fault lies, counted from 0 from the beginning of the outermost bytes. */
  readonly offset: number

  /** @param fault words that follow "at byte N: " and hold no byte of the input */
  constructor(fault: string, offset: number) {
    super(fault)
    this.offset = offset
  }
}

/** Reads big-endian values one after the other. Each read throws a WireFault where the bytes end before it does. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #base: number
  #position = 0

  /** @param base the offset of the first byte, for the faults of a reader within another one */
  constructor(bytes: Uint8Array, base = 0) {
    // The views of a Buffer would be Buffers, whose slice() copies nothing.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#base = base
  }

  /** The offset of the next byte, counted from the beginning of the outermost bytes. */
  get offset(): number {
    return this.#base + this.#position
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#position
  }

  /** The next byte, which stays the next; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#position]
  }

  u8(): number {
    return this.#number(1)
  }

  u16(): number {
    return this.#number(2)
  }

  u32(): number {
    return this.#number(4)
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    if (length > this.left) {
      throw new WireFault(`${length} bytes should follow and there are ${this.left}`, this.offset)
    }
    const start = this.#position
    this.#position += length
    return this.#bytes.subarray(start, this.#position)
  }

  /** A view of the content of a TPM2B. @param longest refuses a size above it before anything is read */
  tpm2b(longest = 0xffff): Uint8Array {
    const start = this.offset
    const size = this.u16()
    if (size > longest) throw new WireFault(`a size of ${size} is more than ${longest}`, start)
    return this.bytes(size)
  }

  /** A reader of the content of a TPM2B that holds a structure. Its user calls `end()` on it. */
  sized(): Reader {
    const size = this.u16()
    const base = this.offset
    return new Reader(this.bytes(size), base)
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.left)
  }

  /** Refuses bytes that nobody has read. */
  end(): void {
    if (this.left > 0) throw new WireFault(`${this.left} bytes too many`, this.offset)
  }

  #number(width: number): number {
    const bytes = this.bytes(width)
    let value = 0
    for (let index = 0; index < width; index++) value = value * 0x100 + (bytes[index] ?? 0)
    return value
  }
}

/** What `read` makes of all the bytes; a WireFault where some are left over. */
export function readWhole<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(bytes)
  const value = read(reader)
  reader.end()
  return value
}

/** Room for every command that a TPM takes without growing. */
const usualRoom = 1024

/** Writes big-endian values one after the other. `finish()` or `wipe()` ends it. */
export class Writer {
  #buffer = new Uint8Array(new ArrayBuffer(usualRoom))
  #length = 0

  /** How many bytes were written. */
  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    return this.#number(value, 1)
  }

  u16(value: number): this {
    return this.#number(value, 2)
  }

  u32(value: number): this {
    return this.#number(value, 4)
  }

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** A TPM2B: the size in two bytes, then the bytes. */
  tpm2b(bytes: Uint8Array): this {
    return this.u16(bytes.length).bytes(bytes)
  }

  /** A TPM2B that holds a structure: what `write` writes, behind its size. */
  sized(write: (writer: this) => void): this {
    this.u16(0)
    const start = this.#length
    write(this)
    const end = this.#length
    this.#length = start - 2
    this.u16(end - start)
    this.#length = end
    return this
  }

  /** What was written, in a buffer of its own that belongs to the caller. The writer is empty afterwards. */
  finish(): Uint8Array {
    const written = ownCopy(this.#buffer.subarray(0, this.#length))
    this.wipe()
    return written
  }

  /** Overwrites what was written. */
  wipe(): void {
    this.#buffer.fill(0, 0, this.#length)
    this.#length = 0
  }

  #number(value: number, width: number): this {
    // A value that does not fit comes from a length that was not checked, and would be written as another one.
    if (!Number.isInteger(value) || value < 0 || value >= 0x100 ** width) {
      throw new RangeError(`${value} does not fit into ${width} bytes`)
    }
    this.#room(width)
    for (let shift = width - 1; shift >= 0; shift--) {
      this.#buffer[this.#length++] = Math.floor(value / 0x100 ** shift) % 0x100
    }
    return this
  }

  #room(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const wider = new Uint8Array(new ArrayBuffer(Math.max(needed, this.#buffer.length * 2)))
    wider.set(this.#buffer.subarray(0, this.#length))
    this.#buffer.fill(0)
    this.#buffer = wider
  }
}

/** What `write` writes, in a new buffer outside V8's heap. The writer is wiped where it throws. */
export function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer()
  try {
    write(writer)
    return writer.finish()
  } finally {
    writer.wipe()
  }
}
