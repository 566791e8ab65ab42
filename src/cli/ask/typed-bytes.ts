// What a person types at a question, key by key. In: chunks of bytes from the terminal. Out: the bytes of one line.
// Keys as a terminal driver sends them: ECMA-48 for sequences after ESC, the usual control characters for editing.

import { HardkeyError } from '../../errors.ts'

/** No PIN, passphrase or access key is longer; also what the kernel keeps of a line. */
const longest = 4095

const key = Object.freeze({
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  enter: 0x0d,
  deleteLine: 0x15,
  deleteWord: 0x17,
  escape: 0x1b,
  delete: 0x7f,
})

export interface TypedBytes {
  /** Takes a chunk over. @throws ERR_SECRET_INVALID where text follows Enter in one paste (B-005), or it is too long */
  take(chunk: Uint8Array): 'more' | 'answered' | 'interrupted'
  /** The line as bytes that the caller owns. */
  answer(): Uint8Array
  /** Overwrites what was typed. */
  wipe(): void
}

/** An empty line that fills. With `raw` control characters edit it; else the kernel's line discipline has done so. */
export function typedBytes(raw: boolean): TypedBytes {
  const line = new Uint8Array(new ArrayBuffer(longest))
  let length = 0
  let sequence: 'none' | 'begun' | 'inside' = 'none'
  const eraseTo = (end: number): void => {
    line.fill(0, end, length)
    length = end
  }
  const edit = (byte: number): void => {
    if (byte === key.backspace || byte === key.delete) eraseTo(startOfLastCharacter(line, length))
    else if (byte === key.deleteLine || byte === key.deleteWord) eraseTo(0)
    else if (byte === key.escape) sequence = 'begun'
    else if (byte >= 0x20 || byte === 0x09) append(byte)
  }
  const append = (byte: number): void => {
    if (length === longest) throw new HardkeyError('ERR_SECRET_INVALID', `the answer is longer than ${longest} bytes`)
    line[length] = byte
    length += 1
  }
  return {
    take: (chunk) => {
      for (const [position, byte] of chunk.entries()) {
        if (sequence !== 'none') sequence = afterEscape(sequence, byte)
        else if (raw && byte === key.interrupt) return 'interrupted'
        else if (byte === key.enter || byte === key.newline || (raw && byte === key.endOfInput)) {
          mustBeLast(chunk.subarray(position + 1))
          return 'answered'
        } else if (raw) edit(byte)
        else append(byte)
      }
      return 'more'
    },
    answer: () => {
      const own = new Uint8Array(new ArrayBuffer(length))
      own.set(line.subarray(0, length))
      return own
    },
    wipe: () => eraseTo(0),
  }
}

/** UTF-8: the bytes 10xxxxxx continue a character. */
function startOfLastCharacter(line: Uint8Array, length: number): number {
  let start = Math.max(0, length - 1)
  while (start > 0 && ((line[start] ?? 0) & 0xc0) === 0x80) start -= 1
  return start
}

/** An arrow or function key: ESC [ parameters, then one byte from @ to ~; or ESC and one byte. */
function afterEscape(sequence: 'begun' | 'inside', byte: number): 'none' | 'inside' {
  if (sequence === 'begun') return byte === 0x5b || byte === 0x4f ? 'inside' : 'none'
  return byte >= 0x40 && byte <= 0x7e ? 'none' : 'inside'
}

function mustBeLast(rest: Uint8Array): void {
  if (rest.some((byte) => byte !== key.enter && byte !== key.newline)) {
    throw new HardkeyError('ERR_SECRET_INVALID', 'two lines given, where one was asked for')
  }
}
