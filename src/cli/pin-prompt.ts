// Asks the person at the terminal for what unlocks a device. In: the device's request.
// Out: bytes, asked once. A token that the person's own Vault or OpenBao command has is taken without asking.

import { HardkeyError } from '../errors.ts'
import type { PinRequest, PinSource } from '../key/pin-source.ts'
import type { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'
import type { Question } from './terminal.ts'

/** The command's default: a hidden question that names the token it asks about. */
export function pinPrompt(context: CommandContext, uri: KeyUri): PinSource {
  const { terminal } = context
  return async (request) => {
    const own = request.kind === 'token' ? await userTokenFor(context, uri) : undefined
    return await (own?.(request) ?? terminal.secret(asking(`${request.kind} of ${request.target}`, request)))
  }
}

async function userTokenFor(context: CommandContext, uri: KeyUri): Promise<PinSource | undefined> {
  return await (await import('./vault-token.ts')).userToken(context, uri)
}

/**
 * For a key that is being made: a new passphrase is typed twice, since a slip of the finger would lock the key away.
 * A PIN is asked once: its token already knows it.
 */
export function newPinPrompt(context: CommandContext, uri: KeyUri): PinSource {
  const { terminal } = context
  return async (request) => {
    if (request.kind !== 'passphrase') return await pinPrompt(context, uri)(request)
    const typed = await terminal.secret(asking(`new passphrase for ${request.target}`, request))
    const again = await terminal.secret(asking('the same passphrase again', request))
    try {
      if (Buffer.compare(typed, again) === 0) return typed
    } finally {
      again.fill(0)
    }
    typed.fill(0)
    throw new HardkeyError('ERR_SECRET_INVALID', 'the two passphrases differ', {
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
