// A key wrapped elsewhere for one TPM. In: the bytes of a file. Out: for which parent, and the importable key that
// TPM2_Import takes; and text again. The file is the proto3 JSON of message Secret of github.com/salrashid123/tpmcopy
// (duplicatepb/wrap.proto), which leaves out members that are 0; within it stands an importable TSS2 PRIVATE KEY.
// The wrapping is TPM 2.0 Library, Part 1, section "Duplication": outer wrapper only.

import type { HardkeyError } from '../../../errors.ts'
import { formatKeyFile, type KeyFile, type KeyFileContent, parseKeyFile } from './key-file.ts'
import { keyFileInvalid } from './malformed.ts'
import type { ParentKind } from './parents.ts'
import { longestKeyFile } from './pem.ts'

/** What stands in a duplication file beside the key, which is importable. */
export interface Delivery {
  /** What the sender calls the key; may be empty. */
  readonly name: string
  /** The kind of the parent that it is wrapped for. */
  readonly parentKind: ParentKind
  /** The Name of that parent: nameAlg and digest. */
  readonly parentName: Uint8Array
}

export interface DuplicationFile extends KeyFile, Delivery {}

const what = 'the duplication file'
const version = 1
/** enum KeyType, by number. */
const keyTypes: readonly string[] = ['ECC', 'RSA', 'HMAC', 'AES', 'KEYEDHASH']
/** enum ParentKeyType, by number, with the spelling of its maker. */
const parentTypes: readonly (readonly [string, ParentKind])[] = [
  ['EndoresementECC', 'ecc-ek'],
  ['EndorsementRSA', 'rsa-ek'],
  ['H2', 'h2'],
  ['ECCSRK', 'ecc-srk'],
  ['RSASRK', 'rsa-srk'],
]
const members: readonly string[] = ['name', 'version', 'type', 'parentKeyType', 'pcrs', 'key', 'parentName']

/** True for a file that begins like JSON, and so not like a PEM. */
export function isDuplicationFile(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1'))
}

/** @throws ERR_KEY_FILE_INVALID, naming the member */
export function parseDuplicationFile(bytes: Uint8Array): DuplicationFile {
  if (bytes.length > longestKeyFile) throw keyFileInvalid(what, `has more than ${longestKeyFile} bytes`)
  const file = objectIn(bytes)
  if (enumNumber(file, 'version') !== version) throw keyFileInvalid(what, `is of a version that is not ${version}`)
  const keyType = enumNumber(file, 'type', keyTypes)
  if (keyTypes[keyType] !== 'HMAC') {
    throw keyFileInvalid(what, `holds a key of type ${keyTypes[keyType] ?? keyType}, no HMAC key`)
  }
  const parentKind =
    parentTypes[
      enumNumber(
        file,
        'parentKeyType',
        parentTypes.map(([name]) => name),
      )
    ]?.[1]
  if (parentKind === undefined) throw wrong('parentKeyType', 'a parent that hardkey knows')
  const key = parseKeyFile(Buffer.from(text(file, 'key')), 'the key in the duplication file')
  if (key.form !== 'importable') throw keyFileInvalid(what, 'holds a key that is loadable and not wrapped for a parent')
  return { ...key, name: text(file, 'name'), parentKind, parentName: nameMember(file) }
}

/** The text of a file, as protojson writes it. @throws RangeError for a key that is not importable */
export function formatDuplicationFile(key: KeyFileContent & Delivery): string {
  if (key.form !== 'importable') throw new RangeError('only an importable key stands in a duplication file')
  const parentNumber = parentTypes.findIndex(([, kind]) => kind === key.parentKind)
  return `${JSON.stringify({
    ...(key.name === '' ? {} : { name: key.name }),
    version,
    type: 'HMAC',
    // The number 0 is left out.
    ...(parentNumber === 0 ? {} : { parentKeyType: parentTypes[parentNumber]?.[0] }),
    key: formatKeyFile(key),
    parentName: Buffer.from(key.parentName).toString('hex'),
  })}\n`
}

type JsonObject = Readonly<Record<string, unknown>>

function objectIn(bytes: Uint8Array): JsonObject {
  const json = decoded(bytes)
  const value = parsedJson(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw keyFileInvalid(what, 'is no JSON object')
  const names = Object.keys(value)
  refuseOtherJson(names)
  if (names.some((name) => !members.includes(name))) {
    throw keyFileInvalid(what, `has a member that is none of ${members.join(', ')}`)
  }
  const { pcrs = [] } = Object(value)
  // Its maker never fills it; a policy stands in the key.
  if (!Array.isArray(pcrs) || pcrs.length > 0) throw wrong('pcrs', 'an empty list')
  // JSON.parse keeps the last of two members of one name. In JSON, a string before a colon is a member's name.
  const written = [...json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined)
  if (written.length !== names.length) throw keyFileInvalid(what, 'has a member twice')
  return Object(value)
}

/** TCG TSS 2.0 JSON Data Types and Policy Language Specification; the key store of tpm2-tss's FAPI. */
function refuseOtherJson(names: readonly string[]): void {
  const isPolicy = names.includes('policy') || names.includes('policyDigests')
  if (!isPolicy && !names.includes('objectType')) return
  const kind = isPolicy ? 'a policy in JSON' : 'an object of the Feature API (tss2_ commands)'
  throw keyFileInvalid('the key file', `is ${kind}, which hardkey does not read`, otherJsonHint)
}

const otherJsonHint =
  'name a TSS2 PRIVATE KEY file; the steps of a policy stand in it, in pcrs= and pin-source=, or are run by tpm2Backend({ policy })'

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // The decoder says no more than that.
    throw keyFileInvalid(what, 'is not UTF-8 text')
  }
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The parser's message shows a piece of the text.
    throw keyFileInvalid(what, 'is not JSON', 'it is what tpmcopy --mode=duplicate writes')
  }
}

/** proto3 JSON: a member that is absent or null is 0; an enum is its name or its number, an integer may be text. */
function enumNumber(file: JsonObject, member: string, names: readonly string[] = []): number {
  const value = Object.hasOwn(file, member) ? file[member] : null
  if (value === null) return 0
  const number = typeof value === 'string' ? namedNumber(value, names) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number
  throw wrong(member, names.length === 0 ? 'a whole number' : `one of ${names.join(', ')}`)
}

function namedNumber(text: string, names: readonly string[]): number {
  if (names.length > 0) return names.indexOf(text)
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : -1
}

function text(file: JsonObject, member: string): string {
  const value = Object.hasOwn(file, member) ? file[member] : ''
  if (value === null) return ''
  if (typeof value !== 'string') throw wrong(member, 'text')
  return value
}

/** SHA-512 behind the two bytes of its number. */
const longestName = 66

function nameMember(file: JsonObject): Uint8Array {
  const hex = text(file, 'parentName')
  const isName = /^([0-9a-fA-F]{2})+$/.test(hex) && hex.length > 4 && hex.length <= longestName * 2
  if (!isName) throw wrong('parentName', 'a Name in hex digits')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function wrong(member: string, kind: string): HardkeyError {
  return keyFileInvalid(what, `is malformed: ${member} is not ${kind}`)
}
