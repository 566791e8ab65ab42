// Where the sessions of a command are kept, and what devices refused. In: its options and environment. Out: what giveSession
// takes of it: the runtime folder, or the memory of this process.

import { sessionStore } from '../credentials/session-store.ts'
import type { CommandContext } from './command.ts'
import type { SessionUse } from './give-session.ts'
import { PinLatch } from './pin-latch.ts'
import { runtimeFolder } from './runtime-folder.ts'

/** The runtime folder with its sessions and refused PINs, or the memory of this process. @throws ERR_CACHE_UNSAFE */
export function keptSessions(
  context: CommandContext,
): Required<Pick<SessionUse, 'folder' | 'store' | 'latch' | 'fresh'>> {
  const { args, environment, report } = context
  const folder = runtimeFolder(context, args.value('cache-dir'))
  const told = (failure: unknown): void => {
    report.warning(`the session is not kept: ${failure instanceof Error ? failure.message : String(failure)}`)
  }
  return {
    folder,
    store: sessionStore(folder, told),
    latch: new PinLatch(folder, environment.credentialsDirectory),
    fresh: args.has('no-cache'),
  }
}
