// The Tink backend. In: `tink:file=PATH?kek=passphrase:`, or a keyset and the caller's own key-encryption key.
// Out: an HmacKey whose key is in the memory of this process, protection `memory`.
// Tink, proto/tink.proto (EncryptedKeyset, Keyset) and proto/hmac.proto.
// 1. The file is read and decrypted once, when the key is opened; nothing of it is kept but one KeyObject.
// 2. The passphrase is asked for once and tried once.

import type { HmacKey, KeyBackend } from '../../key/hmac-key.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { Secret } from '../../key/secret.ts'
import { softwareKey } from '../../key/software-key.ts'
import type { KeysetFile } from './keyset-file.ts'
import { callersKeyset, passphraseKeyset } from './keyset-uri.ts'
import { askedFor, infoOf, keyOf, readKeysetFile } from './open-keyset.ts'
import { decryptKeyset, deriveKek, type ScryptParameters } from './passphrase-kek.ts'
import { inFile, keysetInvalid } from './status.ts'

/**
 * Decrypts a keyset: Tink's AEAD decrypt. `associatedData` is empty. Resolves to the serialized keyset, which is taken
 * over and wiped. What it throws other than a HardkeyError becomes ERR_DEVICE_FAILED.
 */
export type KeyEncryptionKey = (ciphertext: Uint8Array, associatedData: Uint8Array) => Promise<Uint8Array>

export interface TinkOptions {
  /** The caller's own key-encryption key: the URI then has no `kek`, and the file is Tink's own JSON. */
  readonly kek?: KeyEncryptionKey | undefined
}

/**
 * Opens `tink:` keys. Without options the passphrase unlocks them: `tink:file=PATH?kek=passphrase:`.
 *
 * Its `open` throws ERR_URI_INVALID, ERR_KEY_NOT_FOUND, ERR_KEY_FILE_INVALID (malformed, not encrypted, or no
 * HMAC-SHA256 key with 32-byte tags and RAW prefix), ERR_PIN_REQUIRED, ERR_PIN_INCORRECT, ERR_BACKEND_UNSUPPORTED where
 * the memory that the file's scrypt needs cannot be had.
 *
 * @example
 * ```ts
 * import { openKey } from 'hardkey'
 * import { tinkBackend } from 'hardkey/backends/tink'
 * export async function open(decrypt: (ciphertext: Uint8Array) => Promise<Uint8Array>) {
 *   return openKey('tink:file=/etc/hardkey/prod.keyset.json', { backends: [tinkBackend({ kek: decrypt })] })
 * }
 * ```
 */
export function tinkBackend({ kek }: TinkOptions = {}): KeyBackend {
  return {
    scheme: 'tink',
    async open(uri, { pin, signal }) {
      return kek === undefined
        ? openWithPassphrase(passphraseKeyset(uri), pin, signal)
        : openWithCallersKek(callersKeyset(uri), kek)
    },
  }
}

async function openWithPassphrase(path: string, pin: PinSource, signal: AbortSignal | undefined): Promise<HmacKey> {
  const file = await readKeysetFile(path)
  const kdf = inFile(path, () => scryptOf(file))
  const passphrase = Secret.take(await pin({ kind: 'passphrase', target: askedFor(path), signal }))
  try {
    const kek = await deriveKek(passphrase, kdf)
    const decrypted = inFile(path, () => decryptKeyset(kek, file.encryptedKeyset, path))
    return openedKey(file, decrypted, path)
  } finally {
    passphrase.wipe()
  }
}

async function openWithCallersKek(path: string, kek: KeyEncryptionKey): Promise<HmacKey> {
  const file = await readKeysetFile(path)
  inFile(path, () => refusePassphrase(file))
  return openedKey(file, await kek(file.encryptedKeyset, new Uint8Array(0)), path)
}

function scryptOf(file: KeysetFile): ScryptParameters {
  if (file.kdf !== undefined) return file.kdf
  throw keysetInvalid('is not wrapped by a passphrase', 'name the key-encryption key that it needs')
}

function refusePassphrase(file: KeysetFile): void {
  if (file.kdf !== undefined) throw keysetInvalid('is wrapped by a passphrase', 'open it with kek=passphrase:')
}

/** Wipes `decrypted`. */
function openedKey(file: KeysetFile, decrypted: Uint8Array, path: string): HmacKey {
  const { info, key } = keyOf(file, decrypted, path)
  try {
    return softwareKey(key.toKeyObject(), infoOf(path, info, file.kdf))
  } finally {
    key.wipe()
  }
}
