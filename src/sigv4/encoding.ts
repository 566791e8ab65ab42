// URI encoding as Signature Version 4 wants it (RFC 3986, section 2.3): all but A-Z a-z 0-9 - . _ ~ becomes %XX, upper case.
// In: text, or text that is encoded in part. Out: ASCII text. AWS Signature Version 4, "Create a canonical request", UriEncode.

import { HardkeyError } from '../errors.ts'

/**
 * Encodes every byte (UTF-8) but the unreserved ones; "%" too, so encoded text is encoded again.
 *
 * @throws ERR_REQUEST_INVALID for half of a surrogate pair, which no UTF-8 can express
 */
export function encode(text: string): string {
  if (/^[A-Za-z0-9._~-]*$/.test(text)) return text
  let encoded: string
  try {
    encoded = encodeURIComponent(text)
  } catch (cause) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the URL has half of a surrogate pair, which has no UTF-8', { cause })
  }
  return encoded.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * Brings text that is encoded in part to the one form that a server computes when it decodes and encodes again: %XX of
 * an unreserved character becomes the character, other %XX stay as bytes (they need not be UTF-8), the rest is encoded.
 * A "%" that starts no %XX stands for itself. Done once or twice, the result is the same.
 */
export function encodeOnce(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})|%|[^%A-Za-z0-9._~-]+/g, (found, hex: string | undefined) => {
    if (hex === undefined) return encode(found)
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : found.toUpperCase()
  })
}
