// The arguments of one command. In: the words after its name and its row of the table. Out: checked values by name.
// Parsed by node:util parseArgs; what is wrong is said here, with the usage line of that command only (B-100).

import { parseArgs } from 'node:util'
import { HardkeyError } from '../errors.ts'
import { didYouMean } from '../key/did-you-mean.ts'
import type { CommandSpec, FlagSpec } from './command.ts'

/** Options that every command has. */
export const commonFlags: readonly FlagSpec[] = Object.freeze([
  { name: 'verbose', help: 'tell each step on standard error' },
  {
    name: 'account',
    value: 'FILE|journal',
    help: 'an account of use, in lines of JSON',
    variable: 'HARDKEY_ACCOUNT',
  },
  { name: 'help', help: 'show this text' },
])

/** The words after the command; the first is undefined where an option stands in its place. */
type Words = readonly (string | undefined)[]

/** The checked words of a command. Asking for a name that the table does not have is a fault of ours. */
export class ParsedArguments {
  readonly #command: CommandSpec
  readonly #values: ReadonlyMap<string, readonly string[]>
  readonly #words: Words
  readonly #taken = new Set<string>()
  /** The words of another program; none where the command takes none. */
  readonly program: readonly string[]

  constructor(
    command: CommandSpec,
    values: ReadonlyMap<string, readonly string[]>,
    words: Words,
    program: readonly string[],
  ) {
    this.#command = command
    this.#values = values
    this.#words = words
    this.program = program
  }

  /** The name of the command. */
  get command(): string {
    return this.#command.name
  }

  /** True where the switch was given. */
  has(name: string): boolean {
    this.#mustExist(name)
    return this.#values.has(name)
  }

  /** The value of an option, never empty; undefined where it was not given. */
  value(name: string): string | undefined {
    this.#mustExist(name)
    return this.#values.get(name)?.[0]
  }

  /** The values of an option that may be given several times, in order. */
  values(name: string): readonly string[] {
    this.#mustExist(name)
    return this.#values.get(name) ?? []
  }

  /** The value of an option that is good for one use: undefined from the second time on. */
  takeOnce(name: string): string | undefined {
    const value = this.#taken.has(name) ? undefined : this.value(name)
    this.#taken.add(name)
    return value
  }

  /** A word that the command must have. */
  word(name: string): string {
    const word = this.optionalWord(name)
    if (word === undefined) throw usageError(this.#command, `${name} is missing`)
    return word
  }

  /** A word that may be missing. */
  optionalWord(name: string): string | undefined {
    const position = this.#command.arguments.findIndex((argument) => argument.name === name)
    if (position < 0) throw new HardkeyError('ERR_INTERNAL', `the command has no argument ${name}`)
    return this.#words[position]
  }

  /** An ERR_USAGE that ends with this command's usage line. */
  wrong(message: string, remedy?: string): HardkeyError {
    return usageError(this.#command, message, remedy)
  }

  #mustExist(name: string): void {
    if (!flagsOf(this.#command).some((flag) => flag.name === name)) {
      throw new HardkeyError('ERR_INTERNAL', `the command has no option --${name}`)
    }
  }
}

/** The command's own options and the common ones. */
export function flagsOf(command: CommandSpec): readonly FlagSpec[] {
  return [...command.flags, ...commonFlags]
}

/** The words of the command itself, and behind the first `--` those of the program that it is to run. */
export function programApart(
  { program }: Pick<CommandSpec, 'program'>,
  words: readonly string[],
): { readonly own: readonly string[]; readonly program: readonly string[] } {
  const at = program === undefined ? -1 : words.indexOf('--')
  return at < 0 ? { own: words, program: [] } : { own: words.slice(0, at), program: words.slice(at + 1) }
}

/** `hardkey presign NAME URL [options]`. */
export function usageLine(command: CommandSpec): string {
  const words = command.arguments.map(({ name, optional }) => (optional ? `[${name}]` : name))
  const options = command.flags.length === 0 ? [] : ['[options]']
  const program = command.program === undefined ? [] : [`[-- ${command.program.name}]`]
  return ['hardkey', command.name, ...words, ...options, ...program].join(' ')
}

/** ERR_USAGE whose hint holds the remedy, where there is one, and the usage line. */
function usageError(command: CommandSpec, message: string, remedy?: string): HardkeyError {
  const usage = `usage: ${usageLine(command)}; hardkey help ${command.name} tells more`
  return new HardkeyError('ERR_USAGE', message, { hint: remedy === undefined ? usage : `${remedy}; ${usage}` })
}

/**
 * Checks the words of a command against its row: no unknown option, none twice, none without its value or empty, no
 * word too many or too few. With `--help` the number of words does not matter.
 *
 * @throws ERR_USAGE
 */
export function parseCommandArguments(command: CommandSpec, words: readonly string[]): ParsedArguments {
  const flags = new Map(flagsOf(command).map((flag) => [flag.name, flag]))
  const { own, program } = programApart(command, words)
  const { tokens } = parseArgs({
    args: [...own],
    options: Object.fromEntries(
      [...flags.values()].map((flag) => [
        flag.name,
        { type: flag.value === undefined ? ('boolean' as const) : ('string' as const), ...shortForm(flag.name) },
      ]),
    ),
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const flag = flags.get(token.name)
    if (flag === undefined) throw unknownOption(command, token.rawName, [...flags.keys()])
    if (values.has(flag.name) && flag.many !== true) throw usageError(command, `--${flag.name} is given twice`)
    values.set(flag.name, [...(values.get(flag.name) ?? []), checkedValue(command, flag, token)])
  }
  const instead = command.arguments[0]?.insteadBy
  const isReplaced = instead !== undefined && values.has(instead) && positionals.length < needed(command).length
  const placed: Words = isReplaced ? [undefined, ...positionals] : positionals
  if (!values.has('help')) checkWords(command, placed)
  return new ParsedArguments(command, values, placed, program)
}

function needed(command: CommandSpec): CommandSpec['arguments'] {
  return command.arguments.filter((argument) => argument.optional !== true)
}

function shortForm(name: string): { short?: string } {
  return name === 'help' ? { short: 'h' } : {}
}

function checkedValue(
  command: CommandSpec,
  flag: FlagSpec,
  token: { value: string | undefined; inlineValue: boolean | undefined },
): string {
  if (flag.value === undefined) {
    if (token.value !== undefined) throw usageError(command, `--${flag.name} takes no value`)
    return ''
  }
  if (token.value === undefined) throw usageError(command, `--${flag.name} needs a value: ${flag.value}`)
  if (token.value === '') throw usageError(command, `--${flag.name} is empty`)
  if (token.inlineValue !== true && /^--?[A-Za-z]/.test(token.value)) {
    const remedy = `for a value that begins with a dash write --${flag.name}=VALUE`
    throw usageError(command, `--${flag.name} needs a value: ${flag.value}`, remedy)
  }
  return token.value
}

function checkWords(command: CommandSpec, words: Words): void {
  const missing = needed(command)[words.length]
  if (missing !== undefined) throw usageError(command, `${missing.name} is missing`)
  const empty = command.arguments.find((_, position) => words[position] === '')
  if (empty !== undefined) throw usageError(command, `${empty.name} is empty`)
  const extra = words[command.arguments.length]
  const remedy = command.program === undefined ? undefined : 'what is to run stands behind --'
  if (extra !== undefined) throw usageError(command, `one word too many: ${quoted(extra)}`, remedy)
}

function unknownOption(command: CommandSpec, rawName: string, names: readonly string[]): HardkeyError {
  const near = didYouMean(rawName.replace(/^-+/, ''), names)
  const remedy = near === undefined ? undefined : `did you mean --${near}`
  return usageError(command, `${command.name} has no option ${quoted(rawName)}`, remedy)
}

/** A foreign word for a message, cut to 60 characters. */
export function quoted(word: string): string {
  return `"${word.length > 60 ? `${word.slice(0, 57)}…` : word}"`
}
