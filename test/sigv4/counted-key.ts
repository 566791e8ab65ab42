// A key in memory that counts how often the device is asked, and can be made slow or broken.
// In: what to do before each answer. Out: the key, its calls in order, and the bytes it answered.

import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import type { HmacKey, HmacOptions } from '../../src/key/hmac-key.ts'
import { officialKey } from '../vectors/describe-official-vectors.ts'

export interface CountedKey {
  readonly key: HmacKey
  /** The texts that were sent to the device. */
  readonly asked: string[]
  /** The very buffers that the device gave. */
  readonly answers: Uint8Array[]
}

/** `before` runs before each answer; what it throws is what the device throws. */
export async function countedKey(
  before: (options?: HmacOptions) => Promise<void> = async () => {},
): Promise<CountedKey> {
  const inner = await openKey('memory:', { pin: async () => officialKey(), backends: [memoryBackend()] })
  const asked: string[] = []
  const answers: Uint8Array[] = []
  const key: HmacKey = {
    info: inner.info,
    async hmac(data, options) {
      asked.push(new TextDecoder().decode(data))
      await before(options)
      const answer = await inner.hmac(data, options)
      answers.push(answer)
      return answer
    },
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  }
  return { key, asked, answers }
}
