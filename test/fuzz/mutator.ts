// New inputs from known ones, for the fuzzer. In: a corpus, words that the format knows, a generator of numbers.
// Out: bytes with a few changes: bits, bytes, numbers, words, pieces cut, doubled, moved or taken from another input.

/** Whole numbers from 0 up to below the limit; the same for the same seed (mulberry32). */
export type Dice = (limit: number) => number

export function dice(seed: number): Dice {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit)
  }
}

/** Most inputs are short, so that many run; one in many is as long as the longest that a parser takes. */
const usualBytes = 2048
export const longestBytes = 65_536
const oneInLong = 4000

/** Bytes at which parsers turn: ends of ranges, signs, white space. */
const turningPoints = Buffer.from('\x00\x01\x7f\x80\xff\xc2\xe2\xef\n\r\t "\'\\/%&;:=?<>[]{}(),.-+#@09AZaz|')

type Change = (bytes: Buffer, roll: Dice, other: Buffer, words: readonly Buffer[]) => Buffer

const changes: readonly Change[] = [
  (bytes, roll) => set(bytes, roll(bytes.length), (byte) => byte ^ (1 << roll(8))),
  (bytes, roll) => set(bytes, roll(bytes.length), () => roll(256)),
  (bytes, roll) => set(bytes, roll(bytes.length), () => turningPoints[roll(turningPoints.length)] ?? 0),
  (bytes, roll) => set(bytes, roll(bytes.length), (byte) => byte + roll(5) - 2),
  (bytes, roll) =>
    splice(bytes, roll(bytes.length + 1), 0, Buffer.from([turningPoints[roll(turningPoints.length)] ?? 0])),
  (bytes, roll) => splice(bytes, roll(bytes.length), 1 + roll(8), Buffer.alloc(0)),
  (bytes, roll) => bytes.subarray(0, roll(bytes.length + 1)),
  (bytes, roll, _, words) => splice(bytes, roll(bytes.length + 1), 0, words[roll(words.length)] ?? Buffer.alloc(0)),
  (bytes, roll, _, words) => {
    const word = words[roll(words.length)] ?? Buffer.alloc(0)
    return splice(bytes, roll(bytes.length + 1), word.length, word)
  },
  (bytes, roll, other) => splice(bytes, roll(bytes.length + 1), roll(16), piece(other, roll)),
  (bytes, roll) => splice(bytes, roll(bytes.length + 1), 0, piece(bytes, roll)),
  (bytes, roll) => splice(bytes, roll(bytes.length + 1), roll(4), Buffer.from(String(numbers[roll(numbers.length)]))),
]
const numbers = [0, -1, 1, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e21, 0.5]

/** One to eight changes of an input of the corpus. */
export function mutated(corpus: readonly Buffer[], words: readonly Buffer[], roll: Dice): Buffer {
  const pick = (): Buffer => corpus[roll(corpus.length)] ?? Buffer.alloc(0)
  let bytes: Buffer = Buffer.from(pick())
  for (let left = 1 + roll(roll(4) === 0 ? 8 : 3); left > 0; left--) {
    bytes = (changes[roll(changes.length)] ?? piece)(bytes, roll, pick(), words)
  }
  return roll(oneInLong) === 0 ? lengthened(bytes, roll) : bytes.subarray(0, usualBytes)
}

/** A piece of it again and again: what takes quadratic time shows. */
function lengthened(bytes: Buffer, roll: Dice): Buffer {
  const part = piece(bytes, roll)
  if (part.length === 0) return bytes
  const middle = Buffer.alloc(Math.max(0, longestBytes - bytes.length), part)
  return splice(bytes, roll(bytes.length + 1), 0, middle).subarray(0, longestBytes)
}

function piece(bytes: Buffer, roll: Dice): Buffer {
  const start = roll(bytes.length)
  return bytes.subarray(start, start + 1 + roll(roll(2) === 0 ? 8 : 64))
}

function set(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const before = bytes[at]
  if (before !== undefined) bytes[at] = change(before)
  return bytes
}

function splice(bytes: Buffer, at: number, gone: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + gone)])
}
