// One message of an event stream. In: headers and payload. Out: its bytes: prelude, headers, payload, two CRC-32.
// application/vnd.amazon.eventstream (Smithy, "Amazon Event Stream Specification"): total length, length of the headers,
// CRC of these eight bytes; then CRC of all before it. Numbers have the highest byte first.

import { crc32 } from 'node:zlib'
import { HardkeyError } from '../errors.ts'

/** A header of a message: text, bytes, or a time. */
export type EventHeader = string | Uint8Array | Date

export interface EventMessage {
  /** By name, in the order in which they are written: `:event-type`, `:content-type`, `:message-type`. */
  readonly headers: Readonly<Record<string, EventHeader>>
  /** At most 25165824 bytes (24 MiB). */
  readonly payload: Uint8Array
}

/** Smithy: headers at most 128 KiB, payload at most 24 MiB. */
const longestHeaders = 131_072
const longestPayload = 25_165_824

const byteArrayType = 6
const stringType = 7
const timestampType = 8

/**
 * The bytes of one message, as `signEvents` takes them.
 *
 * @throws ERR_REQUEST_INVALID for a header or payload that is too long
 *
 * @example
 * ```ts
 * import { eventMessage } from 'hardkey'
 * const audio = new Uint8Array(3200)
 * const headers = { ':event-type': 'AudioEvent', ':content-type': 'application/octet-stream', ':message-type': 'event' }
 * const message = eventMessage({ headers, payload: audio })
 * ```
 */
export function eventMessage({ headers, payload }: EventMessage): Uint8Array {
  return framed(eventHeaders(headers), payload)
}

/** The headers alone, which are signed apart from the payload. @throws ERR_REQUEST_INVALID */
export function eventHeaders(headers: Readonly<Record<string, EventHeader>>): Uint8Array {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [sized(1, Buffer.from(name), name), header(name, value)]),
  )
}

/** @throws ERR_REQUEST_INVALID */
export function framed(headers: Uint8Array, payload: Uint8Array): Uint8Array {
  if (headers.length > longestHeaders) throw tooLong('the headers of the message')
  if (payload.length > longestPayload) throw tooLong('the payload of the message')
  const message = Buffer.alloc(12 + headers.length + payload.length + 4)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  message.set(headers, 12)
  message.set(payload, 12 + headers.length)
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4)
  return message
}

function header(name: string, value: EventHeader): Uint8Array {
  if (typeof value === 'string') return Buffer.concat([Uint8Array.of(stringType), sized(2, Buffer.from(value), name)])
  if (value instanceof Uint8Array) return Buffer.concat([Uint8Array.of(byteArrayType), sized(2, value, name)])
  const time = Buffer.alloc(9, timestampType)
  time.writeBigInt64BE(BigInt(value.getTime()), 1)
  return time
}

/** Bytes behind their length, which has one byte or two. */
function sized(width: 1 | 2, bytes: Uint8Array, name: string): Uint8Array {
  // The type of a text or a byte array allows 32767 bytes.
  if (bytes.length > (width === 1 ? 255 : 32_767)) throw tooLong(`the header ${JSON.stringify(name.slice(0, 80))}`)
  const length = Buffer.alloc(width)
  length.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([length, bytes])
}

function tooLong(what: string): HardkeyError {
  return new HardkeyError('ERR_REQUEST_INVALID', `${what} is too long for an event stream`)
}
