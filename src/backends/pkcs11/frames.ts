// Frames on the two pipes between hardkey and the child that runs a PKCS#11 module.
// In: a JSON head and raw bytes (a PIN, a key, data, an answer). Out: one frame; and back, from pieces of any size.
// A frame: length of what follows (4 bytes, big endian, at most 256 KiB), length of the head (4 bytes), head, bytes.
// 1. What may be a secret travels in the bytes and never in the head, which becomes strings.
// 2. Every buffer that has held a frame is wiped, or belongs to the receiver, who wipes it.
// 3. A socket of Node may read into a larger buffer, copy, and free the first one as it is (seen on Node 26). So an HMAC
//    travels under a mask that came with its request, and what stays there is of no use.

import { ownCopy } from '../../key/secret.ts'

/** More than the largest frame, which lists the hundred tokens of a large module. */
export const maximumFrameBytes = 0x4_0000

const prefixBytes = 4

/** As long as an HMAC-SHA256; it comes in front of the data that is asked for. */
export const maskBytes = 32

/** XORs the mask into the bytes, or out of them. */
export function applyMask(bytes: Uint8Array, mask: Uint8Array): void {
  for (let at = 0; at < Math.min(bytes.length, maskBytes); at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[at] ?? 0)
}

export interface Frame {
  readonly head: unknown
  /** A buffer of its own that the receiver owns. */
  readonly bytes: Uint8Array
}

/** What is wrong with a stream of frames. It cannot be read any further. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** One frame in a buffer of its own, which the caller wipes. `bytes` stays the caller's. */
export function encodeFrame(head: unknown, bytes: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(JSON.stringify(head))
  const length = prefixBytes + text.length + bytes.length
  if (length > maximumFrameBytes) throw new FrameError(`a frame of ${length} bytes is too long`)
  // Not Buffer.alloc: up to 64 bytes of it lie in V8's heap, where copies stay (see ownCopy).
  const frame = Buffer.from(new ArrayBuffer(prefixBytes + length))
  frame.writeUInt32BE(length, 0)
  frame.writeUInt32BE(text.length, prefixBytes)
  frame.set(text, 2 * prefixBytes)
  frame.set(bytes, 2 * prefixBytes + text.length)
  return frame
}

/** The length that a frame's first four bytes announce. */
function announcedLength(prefix: Uint8Array): number {
  const length = Buffer.from(prefix.buffer, prefix.byteOffset, prefixBytes).readUInt32BE(0)
  if (length < prefixBytes || length > maximumFrameBytes) throw new FrameError(`a frame announces ${length} bytes`)
  return length
}

/** Reads what follows the first four bytes, and wipes it. */
function decodeFrame(body: Uint8Array): Frame {
  try {
    const view = Buffer.from(body.buffer, body.byteOffset, body.length)
    const headEnd = prefixBytes + view.readUInt32BE(0)
    if (headEnd > body.length) throw new FrameError('the head of a frame is longer than the frame')
    return { head: parseHead(view.toString('utf8', prefixBytes, headEnd)), bytes: ownCopy(body.subarray(headEnd)) }
  } finally {
    body.fill(0)
  }
}

function parseHead(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What JSON.parse says would show the text.
    throw new FrameError('the head of a frame is not JSON')
  }
}

/** The answer to the data of a request, under the mask in front of that data. */
export function answerUnderMask(bytes: Uint8Array, answerTo: (data: Uint8Array) => Uint8Array): Uint8Array {
  const answer = answerTo(ownCopy(bytes.subarray(maskBytes)))
  applyMask(answer, bytes)
  return answer
}

/** Puts frames together from the pieces in which a stream delivers them. */
export class FrameReader {
  #pending: Uint8Array = new Uint8Array(0)

  /**
   * Takes the piece over and wipes it; returns the frames that are complete now.
   *
   * @throws FrameError for a length outside 4 bytes to 256 KiB, and for a head that is longer than that or no JSON
   */
  push(piece: Uint8Array): readonly Frame[] {
    this.#append(piece)
    const frames: Frame[] = []
    let offset = 0
    while (this.#pending.length - offset >= prefixBytes) {
      const start = offset + prefixBytes
      const length = announcedLength(this.#pending.subarray(offset, start))
      if (this.#pending.length < start + length) break
      frames.push(decodeFrame(this.#pending.subarray(start, start + length)))
      offset = start + length
    }
    const rest = ownCopy(this.#pending.subarray(offset))
    this.#pending.fill(0)
    this.#pending = rest
    return frames
  }

  #append(piece: Uint8Array): void {
    const joined = new Uint8Array(new ArrayBuffer(this.#pending.length + piece.length))
    joined.set(this.#pending)
    joined.set(piece, this.#pending.length)
    this.#pending.fill(0)
    piece.fill(0)
    this.#pending = joined
  }
}
