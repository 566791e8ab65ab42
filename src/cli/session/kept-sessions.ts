// Where the sessions of a command are kept. In: its options and environment. Out: what giveSession
// takes of it: the runtime folder, or the memory of this process. Sessions are forgotten here too.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeSessions, sessionStore } from '../../credentials/session-store.ts'
import { fileFailure } from '../../files/file-failure.ts'
import type { CommandContext } from '../command.ts'
import { pinLatch } from '../device/pin-latch.ts'
import type { SessionUse } from './give-session.ts'
import { runtimeFolder } from './runtime-folder.ts'
import { readShortcut, shortcutPrefix } from './shortcut.ts'

/** The runtime folder with its sessions, or the memory of this process. @throws ERR_CACHE_UNSAFE */
export function keptSessions(
  context: CommandContext,
): Required<Pick<SessionUse, 'folder' | 'store' | 'latch' | 'fresh'>> {
  const { args, report } = context
  const folder = runtimeFolder(context, args.value('cache-dir'))
  const told = (failure: unknown): void => {
    report.warning(`the session is not kept: ${failure instanceof Error ? failure.message : String(failure)}`)
  }
  return {
    folder,
    store: sessionStore(folder, told),
    latch: pinLatch(context),
    fresh: args.has('no-cache'),
  }
}

/**
 * Removes the sessions of a name, or all, and the starts that lead to them; the number of sessions. `first`: `nameText`.
 *
 * @throws ERR_CACHE_UNSAFE where the folder refuses
 */
export function removeKept(folder: string, first?: string): number {
  try {
    const starts = readdirSync(folder).filter((name) => name.startsWith(shortcutPrefix))
    for (const path of starts.map((name) => join(folder, name))) {
      if (first === undefined || readShortcut(path)?.request.startsWith(`${first}\n`) === true)
        rmSync(path, { force: true })
    }
  } catch (error) {
    throw fileFailure('write', folder, 'ERR_CACHE_UNSAFE', error)
  }
  return removeSessions(folder, first)
}
