// Every command in one table. In: nothing. Out: its words, options and texts, from which arguments are parsed, wrong
// words corrected, the help printed, and of which nothing but the chosen command is loaded.

import type { CommandSpec } from './command.ts'
import { checkInCommands } from './table/check-in.ts'
import { deliverCommands } from './table/deliver.ts'
import { learnCommands } from './table/learn.ts'
import { lookAfterCommands } from './table/look-after.ts'
import { useCommands } from './table/use.ts'

/** The commands, in the order of the overview. */
export const commands: readonly CommandSpec[] = Object.freeze([
  ...checkInCommands,
  ...useCommands,
  ...deliverCommands,
  ...lookAfterCommands,
  ...learnCommands,
])

/** The row of a command; undefined where there is none. */
export function commandNamed(name: string): CommandSpec | undefined {
  return commands.find((command) => command.name === name)
}
