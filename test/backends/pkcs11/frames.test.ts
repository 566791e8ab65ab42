// Frames on the pipes of the child: what was put in comes out, in pieces of any size; anything else is an error, and
// never a crash or a wait for more than 256 KiB. Answers are looked at before they are used.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  encodeFrame,
  type Frame,
  FrameError,
  FrameReader,
  maximumFrameBytes,
} from '../../../src/backends/pkcs11/frames.ts'
import * as messages from '../../../src/backends/pkcs11/messages.ts'

function read(stream: Uint8Array, pieceLength: number): Frame[] {
  const reader = new FrameReader()
  const frames: Frame[] = []
  for (let at = 0; at < stream.length; at += pieceLength) {
    frames.push(...reader.push(Uint8Array.from(stream.subarray(at, at + pieceLength))))
  }
  return frames
}

it('gives back every head and every byte, however the stream is cut', () => {
  const message = fc.tuple(fc.jsonValue(), fc.uint8Array({ maxLength: 200 }))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (sent, pieceLength) => {
      const stream = Buffer.concat(sent.map(([head, bytes]) => encodeFrame(head, bytes)))
      const heads = read(stream, pieceLength).map(({ head, bytes }) => [head, [...bytes]])
      expect(JSON.stringify(heads)).toBe(JSON.stringify(sent.map(([head, bytes]) => [head, [...bytes]])))
    }),
  )
})

it('answers any bytes at all with frames or a FrameError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 64 }), (stream, pieceLength) => {
      try {
        read(stream, pieceLength)
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError)
      }
    }),
    { numRuns: 2000 },
  )
})

it('refuses a frame that announces too much before it has come', () => {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(maximumFrameBytes + 1)
  expect(() => new FrameReader().push(prefix)).toThrow(FrameError)
})

it('wipes the pieces that it was given', () => {
  const piece = encodeFrame({ act: 'login' }, Buffer.from('canary-pin'))
  const [frame] = new FrameReader().push(piece)
  expect(piece.every((byte) => byte === 0)).toBe(true)
  expect(Buffer.from(frame?.bytes ?? []).toString()).toBe('canary-pin')
})

it('shows nothing of a head that is not JSON', () => {
  const frame = encodeFrame('canary-secret')
  frame[8] = 0x5b
  expect(() => new FrameReader().push(frame)).toThrow(
    expect.objectContaining({ message: expect.not.stringMatching(/canary/) }),
  )
})

it('answers any head at all with values or an AnswerError', () => {
  const readers = [
    messages.readFailure,
    messages.readLibrary,
    messages.readTokens,
    messages.readMechanismFlags,
    messages.readKeys,
  ]
  const names = ['failure', 'kind', 'library', 'tokens', 'keys', 'flags', 'CKA_ID', 'CKA_SIGN', '__proto__']
  const heads = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), fc.jsonValue()))
  fc.assert(
    fc.property(heads, (head) => {
      for (const readHead of readers) {
        try {
          readHead(head)
        } catch (error) {
          expect(error).toBeInstanceOf(messages.AnswerError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
