// JSON of a key service, of which one member may be a secret. In: bytes. Out: bytes; what is secret never becomes a string.
// A body that is not what the service answers is ERR_DEVICE_FAILED.

import { isUtf8 } from 'node:buffer'
import { HardkeyError } from '../../errors.ts'
import { base64Decoded, base64Encoded } from '../../key/base64.ts'
import { type JsonSpan, jsonBytes, jsonStrings } from '../../key/json-text.ts'
import { joinBytes } from './protobuf.ts'

/** A JSON object: members of plain text, and one of the bytes in base64. Whoever gave a secret wipes it. */
export function bodyWithBytes(text: Readonly<Record<string, string>>, name: string, bytes: Uint8Array): Uint8Array {
  const base64 = base64Encoded(bytes)
  const members = JSON.stringify({ ...text, [name]: '' })
  // The empty value is the last one: its closing quote and the brace follow the base64.
  const body = joinBytes(Buffer.from(members.slice(0, -2)), base64, Buffer.from('"}'))
  base64.fill(0)
  return body
}

/** Reads the members of an answer by their path, as `data.plaintext`. */
export class SecretJson {
  readonly #body: Uint8Array
  readonly #where: string
  readonly #strings: ReadonlyMap<string, JsonSpan>

  /** @throws ERR_DEVICE_FAILED for what is no JSON */
  constructor(body: Uint8Array, where: string) {
    this.#body = body
    this.#where = where
    try {
      this.#strings = jsonStrings(body)
    } catch {
      // The reader's words are for files.
      throw unlike(where, 'is no JSON')
    }
  }

  /** The text of a member that is no secret; undefined where there is none. */
  text(path: string): string | undefined {
    const bytes = this.#bytesAt(path)
    if (bytes === undefined) return undefined
    if (!isUtf8(bytes)) throw unlike(this.#where, `has a "${path}" that is not UTF-8`)
    return Buffer.from(bytes).toString()
  }

  /** The bytes that a member gives in base64, in a buffer of their own that the caller wipes. */
  bytes(path: string): Uint8Array {
    const text = this.#bytesAt(path)
    if (text === undefined) throw unlike(this.#where, `has no "${path}"`)
    try {
      const bytes = base64Decoded(text)
      if (bytes !== undefined) return bytes
    } finally {
      text.fill(0)
    }
    throw unlike(this.#where, `has a "${path}" that is not base64`)
  }

  #bytesAt(path: string): Uint8Array | undefined {
    const span = this.#strings.get(path)
    try {
      return span === undefined ? undefined : jsonBytes(this.#body, span)
    } catch {
      throw unlike(this.#where, `has a "${path}" that cannot be read`)
    }
  }
}

/** An answer that holds no secret, as an object; undefined where it is none. Its own members alone: no `__proto__`. */
export function plainJson(body: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  if (!isUtf8(body)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
    return membersOf(value)
  } catch {
    // A balancer's page: its text is no reason of the service.
    return undefined
  }
}

/** The members of a JSON object, or undefined for anything else. */
export function membersOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return new Map(Object.entries(value))
}

/** ERR_DEVICE_FAILED: what came is not what the service answers. */
export function unlike(where: string, fault: string): HardkeyError {
  return new HardkeyError('ERR_DEVICE_FAILED', `the answer of ${where} ${fault}`, {
    hint: 'what answers there may be another server, or a page to log in',
  })
}
