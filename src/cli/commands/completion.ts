// `hardkey completion bash|zsh|fish`. Out: a script for the shell on standard output. `hardkey completion words -- WORD …`:
// what may stand in the place of the last word, for those scripts.

import { onOneLine } from '../../errors.ts'
import { profileNames } from '../../profiles/profile-names.ts'
import { listRecords } from '../../profiles/record-store.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles, recordsFolder } from '../device/open-key.ts'
import { commands } from '../table.ts'
import { completionScripts } from '../texts/completion-scripts.ts'
import { completionOf } from '../texts/completion-words.ts'

/** Prints the script, or the words. */
export async function completion(context: CommandContext): Promise<number> {
  const { args, output } = context
  const shell = args.word('bash|zsh|fish')
  if (shell === 'words') {
    for (const line of await offered(context)) output.line(line)
    return 0
  }
  const script = Object.entries(completionScripts).find(([name]) => name === shell)?.[1]
  if (script === undefined) throw args.wrong(`there is no completion for ${quoted(shell)}`, 'write bash, zsh or fish')
  output.line(script)
  return 0
}

async function offered({ args, environment }: CommandContext): Promise<readonly string[]> {
  const found = await completionOf(commands, args.program, {
    records: async () => (await listRecords(recordsFolder(environment))).map(({ name }) => name),
    profiles: () => profileNames(awsFiles(environment)),
  })
  if (typeof found === 'string') return [`:${found}`]
  return found.map(([word, help = '']) => `${onOneLine(word)}\t${help}`)
}
