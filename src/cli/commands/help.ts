// `hardkey help [COMMAND|uri|pin]`. In: a command, a topic, or nothing.
// Out: its text on standard output.

import { didYouMean } from '../../key/did-you-mean.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { commandText, overviewText, topicTexts } from '../help-text.ts'
import { commandNamed, commands } from '../table.ts'

/** Prints the overview, a command's page, or a topic. */
export async function help({ args, output }: CommandContext): Promise<number> {
  const word = args.optionalWord('COMMAND|uri|pin')
  if (word === undefined) {
    output.line(overviewText(commands))
    return 0
  }
  const command = commandNamed(word)
  const topic = Object.hasOwn(topicTexts, word) ? topicTexts[word] : undefined
  const text = command === undefined ? topic : commandText(command)
  if (text === undefined) {
    const near = didYouMean(word, [...commands.map(({ name }) => name), ...Object.keys(topicTexts)])
    throw args.wrong(`there is no help on ${quoted(word)}`, near === undefined ? undefined : `did you mean ${near}`)
  }
  output.line(text)
  return 0
}
