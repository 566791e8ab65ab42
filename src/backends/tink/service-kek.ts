// A key-encryption key that a service holds: what the three services have in common.
// Tink encrypts a keyset with an AEAD and empty associated data, which these services have for their keys.

/** Encrypts and decrypts serialized keysets. Calls may overlap. */
export interface ServiceKek {
  /** In words, for a person: `AWS KMS key arn:…`. */
  readonly title: string
  /** What the file shall hold. The keyset stays the caller's. */
  encrypt(keyset: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
  /** The serialized keyset in a new buffer; the caller wipes it. */
  decrypt(encrypted: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
  /** Ends its connections and forgets its token; calls under way fail. */
  close(): void
}
