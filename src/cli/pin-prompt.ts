// Asks the person at the terminal for what unlocks a device. In: the device's request.
// Out: bytes, asked once.

import { HardkeyError } from '../errors.ts'
import type { PinRequest, PinSource } from '../key/pin-source.ts'
import type { CommandContext } from './command.ts'
import type { Question } from './terminal.ts'

/** The command's default: a hidden question that names the token it asks about. */
export function pinPrompt({ terminal }: Pick<CommandContext, 'terminal'>): PinSource {
  return (request) => terminal.secret(asking(`${request.kind} of ${request.target}`, request))
}

/**
 * For a key that is being made: a new passphrase or auth value is typed twice, since a slip of the finger would lock the
 * key away. What the device knows already is asked for once: a PIN, the auth value of a TPM's hierarchy.
 */
export function newPinPrompt({ terminal }: Pick<CommandContext, 'terminal'>): PinSource {
  return async (request) => {
    const { kind, target } = request
    if (kind !== 'passphrase' && request.isNew !== true)
      return await terminal.secret(asking(`${kind} of ${target}`, request))
    const typed = await terminal.secret(asking(`new ${kind} for ${target}`, request))
    const again = await terminal.secret(asking(`the same ${kind} again`, request))
    try {
      if (Buffer.compare(typed, again) === 0) return typed
    } finally {
      again.fill(0)
    }
    typed.fill(0)
    throw new HardkeyError('ERR_SECRET_INVALID', `the two ${kind}s differ`, {
      hint: 'nothing was changed; try again',
    })
  }
}

function asking(question: string, { kind, target, signal }: PinRequest): Question {
  const unavailable = new HardkeyError('ERR_PIN_REQUIRED', `there is no terminal to ask for the ${kind} of ${target}`, {
    hint: 'give --pin-source file:PATH, or a pin-source in the key URI; hardkey help pin',
  })
  return { question, unavailable, signal }
}
