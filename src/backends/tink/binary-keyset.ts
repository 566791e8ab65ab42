// An encrypted keyset in binary: google.crypto.tink.EncryptedKeyset (proto/tink.proto) as Tink's BinaryKeysetWriter writes it.
// In: the bytes of a file. Out: the encrypted keyset and its public part. Unknown fields are passed over, as the format says.

import { describe, type KeyDescription, type KeysetInfo } from './keyset.ts'
import { bytesOf, uint32Of, type WireBytes, wireFields } from './protobuf.ts'
import { keysetInvalid, notEncrypted } from './status.ts'

/** What the file says. */
export interface BinaryKeyset {
  readonly encryptedKeyset: Uint8Array
  /** Tink's writers may leave it out. */
  readonly keysetInfo: KeysetInfo | undefined
}

/** Tags: encrypted_keyset = 2 and keyset_info = 3, of bytes each; primary_key_id = 1 of a Keyset that is not encrypted. */
const [encryptedTag, infoTag, clearTag] = [0x12, 0x1a, 0x08]

/** None of these bytes begins a JSON text. */
export function isBinaryKeyset([first]: Uint8Array): boolean {
  return first === encryptedTag || first === infoTag || first === clearTag
}

/** @throws ERR_KEY_FILE_INVALID; for a keyset that is not encrypted, what that means */
export function readBinaryKeyset(bytes: Uint8Array): BinaryKeyset {
  if (bytes[0] === clearTag) throw notEncrypted()
  let encryptedKeyset = new Uint8Array(0)
  let keysetInfo: KeysetInfo | undefined
  for (const field of wireFields(bytes)) {
    if (field.number === 2) encryptedKeyset = new Uint8Array(bytesOf(field).bytes)
    else if (field.number === 3) keysetInfo = readInfo(bytesOf(field))
  }
  if (encryptedKeyset.length === 0) throw keysetInvalid('has an empty encryptedKeyset')
  return { encryptedKeyset, keysetInfo }
}

/** KeysetInfo: primary_key_id = 1, repeated key_info = 2. */
function readInfo(message: WireBytes): KeysetInfo {
  let primaryKeyId = 0
  const keyInfo: KeyDescription[] = []
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) primaryKeyId = uint32Of(field)
    else if (field.number === 2) keyInfo.push(readDescription(bytesOf(field)))
  }
  return { primaryKeyId, keyInfo }
}

/** KeysetInfo.KeyInfo: type_url = 1, status = 2, key_id = 3, output_prefix_type = 4. */
function readDescription(message: WireBytes): KeyDescription {
  const key = { typeUrl: '', status: 0, keyId: 0, prefix: 0 }
  for (const field of wireFields(message.bytes, message.offset)) {
    if (field.number === 1) key.typeUrl = Buffer.from(bytesOf(field).bytes).toString()
    else if (field.number === 2) key.status = uint32Of(field)
    else if (field.number === 3) key.keyId = uint32Of(field)
    else if (field.number === 4) key.prefix = uint32Of(field)
  }
  return describe(key)
}
