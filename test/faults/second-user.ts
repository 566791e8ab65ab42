// A second user of the machine, who is not root and owns nothing of the first. In: a program. Out: what he got to see. Needs
// root, who alone may become another (setpriv of util-linux).

import { spawn } from 'node:child_process'
import { ended, type Ran } from '../cli/hardkey.ts'
import { builtEnvironment } from '../peers/peer.ts'

/** Numbers that no system gives to a user of its own. */
export const secondUser = { uid: 61_007, gid: 61_007 } as const

/** This machine does not let us become another user: counts as "not run" in the report of `npm test`. */
class CannotBecomeAnother extends Error {
  override readonly name = 'PeerMissing'
}

/** Runs `script` as the second user; its parameters are `$1` and so on. `environment`: beside a path and a locale. */
export async function asSecondUser(
  script: string,
  parameters: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  if (process.getuid?.() !== 0) throw new CannotBecomeAnother('a second user can be played by root alone')
  const become = [`--reuid=${secondUser.uid}`, `--regid=${secondUser.gid}`, '--clear-groups']
  const child = spawn('setpriv', [...become, '--', 'sh', '-c', script, 'sh', ...parameters], {
    cwd: '/',
    env: builtEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  return await ended(child)
}
