// Parameter encryption. In: the key of a session with the auth value, two nonces, a parameter. Out: the parameter, changed.
// TPM 2.0 Library, Part 1, 21.3 "CFB Mode Parameter Encryption": AES-128-CFB, key and IV by KDFa with "CFB".
// The first parameter alone, a TPM2B, is encrypted: its size stays in clear.

import { createCipheriv, createDecipheriv } from 'node:crypto'
import { kdfa } from './kdf.ts'

const keySize = 16
const ivSize = 16

export interface ParameterKey {
  /** The session key and the auth value of the object that the session authorises. */
  readonly sessionValue: Uint8Array
  /** In a command that of the caller, in an answer that of the TPM. */
  readonly nonceNewer: Uint8Array
  readonly nonceOlder: Uint8Array
}

/** Encrypts the first parameter where it stands. `parameters` begin with a TPM2B of which the caller knows that it is whole. */
export function encryptFirst(parameters: Uint8Array, key: ParameterKey): void {
  change(parameters, key, createCipheriv)
}

/** Decrypts the first parameter where it stands. */
export function decryptFirst(parameters: Uint8Array, key: ParameterKey): void {
  change(parameters, key, createDecipheriv)
}

function change(
  parameters: Uint8Array,
  { sessionValue, nonceNewer, nonceOlder }: ParameterKey,
  create: typeof createCipheriv | typeof createDecipheriv,
): void {
  const [high = 0, low = 0] = parameters
  const content = parameters.subarray(2, 2 + high * 0x100 + low)
  const derived = kdfa(sessionValue, 'CFB', nonceNewer, nonceOlder, (keySize + ivSize) * 8)
  let changed: Uint8Array | undefined
  try {
    // CFB is a stream: as many bytes come out, and nothing is kept for a final block.
    changed = create('aes-128-cfb', derived.subarray(0, keySize), derived.subarray(keySize)).update(content)
    content.set(changed)
  } finally {
    derived.fill(0)
    changed?.fill(0)
  }
}
