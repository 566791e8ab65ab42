// `hardkey cache clear [NAME]`: forgets the sessions that are kept between runs. Out: their number, and where they were.
// AWS itself ends them at their own time, unless it is told to: a copy that someone has taken stays good until then.

import type { CommandContext } from '../command.ts'
import { namedKey } from '../device/open-key.ts'
import { clearRuntimeFolder, removeEmpty } from '../session/clear-runtime-folder.ts'
import { removeKept } from '../session/kept-sessions.ts'
import { runtimeFolder } from '../session/runtime-folder.ts'
import { nameText } from '../session/session-text.ts'

/** Removes the sessions of a record, or all of them and what else runs left. */
export async function cache(context: CommandContext): Promise<number> {
  const { args, environment, output } = context
  const act = args.word('clear')
  if (act !== 'clear') throw args.wrong('cache does one thing: clear')
  const folder = runtimeFolder(context, args.value('cache-dir'))
  const name = args.optionalWord('NAME') === undefined ? undefined : nameText(await namedKey(context))
  const removed = folder === undefined ? 0 : removeKept(folder, name)
  if (folder !== undefined && name === undefined) {
    await clearRuntimeFolder(folder)
    const given = args.value('cache-dir') ?? environment.cacheDir ?? environment.runtimeDirectory
    if (given === undefined) removeEmpty(folder)
  }
  if (args.has('json')) output.json({ folder: folder ?? null, removed })
  else
    output.line(
      folder === undefined
        ? 'nothing is kept between runs'
        : `removed ${removed} ${removed === 1 ? 'session' : 'sessions'} from ${folder}`,
    )
  return 0
}
