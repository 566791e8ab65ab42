// The JSON of a request that carries a secret. In: names with texts or secrets. Out: bytes in a buffer of their own, which
// the caller wipes; the secret never becomes a string. RFC 8259, section 7.

import { Secret } from '../../key/secret.ts'

/** Names are ours and plain; values are escaped. */
export function jsonBody(members: readonly (readonly [name: string, value: string | Secret])[]): Uint8Array {
  const parts: (Secret | Uint8Array)[] = []
  for (const [name, value] of members) {
    parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}"${name}":`))
    if (typeof value === 'string') parts.push(Buffer.from(JSON.stringify(value)))
    else parts.push(quote, value.lend(escaped), quote)
  }
  parts.push(Buffer.from(parts.length === 0 ? '{}' : '}'))
  const joined = Secret.join(...parts)
  try {
    return joined.lend((bytes) => {
      const body = new Uint8Array(new ArrayBuffer(bytes.length))
      body.set(bytes)
      return body
    })
  } finally {
    joined.wipe()
    // The escaped copies of secrets are among them.
    for (const part of parts) if (!(part instanceof Secret) && part !== quote) part.fill(0)
  }
}

const quote = Buffer.from('"')

/** The bytes of a JSON string between its quotes: UTF-8 stays, quotes, backslashes and control characters are escaped. */
function escaped(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(new ArrayBuffer(bytes.length * 6))
  let length = 0
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text[length++] = 0x5c
    if (byte >= 0x20) {
      text[length++] = byte
      continue
    }
    const code = Buffer.from(`\\u00${byte.toString(16).padStart(2, '0')}`)
    text.set(code, length)
    length += code.length
  }
  return text.subarray(0, length)
}
