// The contract between hardkey and a device: what every backend gives and what the rest may count on.
// A device computes one thing, HMAC-SHA256 over a few bytes (RFC 2104, FIPS 198-1). Everything after that is sigv4/.

import type { PinSource } from './pin-source.ts'
import type { Secret } from './secret.ts'
import type { KeyUri } from './uri.ts'

/** How far the secret stays in: in hardware, in a service elsewhere, or in the memory of a process on this machine. */
export type Protection = 'hardware' | 'service' | 'memory'

/** Among the warnings of a key whose process holds the secret itself. */
export const inMemoryWarning: string =
  'the secret is in the memory of every process that uses this key; a hardware device keeps it out'

/** What is known of an opened key. Holds no secret and may be printed. */
export interface KeyInfo {
  readonly scheme: string
  readonly protection: Protection
  /** The device in words, for a person: `token "prod" (serial 4711, SoftHSM v2)`. */
  readonly device: string
  /** What the device itself says of the key, by the specification's own names: `CKA_EXTRACTABLE: false`. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** What is weaker than it should be, each a sentence with its remedy. Empty when nothing is. */
  readonly warnings: readonly string[]
  /** Attributes for the query of the key URI that make it name this very key, where it left something open. */
  readonly exactly?: Readonly<Record<string, string>> | undefined
}

export interface HmacOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * An opened key. `openKey` wraps what a backend returns, so that for every device alike: data has 1 to 64 bytes and
 * the answer 32, an abort throws the signal's reason, use after `close()` is ERR_KEY_CLOSED, and a failure that the
 * backend did not foresee is ERR_DEVICE_FAILED.
 *
 * Who must not need it: code that signs requests takes a DateKeySource or a SigV4Signer.
 */
export interface HmacKey extends AsyncDisposable {
  readonly info: KeyInfo
  /**
   * HMAC-SHA256 of `data` (1 to 64 bytes) under the key, 32 bytes in a new buffer that the caller owns and wipes.
   * Calls may overlap; the backend puts them in order. Each call is one use of the device: nothing is remembered here.
   *
   * @throws ERR_KEY_CLOSED, ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_FAILED, ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS,
   * ERR_KEY_UNUSABLE, ERR_POLICY_REFUSED, ERR_TIMEOUT, and ERR_PIN_* where the device asks again after a lost login
   */
  hmac(data: Uint8Array, options?: HmacOptions): Promise<Uint8Array>
  /** Gives the device back. Calls under way end first or fail with ERR_KEY_CLOSED. May be called again; never throws. */
  close(): Promise<void>
}

/** What a backend may use while it opens or imports. The network, clock and files are its own business. */
export interface DeviceContext {
  /** Asks for what unlocks the device. A backend asks at most once for an opening, and tries the answer once. */
  readonly pin: PinSource
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens keys of one scheme. Stateless: each opened key owns its connection, process or buffers.
 * It must NOT guess: no default PIN, no second login, no first match among several.
 */
export interface KeyBackend {
  readonly scheme: string
  open(uri: KeyUri, context: DeviceContext): Promise<HmacKey>
}

/** A backend whose next opening has begun. */
export interface StartedBackend extends KeyBackend {
  /** Gives back what was started and not opened. May be called at any time, and again; never throws. */
  end(): Promise<void>
}

/**
 * Rare ability: begins an opening that takes long, while the caller still looks at its own input. It asks for no PIN and
 * logs in nowhere: that is left for `open`, which also tells what failed here.
 */
export interface KeyStarter {
  readonly scheme: string
  start(uri: KeyUri, signal?: AbortSignal): StartedBackend
}

/** A key that an importer has just made. */
export interface ImportedKey {
  /** Opens this very key; holds no PIN. A relative `file=` starts at the folder of the record. */
  readonly uri: KeyUri
  readonly info: KeyInfo
  /** True where the device answers nothing yet: a rule of the key wants an approval of each input first. */
  readonly awaitsApproval?: boolean | undefined
  /** Undoes the import: the object is gone from the device. May be called once. */
  remove(): Promise<void>
}

/**
 * Brings a key into a device. It never overwrites (ERR_KEY_EXISTS), and leaves the complete object with its attributes
 * read back and found right, or none.
 */
export interface KeyImporter {
  readonly scheme: string
  /** `key`: the bytes that the device shall hold, 1 to 64 (for AWS the 44 bytes of `AWS4` and the secret). Stays the caller's. */
  import(uri: KeyUri, key: Secret, context: DeviceContext): Promise<ImportedKey>
  /**
   * The URI of a key that is in the device already, with all by which a later opening notices another device or key. Only
   * where a device has more to say than was asked for.
   */
  adopt?(uri: KeyUri, context: DeviceContext): Promise<KeyUri>
  /** Removes the one key that the URI names. @throws ERR_KEY_NOT_FOUND, ERR_KEY_AMBIGUOUS */
  remove(uri: KeyUri, context: DeviceContext): Promise<void>
}

/** A place where a key could be checked in. */
export interface DeviceListing {
  /** For `import --to`; names the device, not a key in it. */
  readonly uri: KeyUri
  /** In words, for a person. */
  readonly description: string
}

/** Rare ability: says which devices are in reach. Asks for no PIN and changes nothing. */
export interface DeviceLister {
  readonly scheme: string
  list(uri: KeyUri, options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly DeviceListing[]>
  /** The keys in those devices that anyone can see; each URI names one. Only where a device shows them without a PIN. */
  keys?(uri: KeyUri, options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly DeviceListing[]>
}

/** The public key of a device, for which a key can be encrypted elsewhere. Holds no secret. */
export interface WrappingKey {
  readonly scheme: string
  /** Which of the device's keys it is, or how it encrypts, by its backend's own words: `ecc-ek`, `rsa-oaep-sha256`. */
  readonly kind: string
  /** The device in words, for a person. */
  readonly device: string
  /** By which device and person know it again, in hexadecimal digits: the Name of a TPM's key, else SHA-256 of `publicKey`. */
  readonly name: string
  /** TPMT_PUBLIC of a TPM's key, else SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** The certificate that the maker of the device gave this key, in DER. */
  readonly certificate?: Uint8Array | undefined
  /** What is weaker than it should be, each a sentence. Told where the device is, and not written down. */
  readonly warnings?: readonly string[] | undefined
}

/** A key that is encrypted for one device. Holds no secret that anything but this device could read. */
export interface WrappedKey extends Pick<WrappingKey, 'scheme' | 'kind' | 'device' | 'name'> {
  /** What the device takes, laid out by its backend. */
  readonly ciphertext: Uint8Array
  /** The check value of the key, 16 hexadecimal digits: tells it from another one where an answer of the device was lost. */
  readonly check?: string | undefined
}

/** Rare ability: a key is encrypted for the device where the device is not, and opened in that device alone. */
export interface KeyWrapping {
  readonly scheme: string
  /**
   * The public key of the device that the URI names. `create`: makes the pair where a device has none of its own.
   * @throws as `KeyBackend.open`, ERR_KEY_NOT_FOUND, ERR_KEY_EXISTS where there is one to make and one is there
   */
  wrappingKey(uri: KeyUri, context: DeviceContext, options: { readonly create: boolean }): Promise<WrappingKey>
  /**
   * The key, 1 to 64 bytes, encrypted for the device: what `WrappedKey.ciphertext` holds. Asks no device.
   * @throws ERR_KEY_FILE_INVALID for a wrapping key that cannot be one of such a device
   */
  wrap(key: Secret, wrappingKey: WrappingKey): Uint8Array
  /**
   * Returns when one of these certificates (PEM) vouches for the wrapping key. Only where devices have certificates.
   * @throws ERR_KEY_FILE_INVALID where none does
   */
  checkCertificate?(wrappingKey: WrappingKey, authorities: Uint8Array, now: Date): void
  /**
   * Opens the key in the device; this process never sees it in clear. Leaves what `KeyImporter.import` leaves, and throws as
   * that does; ERR_KEY_UNUSABLE for a key that was encrypted for another device.
   */
  importWrapped(uri: KeyUri, wrapped: WrappedKey, context: DeviceContext): Promise<ImportedKey>
}
