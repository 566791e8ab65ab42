// One answer for one check-in: the device is unlocked for the import and again for the proof, and a person is asked, or a
// descriptor read, once. In: a PIN source. Out: a source that asks it at most once for each thing that is to be unlocked,
// and forgets the answers when told.

import type { PinSource } from '../key/pin-source.ts'
import { ownCopy, Secret } from '../key/secret.ts'

/** A source and its end. */
export interface RememberedPin {
  readonly source: PinSource
  /** Wipes the answers. The source must not be asked afterwards. */
  forget(): void
}

/** A source that gives copies of the first answer for a target. A refusal to answer is not remembered. */
export function rememberPin(ask: PinSource): RememberedPin {
  const answers = new Map<string, Secret>()
  return {
    source: async (request) => {
      // A token tells more of itself once it is open; a TPM has auth values of its own beside that of the key.
      const target = request.kind === 'auth value' ? request.target : ''
      const answer = answers.get(target) ?? Secret.take(await ask(request))
      answers.set(target, answer)
      return answer.lend(ownCopy)
    },
    forget: () => {
      for (const answer of answers.values()) answer.wipe()
      answers.clear()
    },
  }
}
