// What is known of a key before the TPM is asked. In: the place that the URI names. Out: the content of its key file, read
// as any maker writes it, or nothing for a persistent handle.
// Formats: TSS2 PRIVATE KEY, TPM2B_PUBLIC and TPM2B_PRIVATE side by side, tpmcopy's duplication file. What others could
// change is refused: whoever writes a key file could have the signature of another key.

import { HardkeyError } from '../../errors.ts'
import { inFile, isMissingFile } from '../../files/file-failure.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import { isDuplicationFile, parseDuplicationFile } from './documents/duplication-file.ts'
import { type KeyFile, parseKeyFile } from './documents/key-file.ts'
import { readKeyPair } from './documents/key-pair.ts'
import type { ParentKind } from './documents/parents.ts'
import type { KeyPlace } from './key-uri.ts'

/** A key that lies in a file. */
export interface KeyMaterial extends KeyFile {
  /** The parent that the file names by its kind, as a duplication file does. */
  readonly parentKind?: ParentKind | undefined
}

/** No key file has more: an RSA duplication file has about 4 KiB. */
const longestFile = 65536

/**
 * The content of the key's files; undefined for a persistent handle.
 *
 * @throws ERR_KEY_NOT_FOUND where a file is missing, ERR_KEY_FILE_INVALID where it is no key, or others can change it
 */
export async function readKeyMaterial(place: KeyPlace): Promise<KeyMaterial | undefined> {
  switch (place.kind) {
    case 'handle':
      return undefined
    case 'file': {
      const bytes = await read(place.path)
      return inFile(place.path, 'ERR_KEY_FILE_INVALID', () => parseFile(bytes))
    }
    case 'pair': {
      const [publicBytes, privateBytes] = await Promise.all([read(place.publicPath), read(place.privatePath)])
      return inFile(place.publicPath, 'ERR_KEY_FILE_INVALID', () => readKeyPair(publicBytes, privateBytes))
    }
  }
}

function parseFile(bytes: Uint8Array): KeyMaterial {
  return isDuplicationFile(bytes) ? parseDuplicationFile(bytes) : parseKeyFile(bytes)
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readOwnFile(path, { maxBytes: longestFile, code: 'ERR_KEY_FILE_INVALID' })
  } catch (error) {
    if (!isMissingFile(error)) throw error
    throw new HardkeyError('ERR_KEY_NOT_FOUND', `there is no key file "${path}"`, {
      hint: 'check the path in the key URI; a relative one in a record starts at the folder of the record',
      serviceCode: 'ENOENT',
    })
  }
}
