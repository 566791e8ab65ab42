// A `credential_process` line of hardkey. In: the command and a record's name, or a line that stands in an AWS file.
// Out: the line; the words that follow `credential-process` in one of ours.
// AWS SDKs and Tools Reference Guide, "Process credential provider". Some tools run the line in a shell and some split it
// by themselves, so one that we write means the same both ways.

import { HardkeyError } from '../errors.ts'
import { checkRecordName } from './record.ts'

/**
 * The value of `credential_process`: the words of the command (an absolute path, on Windows with forward slashes), then
 * `credential-process NAME`. Words with spaces are put in double quotes, each as a whole.
 * @throws ERR_CONFIG_INVALID for a word that shells or AWS files would read as something else
 */
export function credentialProcessLine(command: readonly string[], name: string): string {
  checkRecordName(name)
  return [...command, 'credential-process', name].map(quoted).join(' ')
}

/** True when this line asks hardkey for this record. */
export function isCredentialProcessLineOf(line: string, name: string): boolean {
  return hardkeyCall(line)?.name === name
}

/** True when hardkey stands in this line, whatever it is asked for. */
export function namesHardkey(line: string): boolean {
  return (lineWords(line) ?? line.split(/\s/)).some(isHardkey)
}

/** A line of hardkey. */
export interface HardkeyCall {
  /** The words before `credential-process`. */
  readonly program: readonly string[]
  /** Those behind it. */
  readonly words: readonly string[]
  /** The word NAME among them: a record, or a key URI. */
  readonly name: string | undefined
  /** The options among them, without their values. */
  readonly options: readonly string[]
}

/** Options of `credential-process` that take no value. */
export const lineSwitches: readonly string[] = Object.freeze([
  '--no-role',
  '--no-cache',
  '--strict',
  '--use-fips-endpoint',
  '--use-dualstack-endpoint',
  '--verbose',
  '--help',
  '-h',
])

/** What a line asks of hardkey; undefined where that is not among the words before `credential-process`. */
export function hardkeyCall(line: string): HardkeyCall | undefined {
  const words = lineWords(line) ?? []
  const at = words.indexOf('credential-process')
  const program = words.slice(0, Math.max(at, 0))
  return program.some(isHardkey) ? { program, ...partsOf(words.slice(at + 1)) } : undefined
}

/** The words as the command itself reads them (node:util, parseArgs). */
function partsOf(words: readonly string[]): Omit<HardkeyCall, 'program'> {
  const options: string[] = []
  const names: string[] = []
  for (let at = 0; at < words.length; at++) {
    const [word = '', option = ''] = /^(--?[^-=][^=]*)?.*$/s.exec(words[at] ?? '') ?? []
    if (word === '--') names.push(...words.slice(at + 1))
    if (word === '--') break
    if (option === '') names.push(word)
    else {
      options.push(option)
      if (option === word && !lineSwitches.includes(option)) at++
    }
  }
  return { words, name: names[0], options }
}

/**
 * The line split at white space, with quotes of both kinds taken off; undefined where one is not closed. A backslash is an
 * ordinary character, as in a path of Windows: we write none.
 */
export function lineWords(line: string): readonly string[] | undefined {
  const words: string[] = []
  const form = /\s+|((?:[^\s"']+|"[^"]*"|'[^']*')+)/gy
  let end = 0
  for (const [text, word] of line.matchAll(form)) {
    end += text.length
    if (word !== undefined) words.push(word.replace(/"([^"]*)"|'([^']*)'/g, (_, one, other) => one ?? other))
  }
  return end === line.length ? words : undefined
}

/** The command itself, or its script behind `node`: /usr/bin/hardkey, C:/x/hardkey.cmd, …/dist/cli/hardkey.cjs. */
function isHardkey(word: string): boolean {
  return /^(.*[/\\])?hardkey(\.\w+)?$/.test(word)
}

function quoted(word: string): string {
  if (/^[\w./:@%+=,~-]+$/.test(word) && !/[%~]/.test(word)) return word
  // Inside double quotes a shell still reads $ ` \ and !, cmd.exe reads %; # and ; begin a comment in the file.
  const special = /["$`\\!%#;\p{Cc}\p{Zl}\p{Zp}]/u.exec(word)?.[0]
  if (word !== '' && special === undefined) return `"${word}"`
  const fault = special === undefined ? 'a word is empty' : `"${special}" stands in a path`
  throw new HardkeyError('ERR_CONFIG_INVALID', `the command cannot be written into an AWS file: ${fault}`, {
    hint: 'install hardkey where its path has letters, digits and . _ - / alone, or name it by such a link',
  })
}
