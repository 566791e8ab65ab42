// Lines of the Assuan protocol, as a pinentry answers them. In: bytes as they come. Out: answers; a PIN as bytes.
// "The Assuan protocol", section 2.2, server responses: OK, ERR, S, #, D and INQUIRE, lines of at most 1000 bytes, and in D
// lines the percent code for what a line cannot hold. Every line lies in one buffer, which `wipe` overwrites.

import { HardkeyError } from '../../errors.ts'

/** Without the line end. */
const longestLine = 1000

export type AssuanAnswer =
  | { readonly kind: 'ok' }
  /** The lower 16 bits are the error code of libgpg-error, the upper ones name the program. */
  | { readonly kind: 'error'; readonly code: number; readonly text: string }
  /** Decoded. The bytes are the receiver's to wipe. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }

export interface AssuanReader {
  /** Takes a chunk over: wipes it. Comments and status lines give nothing. @throws ERR_PIN_REQUIRED for any other line */
  take(chunk: Uint8Array): readonly AssuanAnswer[]
  /** Overwrites what is kept of a line. */
  wipe(): void
}

export function assuanReader(): AssuanReader {
  const line = new Uint8Array(new ArrayBuffer(longestLine))
  let length = 0
  const wipe = (): void => {
    line.fill(0)
    length = 0
  }
  return {
    take: (chunk) => {
      const answers: AssuanAnswer[] = []
      try {
        for (const byte of chunk) {
          if (byte === 0x0a) {
            const answer = readLine(line.subarray(0, line[length - 1] === 0x0d ? length - 1 : length))
            if (answer !== undefined) answers.push(answer)
            wipe()
          } else if (length === longestLine) {
            throw fault(`a line of more than ${longestLine} bytes`)
          } else {
            line[length] = byte
            length += 1
          }
        }
        return answers
      } catch (error) {
        for (const answer of answers) if (answer.kind === 'data') answer.bytes.fill(0)
        wipe()
        throw error
      } finally {
        chunk.fill(0)
      }
    },
    wipe,
  }
}

/** Text as a command's parameter: on one line, whatever it holds. */
export function assuanText(text: string): string {
  return text.replace(/[%\u0000-\u001f\u007f]/g, (character) => encodeURIComponent(character))
}

function readLine(line: Uint8Array): AssuanAnswer | undefined {
  const space = line.indexOf(0x20)
  const word = latin1(line.subarray(0, space < 0 ? line.length : Math.min(space, 8)))
  const rest = space < 0 ? line.subarray(line.length) : line.subarray(space + 1)
  if (word === 'OK') return { kind: 'ok' }
  if (word === 'D') return { kind: 'data', bytes: percentDecoded(rest) }
  if (word === 'ERR') return readError(latin1(rest))
  if (word === 'S' || word.startsWith('#') || word === '') return undefined
  throw fault('an answer that is none')
}

function readError(rest: string): AssuanAnswer {
  const [, code, text = ''] = /^(\d{1,10})(?: (.*))?$/.exec(rest) ?? []
  if (code === undefined) throw fault('an error without a number')
  return { kind: 'error', code: Number(code), text }
}

function percentDecoded(encoded: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(encoded.length))
  let length = 0
  for (let at = 0; at < encoded.length; at += 1) {
    let byte = encoded[at] ?? 0
    if (byte === 0x25) {
      byte = 16 * hexDigit(encoded[at + 1]) + hexDigit(encoded[at + 2])
      at += 2
    }
    bytes[length] = byte
    length += 1
  }
  // No copy: the rest of the buffer is zeros.
  return bytes.subarray(0, length)
}

function hexDigit(byte: number | undefined): number {
  const value = '0123456789ABCDEFabcdef'.indexOf(String.fromCharCode(byte ?? 0))
  if (value >= 0) return value < 16 ? value : value - 6
  throw fault('a percent sign without two digits')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function fault(what: string): HardkeyError {
  return new HardkeyError('ERR_PIN_REQUIRED', `the pinentry gave ${what}`, {
    hint: 'HARDKEY_PINENTRY names the program: one of GnuPG, as pinentry-curses or pinentry-gnome3',
  })
}
