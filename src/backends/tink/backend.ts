// The Tink backend. In: `tink:file=PATH?kek=KEK`, or a keyset and the caller's own key-encryption key.
// Out: an HmacKey whose key is in the memory of this process at each use, protection `memory`.
// Tink, proto/tink.proto (EncryptedKeyset, Keyset) and proto/hmac.proto.
// 1. The file is read once, when the key is opened, and decrypted at once, so that what is wrong is told then.
// 2. A passphrase is asked for once and tried once; nothing of the keyset is kept but one KeyObject.
// 3. Where a service or the caller decrypts, the key is wiped after a minute without use, and the keyset decrypted anew.

import type { HmacKey, KeyBackend } from '../../key/hmac-key.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { Secret } from '../../key/secret.ts'
import { softwareKey } from '../../key/software-key.ts'
import { timeLimit } from '../../key/time-limit.ts'
import type { AwsCredentials } from './aws-kms.ts'
import type { ServiceOptions } from './kek-service.ts'
import type { KeysetFile } from './keyset-file.ts'
import { callersKeyset, keysetAddress, type ServiceKeyset } from './keyset-uri.ts'
import { askedFor, infoOf, keyOf, readKeysetFile, type ToldKek } from './open-keyset.ts'
import { OpenedKeyset } from './opened-keyset.ts'
import { decryptKeyset, deriveKek, type ScryptParameters } from './passphrase-kek.ts'
import { inKeyset, keysetInvalid } from './status.ts'

export type { AwsCredentials }

/**
 * Decrypts a keyset: Tink's AEAD decrypt. `associatedData` is empty. Resolves to the serialized keyset, which is taken
 * over and wiped. What it throws other than a HardkeyError becomes ERR_DEVICE_FAILED. Asked again for a key that was idle.
 */
export type KeyEncryptionKey = (ciphertext: Uint8Array, associatedData: Uint8Array) => Promise<Uint8Array>

export interface TinkOptions extends ServiceOptions {
  /** The caller's own key-encryption key: the URI then has no `kek`, and the file is Tink's own. */
  readonly kek?: KeyEncryptionKey | undefined
  /** How long a key stays in memory after its last use, where it can be decrypted again. 60000 by default. */
  readonly idleMilliseconds?: number | undefined
}

/**
 * Opens `tink:` keys: `tink:file=PATH?kek=passphrase:`, and with `kek=aws-kms://…`, `gcp-kms://…` and `hcvault://…` keysets
 * that a service decrypts. Without options a passphrase or token comes from the URI's pin-source, and what AWS and Google
 * need from their own optional packages.
 *
 * Its `open` throws ERR_URI_INVALID, ERR_KEY_NOT_FOUND, ERR_KEY_FILE_INVALID (malformed, not encrypted, of another
 * key-encryption key, or no HMAC-SHA256 key with 32-byte tags and RAW prefix), ERR_PIN_REQUIRED, ERR_PIN_INCORRECT,
 * ERR_BACKEND_UNSUPPORTED where the memory that the file's scrypt needs cannot be had, ERR_BACKEND_NOT_INSTALLED; of a
 * service also ERR_POLICY_REFUSED, ERR_KEY_UNUSABLE, ERR_STS_REFUSED (AWS and its credentials), ERR_DEVICE_UNAVAILABLE,
 * ERR_DEVICE_FAILED, ERR_TIMEOUT. A key that was idle may throw these at its next use.
 *
 * @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days
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
export function tinkBackend(options: TinkOptions = {}): KeyBackend {
  if (options.timeoutMilliseconds !== undefined) timeLimit('timeoutMilliseconds', options.timeoutMilliseconds)
  return {
    scheme: 'tink',
    async open(uri, { pin, signal }) {
      if (options.kek !== undefined) return openWithCallersKek(callersKeyset(uri), options.kek, options)
      const address = keysetAddress(uri)
      return address.kek.kind === 'passphrase'
        ? openWithPassphrase(address.file, pin, signal)
        : openWithService({ ...address, kek: address.kek }, options, pin, signal)
    },
  }
}

async function openWithPassphrase(path: string, pin: PinSource, signal: AbortSignal | undefined): Promise<HmacKey> {
  const file = await readKeysetFile(path)
  const kdf = inKeyset(path, () => scryptOf(file))
  const passphrase = Secret.take(await pin({ kind: 'passphrase', target: askedFor(path), signal }))
  try {
    const kek = await deriveKek(passphrase, kdf)
    const { info, key } = keyOf(
      file,
      inKeyset(path, () => decryptKeyset(kek, file.encryptedKeyset, path)),
      path,
    )
    try {
      return softwareKey(key.toKeyObject(), infoOf(path, info, { kdf }))
    } finally {
      key.wipe()
    }
  } finally {
    passphrase.wipe()
  }
}

async function openWithCallersKek(path: string, kek: KeyEncryptionKey, options: TinkOptions): Promise<HmacKey> {
  const file = await readUnwrapped(path)
  const decrypt = () => kek(file.encryptedKeyset, new Uint8Array(0))
  return openAgainAndAgain({ path, file, decrypt, close: () => {}, told: {} }, options, undefined)
}

async function openWithService(
  address: ServiceKeyset,
  options: TinkOptions,
  pin: PinSource,
  signal: AbortSignal | undefined,
): Promise<HmacKey> {
  const file = await readUnwrapped(address.file)
  const { serviceKek } = await import('./kek-service.ts')
  const kek = await serviceKek(address, options, pin)
  const opening = {
    path: address.file,
    file,
    decrypt: (ended: AbortSignal | undefined) => kek.decrypt(file.encryptedKeyset, ended),
    close: () => kek.close(),
    told: { title: kek.title, uri: address.kekText },
  }
  try {
    return await openAgainAndAgain(opening, options, signal)
  } catch (error) {
    kek.close()
    throw error
  }
}

interface Opening {
  readonly path: string
  readonly file: KeysetFile
  readonly decrypt: (signal: AbortSignal | undefined) => Promise<Uint8Array>
  readonly close: () => void
  readonly told: ToldKek
}

async function openAgainAndAgain(
  { path, file, decrypt, close, told }: Opening,
  { idleMilliseconds = 60_000 }: TinkOptions,
  signal: AbortSignal | undefined,
): Promise<HmacKey> {
  const { info, key } = keyOf(file, await decrypt(signal), path)
  return new OpenedKeyset({
    info: infoOf(path, info, told),
    key,
    decrypt: async (ended) => keyOf(file, await decrypt(ended), path).key,
    close,
    idleMilliseconds,
  })
}

/** Tink's own form, which a passphrase does not open. */
async function readUnwrapped(path: string): Promise<KeysetFile> {
  const file = await readKeysetFile(path)
  return inKeyset(path, () => {
    if (file.kdf === undefined) return file
    throw keysetInvalid('is wrapped by a passphrase', 'open it with kek=passphrase:')
  })
}

function scryptOf(file: KeysetFile): ScryptParameters {
  if (file.kdf !== undefined) return file.kdf
  throw keysetInvalid('is not wrapped by a passphrase', 'name the key-encryption key that it needs')
}
