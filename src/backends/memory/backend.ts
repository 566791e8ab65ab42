// The reference backend: a key in the memory of this process, for the contract test and for reading first.
// In: `memory:` and a pin source that gives the key itself, 1 to 64 bytes. Out: the HmacKey of key/software-key.ts.
// It is not in the list of backends: nothing is protected here.

import { HardkeyError } from '../../errors.ts'
import type { KeyBackend, KeyInfo } from '../../key/hmac-key.ts'
import { Secret } from '../../key/secret.ts'
import { softwareKey } from '../../key/software-key.ts'

const info: KeyInfo = Object.freeze({
  scheme: 'memory',
  protection: 'memory',
  device: 'the memory of this process',
  attributes: {},
  warnings: ['the key is in the memory of this process; check it into a device'],
})

/** Opens `memory:` keys. @throws ERR_URI_INVALID; ERR_SECRET_INVALID where the pin source gives more than 64 bytes */
export function memoryBackend(): KeyBackend {
  return {
    scheme: 'memory',
    async open(uri, { pin, signal }) {
      uri.expect([], ['pin-source', 'pin-value'])
      // Taken over: the bytes are wiped where the source left them.
      const key = Secret.take(await pin({ kind: 'auth value', target: info.device, signal }))
      try {
        if (key.length > 64) throw new HardkeyError('ERR_SECRET_INVALID', 'a key in memory has 1 to 64 bytes')
        return softwareKey(key.toKeyObject(), info)
      } finally {
        key.wipe()
      }
    },
  }
}
