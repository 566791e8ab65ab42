// What a command of hardkey is: its words, its options, its text, and the function behind it.
// In: nothing. Out: the types that table.ts fills, args.ts parses, help-text.ts prints and commands/ implement.

import type { ParsedArguments } from './args.ts'
import type { Terminal } from './ask/terminal.ts'
import type { Output } from './output.ts'
import type { Report } from './report.ts'
import type { Environment } from './settings/environment.ts'

/** One option of a command, by its long name only. */
export interface FlagSpec {
  /** Without the dashes: `role-arn`. */
  readonly name: string
  /** The word that stands for its value in the help: `ARN`. Without it the option is a switch. */
  readonly value?: string | undefined
  /** May be given several times, in order. */
  readonly many?: boolean | undefined
  /** One line, lower case, no full stop. */
  readonly help: string
  /** The variable that is taken where the option is missing. */
  readonly variable?: string | undefined
}

/** One word after the command. */
export interface ArgumentSpec {
  readonly name: string
  readonly help: string
  readonly optional?: boolean | undefined
  /** The option that may stand in its place, for the first word alone. */
  readonly insteadBy?: string | undefined
}

/** The headings of the overview, in order. */
export type Task = 'check a key in' | 'use it' | 'give credentials' | 'look after it' | 'learn'

/** Everything the table says of one command. */
export interface CommandSpec {
  readonly name: string
  readonly task: Task
  /** One line for the overview. */
  readonly summary: string
  readonly arguments: readonly ArgumentSpec[]
  /** What may stand behind `--`: the words of another program, each taken as it is. */
  readonly program?: ArgumentSpec | undefined
  readonly flags: readonly FlagSpec[]
  /** What the summary and the options cannot say, in lines of at most 100 characters. */
  readonly text: readonly string[]
  /** Command lines that run as they stand, once there is such a key. */
  readonly examples: readonly string[]
  /** Loads the command: nothing of it is read before. */
  readonly load: () => Promise<RunCommand>
}

/** What a command works with. The clock, streams, terminal and environment come in here and nowhere else. */
export interface CommandContext {
  readonly args: ParsedArguments
  readonly environment: Environment
  readonly output: Output
  readonly report: Report
  readonly terminal: Terminal
  readonly now: () => Date
  /** Aborted by SIGINT, SIGTERM and SIGHUP, with an `Interrupted` as reason. */
  readonly signal: AbortSignal
}

/** Runs a command; the number is the exit status. A failure is thrown. */
export type RunCommand = (context: CommandContext) => Promise<number>
