// A keyset opened. In: its path, and what decrypts it. Out: the key and what is known of it.
// Every copy of the decrypted keyset is wiped before this returns; what stays is the one key that it gives.

import { readOwnFile } from '../../files/read-own-file.ts'
import { inMemoryWarning, type KeyInfo } from '../../key/hmac-key.ts'
import { type DecodedKeyset, decodeKeyset, type KeysetInfo } from './keyset.ts'
import { type KeysetFile, longestFile, parseKeysetFile } from './keyset-file.ts'
import { type ScryptParameters, usualN } from './passphrase-kek.ts'
import { fileStatus, inKeyset, keysetInvalid } from './status.ts'

/** @throws ERR_KEY_NOT_FOUND, ERR_KEY_FILE_INVALID */
export async function readKeysetFile(path: string): Promise<KeysetFile> {
  let bytes: Uint8Array
  try {
    bytes = await readOwnFile(path, { maxBytes: longestFile, code: 'ERR_KEY_FILE_INVALID' })
  } catch (error) {
    throw fileStatus(path, error)
  }
  return inKeyset(path, () => parseKeysetFile(bytes))
}

/**
 * The key of a decrypted keyset, checked against what the file says in clear. Wipes `decrypted`; the caller wipes the key.
 *
 * @throws ERR_KEY_FILE_INVALID
 */
export function keyOf(file: KeysetFile, decrypted: Uint8Array, path: string): DecodedKeyset {
  try {
    return inKeyset(path, () => {
      const decoded = decodeKeyset(decrypted)
      if (file.keysetInfo === undefined || sameInfo(file.keysetInfo, decoded.info)) return decoded
      decoded.key.wipe()
      throw keysetInvalid('has a keysetInfo that is not that of the decrypted keyset')
    })
  } finally {
    decrypted.fill(0)
  }
}

/** What encrypts a keyset, for `infoOf`: a passphrase, a key in a service, or a callback of the caller's. */
export interface ToldKek {
  readonly kdf?: ScryptParameters | undefined
  /** In words: `AWS KMS key arn:…`. */
  readonly title?: string | undefined
  /** As the key URI has it. */
  readonly uri?: string | undefined
}

/** What a person is told of an opened keyset. */
export function infoOf(path: string, info: KeysetInfo, told: ToldKek): KeyInfo {
  // Its own members only, so that a polluted prototype adds nothing.
  const { kdf, title, uri }: ToldKek = Object.assign(Object.create(null), told)
  const warnings = [inMemoryWarning]
  if (kdf !== undefined && kdf.N < usualN) {
    warnings.push(`the passphrase is stretched with N=${kdf.N}; import the key again for N=${usualN}`)
  }
  return {
    scheme: 'tink',
    protection: 'memory',
    device: title === undefined ? `keyset "${path}"` : `keyset "${path}" under the ${title}`,
    attributes: {
      primaryKeyId: info.primaryKeyId,
      hash: 'SHA256',
      tagSize: 32,
      outputPrefixType: 'RAW',
      ...(uri === undefined ? {} : { kek: uri }),
      ...(kdf === undefined ? {} : { kdf: 'scrypt', N: kdf.N, r: kdf.r, p: kdf.p }),
    },
    warnings,
  }
}

/** What is asked for, in the words of a question. */
export function askedFor(path: string): string {
  return `keyset "${path}"`
}

/** Member by member; both were built with their members in one order. */
function sameInfo(one: KeysetInfo, other: KeysetInfo): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
