// A decrypted Tink keyset. In: the serialized google.crypto.tink.Keyset. Out: its primary HMAC key, and what the
// keysetInfo of the file must say; and the serialized keyset of a key.
// Tink, proto/tink.proto and proto/hmac.proto. Only HMAC-SHA256 with a tag of 32 bytes and no prefix gives a kDate: a
// TINK prefix or a shorter tag would give other bytes without an error, so anything else is refused.

import { HardkeyError } from '../../errors.ts'
import { Secret } from '../../key/secret.ts'
import { bytesOf, joinBytes, uint32Of, type WireBytes, wireFields, writeBytes, writeUint32 } from './protobuf.ts'
import { keysetInvalid } from './status.ts'

/** The public part of a keyset: google.crypto.tink.KeysetInfo, in the names of its JSON. */
export interface KeysetInfo {
  readonly primaryKeyId: number
  readonly keyInfo: readonly KeyDescription[]
}

export interface KeyDescription {
  readonly typeUrl: string
  readonly status: string
  readonly keyId: number
  readonly outputPrefixType: string
}

export interface DecodedKeyset {
  readonly info: KeysetInfo
  /** 16 to 64 bytes; the caller wipes it. */
  readonly key: Secret
}

export const hmacTypeUrl = 'type.googleapis.com/google.crypto.tink.HmacKey'
/** Tink's readers take no HMAC key under 16 bytes (HmacKeyManager); 64 is what any device of ours takes. */
export const shortestKey = 16
export const longestKey = 64

/** tink.proto, KeyStatusType. */
const enabled = 1
const statusNames: Readonly<Record<number, string>> = { [enabled]: 'ENABLED', 2: 'DISABLED', 3: 'DESTROYED' }
/** tink.proto, OutputPrefixType. */
const raw = 3
const prefixNames: Readonly<Record<number, string>> = { 1: 'TINK', 2: 'LEGACY', [raw]: 'RAW', 4: 'CRUNCHY' }
/** tink.proto, KeyData.KeyMaterialType. */
const symmetric = 1
/** common.proto, HashType. */
const sha256 = 3
const tagSize = 32

/**
 * Reads and checks a keyset. The bytes stay the caller's.
 *
 * @throws ERR_KEY_FILE_INVALID for malformed bytes and for a keyset of another kind
 */
export function decodeKeyset(bytes: Uint8Array): DecodedKeyset {
  const keyset = readKeyset(bytes)
  const ids = keyset.keys.map(({ keyId }) => keyId)
  if (new Set(ids).size < ids.length) throw keysetInvalid('has two keys with one id')
  const primary = keyset.keys.find(({ keyId }) => keyId === keyset.primaryKeyId)
  if (primary === undefined) throw keysetInvalid('has no primary key')
  const info = { primaryKeyId: keyset.primaryKeyId, keyInfo: keyset.keys.map(describe) }
  return { info, key: hmacKeyOf(primary) }
}

/** The serialized keyset of one HMAC-SHA256 key. The caller wipes it. @throws ERR_SECRET_INVALID for its length */
export function encodeKeyset(key: Secret, keyId: number): { serialized: Uint8Array; info: KeysetInfo } {
  if (key.length < shortestKey || key.length > longestKey) {
    throw new HardkeyError(
      'ERR_SECRET_INVALID',
      `a Tink keyset holds ${shortestKey} to ${longestKey} bytes, not ${key.length}`,
      { hint: 'use another device for this key' },
    )
  }
  const parameters = joinBytes(writeUint32(1, sha256), writeUint32(2, tagSize))
  const value = key.lend((bytes) => writeBytes(3, bytes))
  const hmacKey = joinBytes(writeBytes(2, parameters), value)
  const hmacField = writeBytes(2, hmacKey)
  const keyData = joinBytes(writeBytes(1, new TextEncoder().encode(hmacTypeUrl)), hmacField, writeUint32(3, symmetric))
  const dataField = writeBytes(1, keyData)
  const entry = joinBytes(dataField, writeUint32(2, enabled), writeUint32(3, keyId), writeUint32(4, raw))
  const entryField = writeBytes(2, entry)
  const serialized = joinBytes(writeUint32(1, keyId), entryField)
  for (const copy of [value, hmacKey, hmacField, keyData, dataField, entry, entryField]) copy.fill(0)
  const only = { typeUrl: hmacTypeUrl, status: 'ENABLED', keyId, outputPrefixType: 'RAW' }
  return { serialized, info: { primaryKeyId: keyId, keyInfo: [only] } }
}

interface KeysetKey {
  typeUrl: string
  value: WireBytes | undefined
  material: number
  status: number
  keyId: number
  prefix: number
}

/** Keyset: primary_key_id = 1, repeated key = 2. */
function readKeyset(bytes: Uint8Array): { primaryKeyId: number; keys: KeysetKey[] } {
  const keyset = { primaryKeyId: 0, keys: [] as KeysetKey[] }
  for (const field of wireFields(bytes)) {
    if (field.number === 1) keyset.primaryKeyId = uint32Of(field)
    else if (field.number === 2) keyset.keys.push(readKey(bytesOf(field)))
  }
  return keyset
}

/** Keyset.Key: key_data = 1, status = 2, key_id = 3, output_prefix_type = 4. A message that stands twice is merged. */
function readKey(message: WireBytes): KeysetKey {
  const key: KeysetKey = { typeUrl: '', value: undefined, material: 0, status: 0, keyId: 0, prefix: 0 }
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) readKeyData(bytesOf(field), key)
    else if (field.number === 2) key.status = uint32Of(field)
    else if (field.number === 3) key.keyId = uint32Of(field)
    else if (field.number === 4) key.prefix = uint32Of(field)
  }
  return key
}

/** KeyData: type_url = 1, value = 2, key_material_type = 3. */
function readKeyData(message: WireBytes, key: KeysetKey): void {
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) key.typeUrl = Buffer.from(bytesOf(field).bytes).toString()
    else if (field.number === 2) key.value = bytesOf(field)
    else if (field.number === 3) key.material = uint32Of(field)
  }
}

/** The public part of a key, with the names of its numbers. @throws ERR_KEY_FILE_INVALID for a number without a name */
export function describe(key: Pick<KeysetKey, 'typeUrl' | 'status' | 'keyId' | 'prefix'>): KeyDescription {
  const status = statusNames[key.status]
  const outputPrefixType = prefixNames[key.prefix]
  if (status === undefined) throw keysetInvalid(`has a key of unknown status ${key.status}`)
  if (outputPrefixType === undefined) throw keysetInvalid(`has a key of unknown output prefix type ${key.prefix}`)
  return { typeUrl: key.typeUrl, status, keyId: key.keyId, outputPrefixType }
}

function hmacKeyOf(key: KeysetKey): Secret {
  const { typeUrl, status, outputPrefixType } = describe(key)
  if (typeUrl !== hmacTypeUrl) throw keysetInvalid('has a primary key that is no HMAC key')
  if (status !== 'ENABLED') throw keysetInvalid(`has a primary key that is ${status}`)
  if (outputPrefixType !== 'RAW') throw keysetInvalid(`has output prefix ${outputPrefixType}, which must be RAW`)
  if (key.material !== symmetric) throw keysetInvalid('has a primary key whose material is not SYMMETRIC')
  const hmac = readHmacKey(key.value)
  if (hmac.version !== 0) throw keysetInvalid(`has an HMAC key of unknown version ${hmac.version}`)
  if (hmac.hash !== sha256) throw keysetInvalid('has an HMAC key whose hash is not SHA256')
  if (hmac.tagSize !== tagSize) throw keysetInvalid(`has an HMAC key with tags of ${hmac.tagSize} bytes, not 32`)
  const { length } = hmac.bytes
  if (length < shortestKey || length > longestKey) {
    throw keysetInvalid(`has an HMAC key of ${length} bytes, not ${shortestKey} to ${longestKey}`)
  }
  return Secret.join(hmac.bytes)
}

interface HmacFields {
  version: number
  hash: number
  tagSize: number
  bytes: Uint8Array
}

/** HmacKey: version = 1, params = 2, key_value = 3. */
function readHmacKey(message: WireBytes | undefined): HmacFields {
  const hmac: HmacFields = { version: 0, hash: 0, tagSize: 0, bytes: new Uint8Array(0) }
  if (message === undefined) return hmac
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) hmac.version = uint32Of(field)
    else if (field.number === 2) readHmacParameters(bytesOf(field), hmac)
    else if (field.number === 3) hmac.bytes = bytesOf(field).bytes
  }
  return hmac
}

/** HmacParams: hash = 1, tag_size = 2. */
function readHmacParameters(message: WireBytes, hmac: HmacFields): void {
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) hmac.hash = uint32Of(field)
    else if (field.number === 2) hmac.tagSize = uint32Of(field)
  }
}
