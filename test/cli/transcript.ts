// Reads transcripts of the command. In: the text of a file in transcripts/. Out: steps, each a command line and what
// it must print. The form:
//   # a sentence: the name of the step          $ [VARIABLE=VALUE …] hardkey WORDS … [< FILE]
//   lines of standard output                    ! lines of standard error             ? exit status, 0 without it
// `$ write FILE TEXT` makes a file of the home folder (\n: a line end), `$ cat FILE` shows one, `$ ls FOLDER` lists
// one. In expected lines [HOME] stands for the home folder and [...] for anything.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandHome, Ran } from './hardkey.ts'

export interface TranscriptStep {
  readonly title: string
  readonly command: string
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly status: number
}

/** The steps in order. A line that nobody understands is a failure. */
export function readTranscript(text: string): readonly TranscriptStep[] {
  return text
    .split(/^(?=# )/m)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const lines = block.split('\n').map((line) => line.trimEnd())
      const command = lines.find((line) => line.startsWith('$ '))
      if (!lines[0]?.startsWith('# ') || command === undefined)
        throw new Error(`not a step of a transcript: ${lines[0]}`)
      const rest = lines.slice(lines.indexOf(command) + 1)
      const status = rest.find((line) => /^\? \d+$/.test(line))
      return {
        title: lines[0].slice(2),
        command: command.slice(2),
        stdout: withoutEmptyEnd(rest.filter((line) => !/^[!?]( |$)/.test(line))),
        stderr: rest.filter((line) => line.startsWith('! ')).map((line) => line.slice(2)),
        status: status === undefined ? 0 : Number(status.slice(2)),
      }
    })
}

/** Runs the command line of a step in the home folder. */
export async function runStep(home: CommandHome, command: string): Promise<Ran> {
  const words = splitWords(command).map((word) => word.replaceAll('[HOME]', home.folder))
  const done = (stdout: string): Ran => ({ status: 0, stdout, stderr: '' })
  const [first = '', file = '', ...rest] = words
  if (first === 'write') return done(home.write(file, `${rest.join(' ').replaceAll('\\n', '\n')}\n`).slice(0, 0))
  if (first === 'cat') return done(home.read(file))
  if (first === 'ls')
    return done(
      readdirSync(join(home.folder, file))
        .sort()
        .map((name) => `${name}\n`)
        .join(''),
    )
  const at = words.indexOf('hardkey')
  if (at < 0) throw new Error(`a transcript cannot run ${first}`)
  const environment = Object.fromEntries(words.slice(0, at).map((word) => word.split('=', 2) as [string, string]))
  const from = words.indexOf('<')
  const input = from < 0 ? undefined : home.read(words[from + 1] ?? '')
  return await home.run(words.slice(at + 1, from < 0 ? undefined : from), { environment, input })
}

/** A regular expression that an expected text stands for. */
export function pattern(lines: readonly string[], home: string): RegExp {
  const escaped = lines
    .join('\n')
    .replaceAll('[HOME]', home)
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('\\[\\.\\.\\.\\]', '.*')}$`)
}

function withoutEmptyEnd(lines: readonly string[]): readonly string[] {
  return lines.join('\n').replace(/\n+$/, '').split('\n')
}

/** Words as a shell splits them, with single quotes alone. */
function splitWords(command: string): readonly string[] {
  return Array.from(command.matchAll(/(?:[^\s']|'[^']*')+/g), ([word]) => word.replaceAll("'", ''))
}
