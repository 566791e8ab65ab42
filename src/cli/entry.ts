// The first file of the command. In: the words and variables of a start. Out: true where it was `credential-process` and its
// session was kept: it is printed, and nothing else is loaded. False for everything else: then the command is loaded, which
// finds the same session by the long way. A bundle of its own, without node:crypto and process.stdout (scripts/build.mjs).

import { fstatSync } from 'node:fs'
import { uptime } from 'node:os'
import { isGoodForTools } from '../credentials/kept-session.ts'
import { processJson } from '../credentials/process-json.ts'
import { keptSession } from '../credentials/session-store.ts'
import { findRuntimeFolder } from '../files/runtime-folder.ts'
import { writeWhole } from '../files/write-whole.ts'
import { followShortcut, startText, type Variables } from './session/shortcut.ts'

/** Prints the session that is kept for this start, where there is one. `command`: the file that runs. Never throws. */
export function servesKeptSession(
  words: readonly string[],
  variables: Variables,
  command: string,
  now: () => Date = () => new Date(),
): boolean {
  if (words[0] !== 'credential-process' || isForTheCommand(words, variables)) return false
  try {
    const folder = runtimeFolder(words, variables)
    if (folder === undefined) return false
    const request = followShortcut(folder, startText(words, variables, command), process.cwd)
    const session = request === undefined ? undefined : keptSession(folder, request)
    if (session === undefined || !isGoodForTools(session, now(), uptime())) return false
    // A person at a terminal is warned.
    if (fstatSync(1).isCharacterDevice()) return false
    writeWhole(1, Buffer.from(`${processJson(session.credentials)}\n`))
    return true
  } catch {
    // Whatever it is, the command meets it again and says what it is.
    return false
  }
}

/** Words and switches of Node that want more than a session. */
function isForTheCommand(words: readonly string[], { NODE_OPTIONS = '' }: Variables): boolean {
  return NODE_OPTIONS !== '' || words.some((word) => ['--no-cache', '--verbose', '--help', '-h'].includes(word))
}

/** Looked for and not made. A word that is taken for the option and is none leads to a folder without this start. */
function runtimeFolder(words: readonly string[], variables: Variables): string | undefined {
  const at = words.findIndex((word) => word.startsWith('--cache-dir'))
  const option = words[at]?.startsWith('--cache-dir=') === true ? words[at].slice(12) : words[at + 1]
  const chosen = (at < 0 ? undefined : option) || variables.HARDKEY_CACHE_DIR || undefined
  if (chosen === 'none') return undefined
  const { RUNTIME_DIRECTORY: runtimeDirectory, XDG_RUNTIME_DIR: xdgRuntimeDir } = variables
  return findRuntimeFolder({ chosen, runtimeDirectory, xdgRuntimeDir }, { make: false }).path
}
