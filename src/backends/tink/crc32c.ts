// CRC-32C (Castagnoli). In: bytes. Out: the checksum that Google's KMS sends and takes, as decimal text.
// RFC 3720, appendix B.4; Cloud KMS, "Verifying end-to-end data integrity". The bytes may be secret: nothing is kept.

/** The polynomial 0x1EDC6F41 with its bits reversed. */
const polynomial = 0x82f6_3b78

/** An unsigned 32-bit number in decimal, as the JSON of an int64 has it. */
export function crc32c(bytes: Uint8Array): string {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (polynomial & -(crc & 1))
  }
  return String((crc ^ 0xffff_ffff) >>> 0)
}
