// The file of a keyset. In: its bytes. Out: how the key-encryption key is derived, the encrypted keyset and its public
// part; and text again. Three forms: Tink's own EncryptedKeyset (proto/tink.proto) in JSON or in binary, whose
// key-encryption key comes from elsewhere, and our wrapper { version, kdf, keyset } around its JSON, since Tink's readers
// refuse an unknown member.
// JSON is read strictly: no unknown, missing or repeated member, numbers in range, base64 in its one canonical form.

import type { HardkeyError } from '../../errors.ts'
import { isBinaryKeyset, readBinaryKeyset } from './binary-keyset.ts'
import type { KeyDescription, KeysetInfo } from './keyset.ts'
import { checkScrypt, type ScryptParameters } from './passphrase-kek.ts'
import { keysetInvalid, notEncrypted } from './status.ts'

export interface KeysetFile {
  /** Undefined in Tink's own form. */
  readonly kdf: ScryptParameters | undefined
  readonly encryptedKeyset: Uint8Array
  /** Tink's writers may leave it out. */
  readonly keysetInfo: KeysetInfo | undefined
}

/** No keyset of ours comes near it; it bounds what is read and parsed. */
export const longestFile = 65_536
const wrapperVersion = 1
const largestUint32 = 0xffff_ffff

/** @throws ERR_KEY_FILE_INVALID, naming the member; for a keyset that is not encrypted, what that means */
export function parseKeysetFile(bytes: Uint8Array): KeysetFile {
  if (isBinaryKeyset(bytes)) return { kdf: undefined, ...readBinaryKeyset(bytes) }
  const text = utf8(bytes)
  const value = json(text)
  const file =
    isObject(value) && Object.hasOwn(value, 'kdf') ? readWrapper(value) : { kdf: undefined, ...readEncrypted(value) }
  if (membersIn(value) !== membersWritten(text)) throw keysetInvalid('has a member twice')
  return file
}

/**
 * The text of a file. Tink's own form as its Go library writes it, indented by tabs and without a line ending; our wrapper
 * indented by two spaces, with one.
 */
export function formatKeysetFile(file: KeysetFile): string {
  const keyset = { encryptedKeyset: base64Of(file.encryptedKeyset), keysetInfo: file.keysetInfo }
  if (file.kdf === undefined) return JSON.stringify(keyset, null, '\t')
  const { N, r, p, salt } = file.kdf
  const kdf = { name: 'scrypt', N, r, p, salt: base64Of(salt) }
  return `${JSON.stringify({ version: wrapperVersion, kdf, keyset }, null, 2)}\n`
}

type JsonObject = Readonly<Record<string, unknown>>

function readWrapper(value: JsonObject): KeysetFile {
  const { version, kdf, keyset } = members(value, 'the file', ['version', 'kdf', 'keyset'])
  if (version !== wrapperVersion) throw keysetInvalid(`is of a version that is not ${wrapperVersion}`)
  return { kdf: readKdf(kdf), ...readEncrypted(keyset) }
}

function readKdf(value: unknown): ScryptParameters {
  const { name, N, r, p, salt } = members(value, 'kdf', ['name', 'N', 'r', 'p', 'salt'])
  if (name !== 'scrypt') throw keysetInvalid('has a kdf.name that is not "scrypt"')
  return checkScrypt({
    N: uint32(N, 'kdf.N'),
    r: uint32(r, 'kdf.r'),
    p: uint32(p, 'kdf.p'),
    salt: base64(salt, 'kdf.salt'),
  })
}

/** google.crypto.tink.EncryptedKeyset */
function readEncrypted(value: unknown): Omit<KeysetFile, 'kdf'> {
  if (isObject(value) && Object.hasOwn(value, 'key')) {
    throw notEncrypted()
  }
  const { encryptedKeyset, keysetInfo } = members(value, 'the keyset', ['encryptedKeyset'], ['keysetInfo'])
  const bytes = base64(encryptedKeyset, 'encryptedKeyset')
  if (bytes.length === 0) throw keysetInvalid('has an empty encryptedKeyset')
  return { encryptedKeyset: bytes, keysetInfo: keysetInfo === undefined ? undefined : readInfo(keysetInfo) }
}

/** google.crypto.tink.KeysetInfo */
function readInfo(value: unknown): KeysetInfo {
  const { primaryKeyId, keyInfo } = members(value, 'keysetInfo', ['primaryKeyId', 'keyInfo'])
  if (!Array.isArray(keyInfo)) throw wrongKind('keyInfo', 'a list')
  return { primaryKeyId: uint32(primaryKeyId, 'primaryKeyId'), keyInfo: keyInfo.map(readDescription) }
}

function readDescription(value: unknown): KeyDescription {
  const found = members(value, 'keyInfo', ['typeUrl', 'status', 'keyId', 'outputPrefixType'])
  return {
    typeUrl: string(found.typeUrl, 'typeUrl'),
    status: string(found.status, 'status'),
    keyId: uint32(found.keyId, 'keyId'),
    outputPrefixType: string(found.outputPrefixType, 'outputPrefixType'),
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // The decoder says no more than that.
    throw keysetInvalid('is not UTF-8 text')
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message shows a piece of the text, which may be a keyset that is not encrypted.
    throw keysetInvalid('is not JSON')
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function members(
  value: unknown,
  where: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  if (!isObject(value)) throw keysetInvalid(`is malformed: ${where} is not a JSON object`)
  const missing = required.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) throw keysetInvalid(`is malformed: ${where} has no "${missing}"`)
  const known = [...required, ...optional]
  if (Object.keys(value).some((name) => !known.includes(name))) {
    throw keysetInvalid(`is malformed: ${where} has a member that is none of ${known.join(', ')}`)
  }
  return value
}

function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrongKind(where, 'text')
  return value
}

function uint32(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > largestUint32) {
    throw wrongKind(where, `a whole number from 0 to ${largestUint32}`)
  }
  return value
}

function base64(value: unknown, where: string): Uint8Array {
  const text = string(value, where)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw wrongKind(where, 'base64 with padding (A-Z a-z 0-9 + / =)')
  return new Uint8Array(bytes)
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function wrongKind(where: string, kind: string): HardkeyError {
  return keysetInvalid(`is malformed: ${where} is not ${kind}`)
}

/** JSON.parse keeps the last of two members of one name, so fewer are in the value than in the text. */
function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce<number>((sum, inner) => sum + membersIn(inner), own)
}

/** In JSON, a string before a colon is a member's name. */
function membersWritten(text: string): number {
  return [...text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length
}
