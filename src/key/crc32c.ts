// CRC-32C (Castagnoli). In: bytes in parts. Out: the checksum.
// RFC 3720, appendix B.4; reflected polynomial 0x82f63b78. Eight bytes in each step, by eight tables ("slicing by 8").

const polynomial = 0x82f63b78

/** A checksum under way. */
export class Crc32c {
  readonly #tables = makeTables()
  #value = 0xffffffff

  update(bytes: Uint8Array): void {
    const tables = this.#tables
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const whole = bytes.length - (bytes.length % 8)
    let crc = this.#value
    for (let at = 0; at < whole; at += 8) {
      const low = crc ^ view.getUint32(at, true)
      const high = view.getUint32(at + 4, true)
      // Every index is below 2048, the length of the tables together.
      crc =
        at8(tables, 7, low) ^
        at8(tables, 6, low >>> 8) ^
        at8(tables, 5, low >>> 16) ^
        at8(tables, 4, low >>> 24) ^
        at8(tables, 3, high) ^
        at8(tables, 2, high >>> 8) ^
        at8(tables, 1, high >>> 16) ^
        at8(tables, 0, high >>> 24)
    }
    for (let at = whole; at < bytes.length; at++) crc = at8(tables, 0, crc ^ view.getUint8(at)) ^ (crc >>> 8)
    this.#value = crc
  }

  /** Of all bytes so far: 32 bits, unsigned. */
  get value(): number {
    return ~this.#value >>> 0
  }
}

function at8(tables: Int32Array, table: number, byte: number): number {
  return tables[(table << 8) | (byte & 0xff)] ?? 0
}

/** Table n: what a byte is worth that has n more bytes behind it. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    tables[byte] = crc
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256] ?? 0
    tables[index] = (before >>> 8) ^ at8(tables, 0, before)
  }
  return tables
}
