// Base64 between buffers, for what must not become a string: V8 keeps strings in its heap, where nobody can wipe them.
// In: bytes. Out: bytes in a buffer of their own. RFC 4648, section 4, strictly: the standard alphabet, padded, no bits
// left over.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const pad = '='.charCodeAt(0)

/** The text, as the bytes of its characters. Whoever encoded a secret wipes it. */
export function base64Encoded(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(new ArrayBuffer(Math.ceil(bytes.length / 3) * 4))
  for (let at = 0, out = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    for (let shift = 18; shift >= 0; shift -= 6) text[out++] = alphabet.charCodeAt((group >> shift) & 63)
  }
  const missing = (3 - (bytes.length % 3)) % 3
  text.fill(pad, text.length - missing)
  return text
}

/** The bytes that the text stands for, or undefined for what is no base64. Whoever decoded a secret wipes them. */
export function base64Decoded(text: Uint8Array): Uint8Array | undefined {
  const padding = text.at(-1) !== pad ? 0 : text.at(-2) !== pad ? 1 : 2
  if (text.length === 0 || text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array(new ArrayBuffer((text.length / 4) * 3 - padding))
  let bits = 0
  let held = 0
  let length = 0
  for (let at = 0; at < text.length - padding; at += 1) {
    const value = alphabet.indexOf(String.fromCharCode(text[at] ?? 0))
    if (value < 0) return refused(bytes)
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = held >> bits
    held &= (1 << bits) - 1
  }
  return held === 0 ? bytes : refused(bytes)
}

function refused(bytes: Uint8Array): undefined {
  bytes.fill(0)
}
