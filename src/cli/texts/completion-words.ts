// What may stand where the cursor is. In: the words of a command line up to it, the last of them begun or empty, and the
// table. Out: words to choose from, or what the shell completes by itself.

import { flagsOf, programApart } from '../args.ts'
import type { CommandSpec } from '../command.ts'

/** A word and, where it has one, its line of help. */
export type Offer = readonly [word: string, help?: string]

/** What the shell knows better: files, or the words of another program. */
export type Completion = readonly Offer[] | 'files' | 'program'

/** What only this machine knows. Each is asked for when it is needed. */
export interface KnownNames {
  records(): Promise<readonly string[]>
  profiles(): Promise<readonly string[]>
}

/** The words that begin as the last one does. */
export async function completionOf(
  commands: readonly CommandSpec[],
  words: readonly string[],
  names: KnownNames,
): Promise<Completion> {
  const offered = await offersFor(commands, words, names)
  const begun = words.at(-1) ?? ''
  return typeof offered === 'string' ? offered : offered.filter(([word]) => word.startsWith(begun))
}

async function offersFor(
  commands: readonly CommandSpec[],
  [first = '', ...rest]: readonly string[],
  names: KnownNames,
): Promise<Completion> {
  const overview = commands.map(({ name, summary }): Offer => [name, summary])
  if (rest.length === 0) return overview
  const command = commands.find(({ name }) => name === first)
  if (command === undefined) return []
  const { own } = programApart(command, rest.slice(0, -1))
  if (own.length < rest.length - 1) return 'program'
  const before = own.at(-1) ?? ''
  const value = flagsOf(command).find(({ name }) => before === `--${name}`)?.value
  if (value !== undefined) return await ofKind(value, overview, names)
  if (rest.at(-1)?.startsWith('-')) return options(command, own)
  const argument = command.arguments[positionals(command, own)]
  return argument === undefined ? [] : await ofKind(argument.name, overview, names)
}

/** Where something on the disk is named. */
const ofFiles = /^(?:FILE|PATH|SOCKET|DIR(?:\|\w+)?)$/

/** By the word that stands for it in the help: FILE, PROFILE, NAME, or the choices themselves: `bash|zsh|fish`. */
async function ofKind(kind: string, overview: readonly Offer[], names: KnownNames): Promise<Completion> {
  if (ofFiles.test(kind)) return 'files'
  if (kind === 'NAME') return (await names.records()).map((name) => [name])
  if (kind === 'PROFILE') return (await names.profiles()).map((name) => [name])
  const choices = kind.split('|').filter((choice) => /^[a-z0-9-]+$/.test(choice))
  const ofCommands = kind.startsWith('COMMAND') ? overview : []
  return [...ofCommands, ...choices.map((choice): Offer => [choice])]
}

/** Those that are not given yet, or may be given again. */
function options(command: CommandSpec, own: readonly string[]): readonly Offer[] {
  const open = flagsOf(command).filter(({ name, many }) => many === true || !own.includes(`--${name}`))
  return [...open.map(({ name, help }): Offer => [`--${name}`, help]), ...programMark(command)]
}

function programMark({ program }: CommandSpec): readonly Offer[] {
  return program === undefined ? [] : [['--', program.help]]
}

/** How many words are neither options nor their values. */
function positionals(command: CommandSpec, own: readonly string[]): number {
  const takesValue = (word: string | undefined): boolean =>
    flagsOf(command).some(({ name, value }) => value !== undefined && word === `--${name}`)
  return own.filter((word, index) => !word.startsWith('-') && !takesValue(own[index - 1])).length
}
