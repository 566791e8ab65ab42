// The wire format of protocol buffers, as far as a keyset needs it. In: bytes. Out: fields with their offsets, and back.
// protobuf.dev, "Encoding". Groups are refused: no keyset has them.
// Malformed bytes are ERR_KEY_FILE_INVALID.
// The bytes may be secret: an error names the offset and never a byte, and a value is a view of the bytes, not a copy.

import type { HardkeyError } from '../../errors.ts'
import { keysetInvalid } from './status.ts'

export interface WireField {
  readonly number: number
  /** Where its tag begins, counted from the outermost message. */
  readonly offset: number
  /** A varint as number, exact to 2^53 and only compared beyond; the bytes of any other wire type. */
  readonly value: number | WireBytes
}

export interface WireBytes {
  readonly bytes: Uint8Array
  readonly offset: number
  /** False for the fixed-size wire types I32 and I64. */
  readonly isLengthDelimited: boolean
}

/** The fields of a message in order, unknown ones included. */
export function* wireFields(message: Uint8Array, base = 0): Generator<WireField> {
  let position = 0
  while (position < message.length) {
    const start = position
    const tag = readVarint(message, position, base)
    position = tag.end
    const number = Math.floor(tag.value / 8)
    if (number < 1 || number > 0x1fff_ffff) throw malformed('a field number is out of range', base + start)
    const body = readValue(message, tag.value % 8, position, base)
    position = body.end
    yield { number, offset: base + start, value: body.value }
  }
}

/** The value of a varint field that holds a uint32 or an enum. */
export function uint32Of(field: WireField): number {
  if (typeof field.value !== 'number') throw malformed('a field has the wrong wire type', field.offset)
  if (field.value > 0xffff_ffff) throw malformed('a number is out of range', field.offset)
  return field.value
}

/** The value of a bytes, string or message field. */
export function bytesOf(field: WireField): WireBytes {
  if (typeof field.value === 'number' || !field.value.isLengthDelimited) {
    throw malformed('a field has the wrong wire type', field.offset)
  }
  return field.value
}

/** A varint field; 0 is left out, as proto3 does. */
export function writeUint32(number: number, value: number): Uint8Array {
  return value === 0 ? new Uint8Array(0) : Uint8Array.from([...varint(number * 8), ...varint(value)])
}

/** A bytes, string or message field in a new buffer. */
export function writeBytes(number: number, bytes: Uint8Array): Uint8Array {
  return joinBytes(Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes)
}

/** The parts in order, in a new buffer outside Node's pool and V8's heap. */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(new ArrayBuffer(parts.reduce((sum, part) => sum + part.length, 0)))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

function readValue(
  message: Uint8Array,
  wireType: number,
  position: number,
  base: number,
): { value: number | WireBytes; end: number } {
  switch (wireType) {
    case 0:
      return readVarint(message, position, base)
    case 1:
      return readBytes(message, position, 8, base, false)
    case 2: {
      const length = readVarint(message, position, base)
      return readBytes(message, length.end, length.value, base, true)
    }
    case 5:
      return readBytes(message, position, 4, base, false)
    default:
      throw malformed('a field has a wire type that no keyset has', base + position)
  }
}

function readBytes(
  message: Uint8Array,
  start: number,
  length: number,
  base: number,
  isLengthDelimited: boolean,
): { value: WireBytes; end: number } {
  const end = start + length
  if (end > message.length) throw malformed('a field is longer than what holds it', base + start)
  return { value: { bytes: message.subarray(start, end), offset: base + start, isLengthDelimited }, end }
}

/** At most ten bytes of seven bits each, 64 bits in all. */
function readVarint(message: Uint8Array, start: number, base: number): { value: number; end: number } {
  let value = 0
  for (let index = 0; index < 10; index++) {
    const byte = message[start + index]
    if (byte === undefined) throw malformed('a number is cut off', base + start)
    if (index === 9 && byte > 1) break
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, end: start + index + 1 }
  }
  throw malformed('a number has more than 64 bits', base + start)
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))]
}

/** `offset` is counted from 0, from the beginning of what is read: the decrypted keyset, or a file in binary. */
function malformed(fault: string, offset: number): HardkeyError {
  return keysetInvalid(`is malformed at byte ${offset} of its binary form: ${fault}`)
}
