// A key-encryption key of the caller's own: AES-256-GCM as Tink's, nonce || ciphertext || tag. In: 32 bytes. Out: the callback
// of tinkBackend.

import { createDecipheriv } from 'node:crypto'
import type { KeyEncryptionKey } from '../../../src/backends/tink/backend.ts'

export function decryptWith(key: Uint8Array): KeyEncryptionKey {
  return async (ciphertext, associatedData) => {
    const decipher = createDecipheriv('aes-256-gcm', key, ciphertext.subarray(0, 12)).setAAD(associatedData)
    decipher.setAuthTag(ciphertext.subarray(-16))
    return Buffer.concat([decipher.update(ciphertext.subarray(12, -16)), decipher.final()])
  }
}
