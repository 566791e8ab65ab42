// Asks a person for what unlocks a device, or looks it up for them. In: the device's request.
// Out: bytes, asked once. A token that the person's own Vault or OpenBao command has is taken without asking.

import { HardkeyError } from '../../errors.ts'
import { namesPerson, namesPinSource, type PinRequest, type PinSource } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { CommandContext } from '../command.ts'
import { isUnderService, transitServer } from '../device/kek-uri.ts'

/**
 * The command's default: a hidden question that names the token it asks about, in the way that the pin-source says. A URI
 * that is not that of a record has no say in where a token goes: see `userToken`.
 */
export function pinPrompt(context: CommandContext, uri: KeyUri): PinSource {
  return promptFor(context, uri, context.args.optionalWord('NAME')?.includes(':') === true)
}

function promptFor(context: CommandContext, uri: KeyUri, isBare: boolean): PinSource {
  return async (request) => {
    const { kind, target, source } = request
    if (source?.startsWith('keyring:')) return await (await import('./keyring.ts')).fromKeyring(context, request)
    const own = kind === 'token' && source === undefined ? await userTokenFor(context, uri, isBare) : undefined
    return await (own?.(request) ?? ask(context, `${kind} of ${target}`, request, keepingHint(context)))
  }
}

async function userTokenFor(context: CommandContext, uri: KeyUri, isBare: boolean): Promise<PinSource | undefined> {
  return await (await import('../device/vault-token.ts')).userToken(context, uri, isBare)
}

/**
 * For a key that is being made: a new passphrase or auth value is typed twice, since a slip of the finger would lock the
 * key away. What the device knows already is asked for once: a PIN, the auth value of a TPM's hierarchy.
 */
export function newPinPrompt(context: CommandContext, uri: KeyUri): PinSource {
  return async (request) => {
    const { kind, target, source } = request
    const isTyped = (kind === 'passphrase' || request.isNew === true) && !source?.startsWith('keyring:')
    if (!isTyped) return await promptFor(context, uri, true)(request)
    const typed = await ask(context, `new ${kind} for ${target}`, request)
    const again = await ask(context, `the same ${kind} again`, request)
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

/**
 * True for a key whose device asks a person at each use: its URI names a person, or says nothing of
 * what unlocks it, and something must.
 */
export function asksAPerson(uri: KeyUri): boolean {
  if (namesPinSource(uri)) return namesPerson(uri)
  switch (uri.scheme) {
    case 'tpm2':
      return uri.get('auth') === 'yes'
    case 'vault':
      // A certificate, and an Agent, unlock without being asked.
      return !['cert', 'none'].includes(uri.get('login') ?? '')
    case 'tink':
      // The two clouds are asked with credentials of the machine.
      return !isUnderService(uri) || transitServer(uri) !== undefined
    default:
      return true
  }
}

/** How the record that is used is told for good; nothing where there is none yet, or another key is asked about. */
function keepingHint({ args }: CommandContext): string {
  const name = args.optionalWord('NAME') ?? 'NAME'
  if (name.includes(':') || /^(?:import|approve|wrapping-key)$/.test(args.command)) return ''
  return `; hardkey configure ${name} --pin-source SOURCE keeps it`
}

async function ask(context: CommandContext, question: string, request: PinRequest, keeping = ''): Promise<Uint8Array> {
  const { kind, target, signal, source } = request
  const unavailable = new HardkeyError('ERR_PIN_REQUIRED', `there is no terminal to ask for the ${kind} of ${target}`, {
    hint:
      kind === 'token'
        ? `set BAO_ADDR or VAULT_ADDR to this server, and log in with bao login or vault login; or give --pin-source file:PATH${keeping}`
        : `give --pin-source file:PATH, fd:N, credential:NAME or keyring:NAME, or set HARDKEY_ASKPASS${keeping}; hardkey help pin`,
  })
  const { askSecret } = await import('./ask-person.ts')
  return await askSecret(context, { question, prompt: kind, unavailable, signal }, source)
}
