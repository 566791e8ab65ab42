// The text of a key URI. In: text. Out: its scheme and attributes with their values decoded, and back again.
// RFC 7512 (The PKCS #11 URI Scheme), section 2.3, whose syntax hardkey uses for every scheme. Stricter than the RFC in
// three ways: a value is never empty, a name stands once in the whole URI, and a second "?" is percent-encoded.
// An error shows names and positions and never a value, since a value may be a PIN.

import { isUtf8 } from 'node:buffer'
import { HardkeyError } from '../errors.ts'
import { ownCopy, Secret } from './secret.ts'

/** The value is a Secret where the attribute is `pin-value`. */
export type AttributeValue = Uint8Array | Secret
export type Attributes = ReadonlyMap<string, AttributeValue>

export interface UriParts {
  /** In lower case. */
  readonly scheme: string
  readonly path: Attributes
  readonly query: Attributes
}

/** A URI of 64 KiB is nobody's key. */
const longest = 65_535
const schemeForm = /^([A-Za-z][A-Za-z0-9+.-]*):/
const nameForm = /^[A-Za-z0-9_-]+$/
/** RFC 7512, section 2.3: unreserved, pk11-res-avail, `&` in the path, `/` and `|` in the query; `/` is read in both. */
const rawInPath = /[A-Za-z0-9\-._~:[\]@!$'()*+,=&/]/
const rawInQuery = /[A-Za-z0-9\-._~:[\]@!$'()*+,=/|]/
/** What we write raw: fewer than the RFC lets us, so that a URI can be copied into a shell's double quotes. */
const writtenRaw = /[A-Za-z0-9\-._~:@,=]/

/** True for the one attribute whose value is a secret. */
export function isSecretName(name: string): boolean {
  return name.toLowerCase() === 'pin-value'
}

/** @throws ERR_URI_INVALID, naming the attribute and the character, counted from 1 */
export function readUriText(text: string): UriParts {
  if (text.length > longest) throw invalid(`the key URI has more than ${longest} characters`)
  const scheme = schemeForm.exec(text)?.[1]
  if (scheme === undefined) {
    throw invalid(
      text.trim() === '' ? 'the key URI is empty' : 'the key URI does not begin with a scheme',
      'write the scheme, a colon and attributes, as in pkcs11:token=prod;object=aws',
    )
  }
  const start = scheme.length + 1
  const question = text.indexOf('?', start)
  const pathEnd = question < 0 ? text.length : question
  const path = readAttributes(text.slice(start, pathEnd), start, ';', rawInPath)
  const query = question < 0 ? new Map() : readAttributes(text.slice(question + 1), question + 1, '&', rawInQuery)
  refuseInBoth(path, query)
  return { scheme: scheme.toLowerCase(), path, query }
}

/** RFC 7512 text with `/` percent-encoded; a `pin-value` shows as `[secret]`. */
export function writeUriText(parts: UriParts): string {
  const path = [...parts.path].map(writeAttribute).join(';')
  const query = [...parts.query].map(writeAttribute).join('&')
  return `${parts.scheme}:${path}${query === '' ? '' : `?${query}`}`
}

/** The attributes of a part from names and decoded values. @throws ERR_URI_INVALID as `readUriText` */
export function attributesFrom(values: Readonly<Record<string, string | Uint8Array>>): Attributes {
  const attributes = new Map<string, AttributeValue>()
  for (const [name, value] of Object.entries(values)) {
    if (!nameForm.test(name)) throw invalid('an attribute of the key URI has a name that is not one')
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(value)
    if (typeof value === 'string' && Buffer.from(bytes).toString() !== value) {
      throw invalid(`attribute "${name}" is not well-formed text`)
    }
    attributes.set(name, checkedValue(name, bytes))
  }
  return attributes
}

export function refuseInBoth(path: Attributes, query: Attributes): void {
  const twice = [...query.keys()].find((name) => path.has(name))
  if (twice !== undefined) throw invalid(`attribute "${twice}" stands in the path and in the query of the key URI`)
}

function readAttributes(part: string, offset: number, separator: string, raw: RegExp): Attributes {
  const attributes = new Map<string, AttributeValue>()
  if (part === '') return attributes
  let position = offset
  for (const piece of part.split(separator)) {
    const { name, value } = readAttribute(piece, position, raw)
    if (attributes.has(name)) throw invalid(`attribute "${name}" stands twice, again at character ${position + 1}`)
    attributes.set(name, value)
    position += piece.length + 1
  }
  return attributes
}

function readAttribute(piece: string, offset: number, raw: RegExp): { name: string; value: AttributeValue } {
  const place = `at character ${offset + 1}`
  if (piece === '') throw invalid(`the key URI has an empty attribute ${place}`, separatorHint)
  const equals = piece.indexOf('=')
  if (equals < 0) throw invalid(`the key URI has an attribute without "=" ${place}`, separatorHint)
  const name = piece.slice(0, equals)
  if (!nameForm.test(name)) throw invalid(`the key URI has an attribute ${place} whose name is not one`, separatorHint)
  const bytes = percentDecoded(name, piece.slice(equals + 1), offset + equals + 1, raw)
  return { name, value: checkedValue(name, bytes, ` ${place}`) }
}

function percentDecoded(name: string, text: string, offset: number, raw: RegExp): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(text.length))
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '%') {
      const digits = text.slice(index + 1, index + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) {
        throw invalid(`attribute "${name}" has a bad percent code at character ${offset + index + 1}`, percentHint)
      }
      bytes[length++] = Number.parseInt(digits, 16)
      index += 2
    } else if (raw.test(character)) {
      bytes[length++] = character.charCodeAt(0)
    } else {
      const place = offset + index + 1
      throw invalid(`attribute "${name}" has a character at ${place} that must be percent-encoded`, percentHint)
    }
  }
  const value = ownCopy(bytes.subarray(0, length))
  bytes.fill(0)
  return value
}

/** Takes the bytes over. */
function checkedValue(name: string, bytes: Uint8Array, place = ''): AttributeValue {
  if (bytes.length === 0) {
    throw invalid(`attribute "${name}"${place} has no value`, 'leave the attribute out where nothing is meant')
  }
  // CKA_ID is bytes of any kind: the seed's own is 01 00.
  if (name !== 'id') {
    if (bytes.includes(0)) throw invalid(`attribute "${name}"${place} has a NUL byte`)
    if (!isUtf8(bytes)) throw invalid(`attribute "${name}"${place} is not UTF-8`)
  }
  return isSecretName(name) ? Secret.take(bytes) : bytes
}

function writeAttribute([name, value]: readonly [string, AttributeValue]): string {
  if (value instanceof Secret) return `${name}=[secret]`
  let text = ''
  for (const byte of value) {
    const character = String.fromCharCode(byte)
    // RFC 7512, section 2.3: every byte of an id should be percent-encoded.
    const asItIs = name !== 'id' && writtenRaw.test(character)
    text += asItIs ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return `${name}=${text}`
}

const separatorHint = 'attributes are name=value, divided by ";" before the "?" and by "&" after it'
const percentHint = 'write a space as %20, "%" as %25, ";" as %3B, "&" as %26, "?" as %3F, "\\" as %5C'

function invalid(message: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', message, { hint })
}
