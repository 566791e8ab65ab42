// Checks a key into a keyset file. In: `tink:file=PATH?kek=passphrase:`, the key, a passphrase. Out: the file, mode 0600.
// 1. The file appears whole under its name or not at all, and no file is ever replaced.
// 2. It is read back from the disk and decrypted before it counts; what does not give the same key is removed.

import { type KeyObject, randomBytes } from 'node:crypto'
import { lstat, realpath, unlink } from 'node:fs/promises'
import { HardkeyError } from '../../errors.ts'
import { fileFailure, systemCode } from '../../files/file-failure.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import type { KeyImporter } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import { encodeKeyset } from './keyset.ts'
import { formatKeysetFile, type KeysetFile } from './keyset-file.ts'
import { passphraseKeyset } from './keyset-uri.ts'
import { askedFor, infoOf, keyOf, readKeysetFile } from './open-keyset.ts'
import {
  checkScrypt,
  decryptKeyset,
  deriveKek,
  encryptKeyset,
  nonceLength,
  saltLength,
  usualN,
} from './passphrase-kek.ts'
import { fileStatus, keyExists } from './status.ts'

export interface TinkImporterOptions {
  /** scrypt's N: a power of two, 2^14 to 2^20. 2^17 by default (128 MiB, about 0.4 s). */
  readonly N?: number | undefined
  /** Random bytes; node:crypto's by default. */
  readonly random?: ((size: number) => Uint8Array) | undefined
}

/**
 * Imports keys of 16 to 64 bytes, which is what Tink's readers take.
 *
 * Its `import` throws ERR_URI_INVALID, ERR_KEY_EXISTS, ERR_SECRET_INVALID, ERR_PIN_REQUIRED, and ERR_DEVICE_FAILED where
 * the file cannot be written; `remove` throws ERR_KEY_NOT_FOUND, and ERR_KEY_FILE_INVALID for a file that is no keyset.
 */
export function tinkImporter({ N = usualN, random = randomBytes }: TinkImporterOptions = {}): KeyImporter {
  return {
    scheme: 'tink',
    async import(uri, key, { pin, signal }) {
      const path = passphraseKeyset(uri)
      await refuseExisting(path)
      const { serialized, info } = encodeKeyset(key, keyIdFrom(random))
      try {
        const kdf = checkScrypt({ N, r: 8, p: 1, salt: random(saltLength) })
        const passphrase = Secret.take(await pin({ kind: 'passphrase', target: askedFor(path), signal }))
        const kek = await deriveKek(passphrase, kdf).finally(() => passphrase.wipe())
        signal?.throwIfAborted()
        const encryptedKeyset = encryptKeyset(kek, random(nonceLength), serialized)
        await write(path, { kdf, encryptedKeyset, keysetInfo: info })
        await checkBack(path, key, kek)
        return { uri: uri.withoutSecrets(), info: infoOf(path, info, kdf), remove: () => remove(path) }
      } finally {
        serialized.fill(0)
      }
    },
    remove: async (uri) => remove(passphraseKeyset(uri)),
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw fileFailure('read', path, 'ERR_DEVICE_FAILED', error)
  }
  throw keyExists(path)
}

/** A random uint32 that is not 0, as Tink's key ids are. */
function keyIdFrom(random: (size: number) => Uint8Array): number {
  return Buffer.from(random(4)).readUInt32BE() || 1
}

async function write(path: string, file: KeysetFile): Promise<void> {
  const text = new TextEncoder().encode(formatKeysetFile(file))
  try {
    await replaceAtomically(path, text, { mode: 0o600, overwrite: false, code: 'ERR_DEVICE_FAILED' })
  } catch (error) {
    throw fileStatus(path, error)
  }
}

/** Removes the file again when it does not give the key back. */
async function checkBack(path: string, key: Secret, kek: KeyObject): Promise<void> {
  try {
    const file = await readKeysetFile(path)
    const found = keyOf(file, decryptKeyset(kek, file.encryptedKeyset, path), path).key
    const isSame = found.equals(key)
    found.wipe()
    if (!isSame) throw new HardkeyError('ERR_DEVICE_FAILED', `the keyset "${path}" came back with another key`)
  } catch (error) {
    // What failed first is what to report.
    await Promise.allSettled([unlink(path)])
    throw error
  }
}

/** Removes a keyset and nothing else: a file that is none stays. */
async function remove(path: string): Promise<void> {
  await readKeysetFile(path)
  try {
    // What a symbolic link points to: the keyset itself must be gone.
    await unlink(await realpath(path))
  } catch (error) {
    throw fileStatus(path, fileFailure('write', path, 'ERR_DEVICE_FAILED', error))
  }
}
