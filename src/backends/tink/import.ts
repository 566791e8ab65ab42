// Checks a key into a keyset file. In: `tink:file=PATH?kek=KEK`, the key, what unlocks the key-encryption key. Out: the
// file, mode 0600: Tink's own JSON under a key in a service, our wrapper around it under a passphrase.
// 1. The file appears whole under its name or not at all, and no file is ever replaced.
// 2. It is read back from the disk and decrypted before it counts; what does not give the same key is removed.

import { type KeyObject, randomBytes } from 'node:crypto'
import { realpath, unlink } from 'node:fs/promises'
import { HardkeyError } from '../../errors.ts'
import { fileFailure } from '../../files/file-failure.ts'
import { refuseExisting } from '../../files/refuse-existing.ts'
import { replaceAtomically } from '../../files/replace-atomically.ts'
import type { DeviceContext, KeyImporter } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import { timeLimit } from '../../key/time-limit.ts'
import type { ServiceOptions } from './kek-service.ts'
import { encodeKeyset } from './keyset.ts'
import { formatKeysetFile } from './keyset-file.ts'
import { type KeysetAddress, keysetAddress, type ServiceKeyset } from './keyset-uri.ts'
import { askedFor, infoOf, keyOf, readKeysetFile, type ToldKek } from './open-keyset.ts'
import {
  checkScrypt,
  decryptKeyset,
  deriveKek,
  encryptKeyset,
  nonceLength,
  refuseShortPassphrase,
  type ScryptParameters,
  saltLength,
  usualN,
} from './passphrase-kek.ts'
import { fileStatus, keyExists } from './status.ts'

export interface TinkImporterOptions extends ServiceOptions {
  /** scrypt's N: a power of two, 2^14 to 2^20. 2^17 by default (128 MiB, about 0.4 s). */
  readonly N?: number | undefined
  /** Random bytes; node:crypto's by default. */
  readonly randomBytes?: ((size: number) => Uint8Array) | undefined
}

/** What encrypts the keyset, unlocked for one check-in. */
interface UnlockedKek {
  readonly kdf: ScryptParameters | undefined
  readonly told: ToldKek
  encrypt(serialized: Uint8Array): Promise<Uint8Array>
  decrypt(encrypted: Uint8Array): Promise<Uint8Array>
  close(): void
}

/**
 * Imports keys of 16 to 64 bytes, which is what Tink's readers take, under passphrases of 8 characters and more.
 *
 * Its `import` throws ERR_URI_INVALID, ERR_KEY_EXISTS, ERR_SECRET_INVALID, ERR_PIN_REQUIRED, what a service throws (as
 * `tinkBackend` says), and ERR_DEVICE_FAILED where the file cannot be written; `remove` throws ERR_KEY_NOT_FOUND, and
 * ERR_KEY_FILE_INVALID for a file that is no keyset.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
 */
export function tinkImporter(options: TinkImporterOptions = {}): KeyImporter {
  const random = options.randomBytes ?? randomBytes
  if (options.timeoutMilliseconds !== undefined) timeLimit('timeoutMilliseconds', options.timeoutMilliseconds)
  return {
    scheme: 'tink',
    async import(uri, key, context) {
      const address = keysetAddress(uri)
      const path = address.file
      await refuseExisting(path, 'ERR_DEVICE_FAILED', keyExists(path))
      const { serialized, info } = encodeKeyset(key, keyIdFrom(random))
      try {
        const kek = await unlocked(address, options, context)
        try {
          const encryptedKeyset = await kek.encrypt(serialized)
          context.signal?.throwIfAborted()
          await write(path, formatKeysetFile({ kdf: kek.kdf, encryptedKeyset, keysetInfo: info }))
          await checkBack(path, key, kek)
        } finally {
          kek.close()
        }
        return { uri: uri.withoutSecrets(), info: infoOf(path, info, kek.told), remove: () => remove(path) }
      } finally {
        serialized.fill(0)
      }
    },
    remove: async (uri) => remove(keysetAddress(uri).file),
  }
}

async function unlocked(
  address: KeysetAddress,
  options: TinkImporterOptions,
  context: DeviceContext,
): Promise<UnlockedKek> {
  const { kek } = address
  if (kek.kind === 'passphrase') return await passphraseKek(address.file, options, context)
  return await keyInService({ ...address, kek }, options, context)
}

async function passphraseKek(
  path: string,
  { N = usualN, randomBytes: random = randomBytes }: TinkImporterOptions,
  { pin, signal }: DeviceContext,
): Promise<UnlockedKek> {
  const kdf = checkScrypt({ N, r: 8, p: 1, salt: random(saltLength) })
  const passphrase = Secret.take(await pin({ kind: 'passphrase', target: askedFor(path), signal }))
  const kek = await derived(passphrase, kdf)
  signal?.throwIfAborted()
  return {
    kdf,
    told: { kdf },
    encrypt: async (serialized) => encryptKeyset(kek, random(nonceLength), serialized),
    decrypt: async (encrypted) => decryptKeyset(kek, encrypted, path),
    close: () => {},
  }
}

async function derived(passphrase: Secret, kdf: ScryptParameters): Promise<KeyObject> {
  try {
    refuseShortPassphrase(passphrase)
    return await deriveKek(passphrase, kdf)
  } finally {
    passphrase.wipe()
  }
}

async function keyInService(
  address: ServiceKeyset,
  options: TinkImporterOptions,
  { pin, signal }: DeviceContext,
): Promise<UnlockedKek> {
  const { serviceKek } = await import('./kek-service.ts')
  const kek = await serviceKek(address, options, pin)
  return {
    kdf: undefined,
    told: { title: kek.title, uri: address.kekText },
    encrypt: (serialized) => kek.encrypt(serialized, signal),
    decrypt: (encrypted) => kek.decrypt(encrypted, signal),
    close: () => kek.close(),
  }
}

/** A random uint32 that is not 0, as Tink's key ids are. */
function keyIdFrom(random: (size: number) => Uint8Array): number {
  return Buffer.from(random(4)).readUInt32BE() || 1
}

async function write(path: string, text: string): Promise<void> {
  try {
    await replaceAtomically(path, new TextEncoder().encode(text), {
      mode: 0o600,
      overwrite: false,
      code: 'ERR_DEVICE_FAILED',
    })
  } catch (error) {
    throw fileStatus(path, error)
  }
}

/** Removes the file again when it does not give the key back. */
async function checkBack(path: string, key: Secret, kek: UnlockedKek): Promise<void> {
  try {
    const file = await readKeysetFile(path)
    const found = keyOf(file, await kek.decrypt(file.encryptedKeyset), path).key
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
