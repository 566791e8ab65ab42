// One answer for one check-in: the device is unlocked for the import and again for the proof, and a person is asked, or a
// descriptor read, once. In: a PIN source. Out: a source that asks it at most once, and forgets the answer when told.

import type { PinSource } from '../key/pin-source.ts'
import { ownCopy, Secret } from '../key/secret.ts'

/** A source and its end. */
export interface RememberedPin {
  readonly source: PinSource
  /** Wipes the answer. The source must not be asked afterwards. */
  forget(): void
}

/** A source that gives copies of the first answer. A refusal to answer is not remembered. */
export function rememberPin(ask: PinSource): RememberedPin {
  let answer: Secret | undefined
  return {
    source: async (request) => {
      answer ??= Secret.take(await ask(request))
      return answer.lend(ownCopy)
    },
    forget: () => answer?.wipe(),
  }
}
