// Programs that a test puts in a folder of its own: what an askpass, a pinentry or an opener would be on a user's machine.
// In: a home folder and a script. Out: its path.

import { chmodSync } from 'node:fs'
import type { CommandHome } from './hardkey.ts'

/** A shell script that can be started. */
export function script(home: CommandHome, name: string, lines: readonly string[]): string {
  const path = home.write(name, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(path, 0o700)
  return path
}

/** A peer of the Assuan protocol that answers OK to each command but those named here. What it is told goes to a file. */
export function pinentryScript(
  home: CommandHome,
  name: string,
  answers: Readonly<Record<string, string>>,
  greeting = 'OK Pleased to meet you',
): string {
  const cases = Object.entries(answers).map(([command, answer]) => `"${command}"*) ${answer};;`)
  const listen = [
    'while IFS= read -r line; do',
    `  printf '%s\\n' "$line" >> "$0.told"`,
    '  case $line in',
    ...cases,
    'BYE) echo OK; exit;;',
    '*) echo OK;;',
    'esac',
    'done',
  ]
  return script(home, name, [`echo '${greeting}'`, ...listen])
}
