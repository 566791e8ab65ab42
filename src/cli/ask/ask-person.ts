// How a person is asked for what unlocks a device. In: a question, and the way that a pin-source names. Out: bytes.
// Without a named way: the program that HARDKEY_ASKPASS or HARDKEY_PINENTRY names; else the terminal; else, where there is a
// display, SSH_ASKPASS, then the pinentry on PATH. SSH_ASKPASS_REQUIRE moves or removes SSH_ASKPASS as in ssh(1).
// Standard input, output and error are never asked at: AWS tools read the one and drop the other.

import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { HardkeyError, onOneLine } from '../../errors.ts'
import type { PinRequest } from '../../key/pin-source.ts'
import type { CommandContext } from '../command.ts'
import type { Question } from './terminal.ts'

/** One way, with the program that asks. */
type Way = { readonly kind: 'terminal' } | { readonly kind: 'askpass' | 'pinentry'; readonly program: string }

export interface PersonQuestion extends Question {
  /** The word before the field of a window: `PIN`. */
  readonly prompt: string
}

/** True where somebody can be asked: a question to nobody fails, and this tells before a device is opened. */
export function canAsk(context: Pick<CommandContext, 'environment' | 'terminal'>): boolean {
  return wayToAsk(context) !== undefined
}

/**
 * Asks without echo. The bytes are the caller's to wipe.
 *
 * @throws the question's `unavailable` where there is no way to ask; ERR_PIN_REQUIRED where the person, or the program that
 * asks, gives no answer; the reason of the signal
 */
export async function askSecret(
  context: CommandContext,
  question: PersonQuestion,
  source?: PinRequest['source'],
): Promise<Uint8Array> {
  const way = source === undefined ? wayToAsk(context) : namedWay(context, source)
  if (way === undefined) throw question.unavailable
  return way.kind === 'terminal' ? await context.terminal.secret(question) : await askByProgram(context, question, way)
}

/** Asks for what may be seen while it is typed; white space around it is dropped. @throws as `askSecret` */
export async function askText(context: CommandContext, question: PersonQuestion): Promise<string> {
  const way = wayToAsk(context)
  if (way === undefined) throw question.unavailable
  if (way.kind === 'terminal') return await context.terminal.text(question)
  return Buffer.from(await askByProgram(context, question, way))
    .toString('utf8')
    .trim()
}

function wayToAsk({ environment, terminal }: Pick<CommandContext, 'environment' | 'terminal'>): Way | undefined {
  const { askpass, pinentry, sshAskpass, sshAskpassRequire, hasDisplay } = environment.prompts
  if (askpass !== undefined) return { kind: 'askpass', program: askpass }
  if (pinentry !== undefined) return { kind: 'pinentry', program: pinentry }
  const ofSsh = sshAskpass === undefined ? undefined : ({ kind: 'askpass', program: sshAskpass } as const)
  if (sshAskpassRequire === 'force' || (sshAskpassRequire === 'prefer' && hasDisplay)) {
    if (ofSsh !== undefined) return ofSsh
  }
  if (terminal.isThere()) return { kind: 'terminal' }
  if (!hasDisplay) return undefined
  if (ofSsh !== undefined && sshAskpassRequire !== 'never') return ofSsh
  return isOnPath('pinentry', environment.forPrograms.PATH ?? '')
    ? { kind: 'pinentry', program: 'pinentry' }
    : undefined
}

/** `pinentry:` and `askpass:` name the way; which program that is, only the environment says, never a key URI. */
function namedWay({ environment }: CommandContext, source: NonNullable<PinRequest['source']>): Way {
  const { askpass, pinentry, sshAskpass } = environment.prompts
  if (source === 'pinentry:') return { kind: 'pinentry', program: pinentry ?? 'pinentry' }
  const program = askpass ?? sshAskpass
  if (program !== undefined) return { kind: 'askpass', program }
  throw new HardkeyError('ERR_PIN_REQUIRED', 'askpass: is named, but no program for it', {
    hint: 'set HARDKEY_ASKPASS or SSH_ASKPASS to a program that prints the answer',
  })
}

async function askByProgram(
  { environment, terminal, signal }: CommandContext,
  asked: PersonQuestion,
  { kind, program }: Exclude<Way, { kind: 'terminal' }>,
): Promise<Uint8Array> {
  const ends = AbortSignal.any(asked.signal === undefined ? [signal] : [signal, asked.signal])
  if (kind === 'pinentry') {
    const { askByPinentry } = await import('./pinentry.ts')
    const ttyName = environment.prompts.gpgTty ?? (terminal.isThere() ? '/dev/tty' : undefined)
    return await askByPinentry({ ...asked, program, ttyName, environment: environment.forPrograms, signal: ends })
  }
  const { printedLine } = await import('./program-output.ts')
  return await printedLine({
    title: `askpass program "${program}"`,
    program,
    words: [`${onOneLine(asked.question)}: `],
    environment: environment.forPrograms,
    hint: `it was asked for the ${asked.question}; hardkey help pin names other ways`,
    signal: ends,
  })
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => isAbsolute(folder) && existsSync(join(folder, name)))
}
