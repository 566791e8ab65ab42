// CRC-64/NVME. In: bytes in parts. Out: the checksum in base64, highest byte first.
// NVM Express NVM Command Set Specification, "64b CRC"; reflected polynomial 0x9a6c9329ac4bc9b5. Eight bytes in each step,
// by eight tables of which each has two halves: JavaScript computes with 32 bits.

import type { RunningChecksum } from './checksum.ts'

const polynomialHigh = 0x9a6c9329
const polynomialLow = 0xac4bc9b5

export class Crc64Nvme implements RunningChecksum {
  readonly #tables = makeTables()
  #high = -1
  #low = -1

  update(bytes: Uint8Array): void {
    const { high: highs, low: lows } = this.#tables
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const whole = bytes.length - (bytes.length % 8)
    let [high, low] = [this.#high, this.#low]
    for (let at = 0; at < whole; at += 8) {
      const first = low ^ view.getUint32(at, true)
      const second = high ^ view.getUint32(at + 4, true)
      high = sliced(highs, first, second)
      low = sliced(lows, first, second)
    }
    for (let at = whole; at < bytes.length; at++) {
      const byte = (low ^ view.getUint8(at)) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ (lows[byte] ?? 0)
      high = (high >>> 8) ^ (highs[byte] ?? 0)
    }
    this.#high = high
    this.#low = low
  }

  digest(): string {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(~this.#high >>> 0, 0)
    bytes.writeUInt32BE(~this.#low >>> 0, 4)
    return bytes.toString('base64')
  }
}

/** Every index is below 2048, the length of the tables together. */
function sliced(tables: Int32Array, first: number, second: number): number {
  return (
    (tables[1792 | (first & 0xff)] ?? 0) ^
    (tables[1536 | ((first >>> 8) & 0xff)] ?? 0) ^
    (tables[1280 | ((first >>> 16) & 0xff)] ?? 0) ^
    (tables[1024 | (first >>> 24)] ?? 0) ^
    (tables[768 | (second & 0xff)] ?? 0) ^
    (tables[512 | ((second >>> 8) & 0xff)] ?? 0) ^
    (tables[256 | ((second >>> 16) & 0xff)] ?? 0) ^
    (tables[second >>> 24] ?? 0)
  )
}

/** Table n: what a byte is worth that has n more bytes behind it. */
function makeTables(): { readonly high: Int32Array; readonly low: Int32Array } {
  const [high, low] = [new Int32Array(8 * 256), new Int32Array(8 * 256)]
  for (let byte = 0; byte < 256; byte++) {
    let [crcHigh, crcLow] = [0, byte]
    for (let bit = 0; bit < 8; bit++) {
      const odd = (crcLow & 1) === 1
      crcLow = (crcLow >>> 1) | (crcHigh << 31)
      crcHigh >>>= 1
      if (!odd) continue
      crcLow ^= polynomialLow
      crcHigh ^= polynomialHigh
    }
    high[byte] = crcHigh
    low[byte] = crcLow
  }
  for (let index = 256; index < high.length; index++) {
    const [beforeHigh, beforeLow] = [high[index - 256] ?? 0, low[index - 256] ?? 0]
    const byte = beforeLow & 0xff
    high[index] = (beforeHigh >>> 8) ^ (high[byte] ?? 0)
    low[index] = ((beforeLow >>> 8) | (beforeHigh << 24)) ^ (low[byte] ?? 0)
  }
  return { high, low }
}
