// Patience for IAM: a new access key is accepted after some seconds, here and there earlier or later. In: a call signed by
// the new key. Out: its answer, or the last refusal after a minute and a half. IAM User Guide, "Changes that I make are not
// always immediately visible"; F-R05.

import { HardkeyError } from '../errors.ts'

export interface SettlingOptions {
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  readonly signal?: AbortSignal | undefined
  /** Told once, before the first pause. */
  readonly onWait?: (() => void) | undefined
}

/** Between tries; 90 s in all. */
const pauses: readonly number[] = [1, 2, 3, 4, 5, 5, 10, 10, 10, 10, 10, 10, 10].map((seconds) => seconds * 1000)

/** What a key is refused with that is not known everywhere yet. */
const unknownKey: readonly (string | undefined)[] = [
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'UnrecognizedClientException',
]

/** @throws what `call` throws: at once, but for a refusal that says that the key is unknown */
export async function whenSettled<T>(call: () => Promise<T>, { sleep, signal, onWait }: SettlingOptions): Promise<T> {
  for (const [index, pause] of pauses.entries()) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof HardkeyError) || !unknownKey.includes(error.serviceCode)) throw error
      if (index === 0) onWait?.()
      await sleep(pause, signal).catch((ending: unknown) => {
        throw signal?.aborted === true ? signal.reason : ending
      })
    }
  }
  return await call()
}
