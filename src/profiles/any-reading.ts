// What any AWS tool may take for a setting of a profile. In: an AWS file as bytes. Out: names and lines, never a value: for
// judging which identity signs, where one tool that reads a key is one too many. Values are read as aws-config.ts says.
// botocore, configloader.py, which is Python's configparser: [DEFAULT] stands in every section, a colon divides too, what is
// indented further than the setting above goes on with it, a header may have any white space. The SDK for Go takes that too.

import { type AwsFile, profileLines } from './aws-config.ts'
import { text, trim } from './ini.ts'
import { lineWords } from './process-line.ts'

export interface FoundSetting {
  /** In small letters. */
  readonly name: string
  /** FILE:LINE, and `[DEFAULT]` where it stands there. */
  readonly place: string
}

/** The settings of these names that some AWS tool finds for the profile, in the order of the lines. */
export function settingsForAny(file: AwsFile, profile: string, names: readonly string[]): readonly FoundSetting[] {
  const ofSdk = profileLines(file, profile)
    .filter(({ kind, name }) => kind === 'setting' && names.includes(name.toLowerCase()))
    .map(({ name, number }) => ({ name: name.toLowerCase(), number, isInherited: false }))
  const isOf = (header: string): boolean => profileIn(header, file.which) === profile
  const ofPython = pythonSettings(file.bytes, isOf, names).filter(
    ({ number }) => !ofSdk.some((one) => one.number === number),
  )
  return [...ofSdk, ...ofPython]
    .sort((one, other) => one.number - other.number)
    .map(({ name, number, isInherited }) => ({
      name,
      place: `${file.path}:${number}${isInherited ? ' in [DEFAULT]' : ''}`,
    }))
}

/** The profile that a section is for: `profile NAME`, `default` or `DEFAULT` in config, any name in credentials. */
export function profileIn(header: string, which: AwsFile['which']): string | undefined {
  const name = header.trim()
  if (which === 'credentials' || name.toLowerCase() === 'default') return name
  const words = name.startsWith('profile') ? lineWords(name) : undefined
  return words?.length === 2 ? words[1] : undefined
}

interface PythonSetting {
  readonly name: string
  /** Of the line, counted from 1. */
  readonly number: number
  /** It stands in `[DEFAULT]`. */
  readonly isInherited: boolean
}

/** What Python's configparser finds of these names in sections whose header `isOf` accepts. */
export function pythonSettings(
  bytes: Uint8Array,
  isOf: (header: string) => boolean,
  names: readonly string[],
): readonly PythonSetting[] {
  const longest = Math.max(...names.map(({ length }) => length))
  const found: PythonSetting[] = []
  let isThere = false
  let section: 'ours' | 'everyone' | 'other' = 'other'
  let indentation: number | undefined
  for (const { from, to, start, number } of textLines(bytes)) {
    const indented = text(bytes, start, from).length
    if (indentation !== undefined && indented > indentation) continue
    const header = bytes[from] === 0x5b ? /^\[(.+)\]/.exec(text(bytes, from, to))?.[1] : undefined
    indentation = header === undefined ? indented : undefined
    if (header !== undefined) {
      section = header.trim() === 'DEFAULT' ? 'everyone' : isOf(header) ? 'ours' : 'other'
      isThere ||= isOf(header)
      continue
    }
    const sign = bytes.subarray(from, to).findIndex((byte) => byte === 0x3d || byte === 0x3a)
    const [, end] = trim(bytes, from, from + Math.max(sign, 0))
    // What is longer than every name may be anything, and does not become text.
    const name = end - from > longest ? '' : text(bytes, from, end).toLowerCase()
    if (section !== 'other' && names.includes(name)) found.push({ name, number, isInherited: section === 'everyone' })
  }
  return found.filter(({ isInherited }) => isThere || !isInherited)
}

interface TextLine {
  /** First byte of the line; first and last of what stands in it. */
  readonly start: number
  readonly from: number
  readonly to: number
  readonly number: number
}

/** Lines that are neither empty nor a comment. To Python a carriage return ends a line, too. */
function* textLines(bytes: Uint8Array): Generator<TextLine> {
  for (let start = 0, number = 1; start < bytes.length; ) {
    let end = start
    while (end < bytes.length && bytes[end] !== 0x0a && bytes[end] !== 0x0d) end++
    const [from, to] = trim(bytes, start, end)
    // `#` and `;`
    if (from < to && bytes[from] !== 0x23 && bytes[from] !== 0x3b) yield { start, from, to, number }
    if (bytes[end] === 0x0a) number++
    start = end + 1
  }
}
