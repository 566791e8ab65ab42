// The key that a device holds for AWS: the text "AWS4" followed by the secret access key, as bytes.
// In: the bare secret access key. Out: the 44 bytes (40 for the secret) that start the chain of derived keys.
// AWS Signature Version 4, "Derive the signing key", step 1. The one place where the prefix is put on, and taken off.

import { Secret } from '../key/secret.ts'

/**
 * `AWS4` and the secret access key in one new Secret, which the caller owns and wipes. The argument stays the caller's.
 *
 * Who must not need it: code that signs. Importers put this into a device; `secretDateKeys` starts from it.
 */
export function aws4Key(secretAccessKey: Secret | Uint8Array): Secret {
  return Secret.join(Uint8Array.of(...prefix), secretAccessKey)
}

/** `AWS4`. */
const prefix: readonly number[] = [0x41, 0x57, 0x53, 0x34]

/** The bare secret access key of such a key, in a new Secret that the caller wipes; undefined for any other key. */
export function secretOfAws4Key(key: Uint8Array): Secret | undefined {
  return prefix.every((byte, at) => key[at] === byte) ? Secret.join(key.subarray(prefix.length)) : undefined
}
