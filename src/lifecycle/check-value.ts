// The check value of a key: tells whether a device still holds the key that checked in, and gives nothing away.
// In: an opened key. Out: the first 8 bytes of HMAC(key, "hardkey check 1") in hex. The label is no date, so the answer
// signs no request. Asked at check-in, by `inspect`, `doctor` and `rotate`, never for a signature.

import { checkLabel } from '../key/check-label.ts'
import type { HmacKey, HmacOptions } from '../key/hmac-key.ts'

/** The check value in an HMAC over the label: its first 8 bytes as 16 lower-case hex digits. */
export function checkValueOf(hmac: Uint8Array): string {
  return Buffer.from(hmac.buffer, hmac.byteOffset, 8).toString('hex')
}

/**
 * The check value of an opened key, by one call of the device.
 * @throws what `key.hmac` throws
 */
export async function checkValue(key: HmacKey, options: HmacOptions = {}): Promise<string> {
  const hmac = await key.hmac(checkLabel(), options)
  try {
    return checkValueOf(hmac)
  } finally {
    hmac.fill(0)
  }
}
