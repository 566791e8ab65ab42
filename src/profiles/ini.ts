// AWS configuration files, line by line, as bytes. In: the bytes of a file. Out: what each line is and where its value
// stands, exactly as the AWS SDK for JavaScript reads it (AWS SDKs and Tools Reference Guide, "Shared config and
// credentials files"). Values become text only when asked for, and those of secrets never do.

import { isUtf8 } from 'node:buffer'
import { HardkeyError } from '../errors.ts'

export interface IniLine {
  /** Counted from 1. */
  readonly number: number
  /** First byte of the line, first byte of its line ending, first byte of the next line. */
  readonly start: number
  readonly end: number
  readonly next: number
  /** A `block` is a name with an empty value: indented settings after it belong to it. */
  readonly kind: 'section' | 'setting' | 'block' | 'other'
  /** The section as the SDK calls it: "default", "profile.prod" and "services.local" in config, "prod" in credentials. */
  readonly section: string | undefined
  /** With the name of its block: "s3.addressing_style". Empty unless a setting or a block. */
  readonly name: string
  readonly valueStart: number
  readonly valueEnd: number
  /** What the SDK overlooks and other AWS tools refuse. */
  readonly problem: string | undefined
}

/** Names whose values are secrets. Other AWS tools read names without regard to case, so this does too. */
export function isSecretName(name: string): boolean {
  return ['aws_secret_access_key', 'aws_session_token', 'aws_security_token'].includes(name.toLowerCase())
}

const [newline, carriageReturn, hash, semicolon, equals, openBracket, closeBracket] = Buffer.from('\n\r#;=[]')

/** @throws ERR_CONFIG_INVALID with `path` and the line where the bytes are not UTF-8 or hold a NUL */
export function readIniLines(bytes: Uint8Array, path: string): readonly IniLine[] {
  const lines: IniLine[] = []
  const place: Place = { section: undefined, block: undefined, headers: 0, seen: new Map() }
  for (let start = 0, number = 1; start < bytes.length; number++) {
    const feed = bytes.indexOf(newline ?? 0, start)
    const next = feed < 0 ? bytes.length : feed + 1
    const stop = feed < 0 ? bytes.length : feed
    const end = feed > start && bytes[feed - 1] === carriageReturn ? feed - 1 : stop
    checkText(bytes.subarray(start, end), path, number)
    lines.push(readLine(bytes, { number, start, end, next }, place))
    start = next
  }
  return lines
}

/** The value of a setting as text. Who must not need it: code that wants a secret, which copies the bytes. */
export function iniValue(bytes: Uint8Array, line: IniLine): string {
  return text(bytes, line.valueStart, line.valueEnd)
}

/** The settings of a section, later lines over earlier ones, secrets left out. */
export function iniSettings(bytes: Uint8Array, lines: readonly IniLine[], section: string): Map<string, string> {
  const settings = new Map<string, string>()
  for (const line of lines) {
    if (line.kind === 'setting' && line.section === section && !isSecretLine(line)) {
      settings.set(line.name, iniValue(bytes, line))
    }
  }
  return settings
}

function isSecretLine(line: IniLine): boolean {
  return line.name.split('.').some(isSecretName)
}

function checkText(line: Uint8Array, path: string, number: number): void {
  const fault = line.includes(0) ? 'holds a NUL byte' : isUtf8(line) ? undefined : 'is not UTF-8'
  if (fault === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `${path}:${number}: the line ${fault}`, {
    hint: 'save the file as UTF-8 text',
  })
}

/** Where the reader stands: the section and block that the next line belongs to, and what came before. */
interface Place {
  section: string | undefined
  block: string | undefined
  headers: number
  readonly seen: Map<string, number>
}

type LineSpan = Pick<IniLine, 'number' | 'start' | 'end' | 'next'>

function readLine(bytes: Uint8Array, span: LineSpan, place: Place): IniLine {
  const [from, to] = trim(bytes, span.start, withoutComment(bytes, span.start, span.end))
  const nothing = { ...span, name: '', valueStart: to, valueEnd: to, problem: undefined }
  if (from === to) return { ...nothing, kind: 'other', section: place.section }
  if (bytes[from] === openBracket && bytes[to - 1] === closeBracket && to - from > 1) {
    place.section = sectionKey(text(bytes, from + 1, to - 1))
    place.block = undefined
    place.headers++
    return { ...nothing, kind: 'section', section: place.section, problem: again(place, span.number, '') }
  }
  const sign = bytes.subarray(from, to).indexOf(equals ?? 0)
  const unclosed = bytes[from] === openBracket ? 'the section is not closed' : undefined
  if (place.section === undefined || sign < 1) {
    const outside = place.headers === 0 ? 'a setting outside of any section' : undefined
    const problem = unclosed ?? (sign < 1 ? 'the line is not name = value' : outside)
    return { ...nothing, kind: 'other', section: place.section, problem }
  }
  return readSetting(bytes, { ...span, problem: unclosed }, { from, to, sign: from + sign }, place)
}

function readSetting(
  bytes: Uint8Array,
  line: LineSpan & { readonly problem: string | undefined },
  at: { readonly from: number; readonly to: number; readonly sign: number },
  place: Place,
): IniLine {
  const [valueStart, valueEnd] = trim(bytes, at.sign + 1, at.to)
  const [nameStart, nameEnd] = trim(bytes, at.from, at.sign)
  const isBlock = valueStart === valueEnd
  const indented = spaceAt(bytes, line.start, line.end) > 0
  if (!isBlock && !indented) place.block = undefined
  // What stands under the name of a secret is a secret that lost its place: not even its name becomes text.
  const hidden = place.block !== undefined && isSecretName(place.block)
  const own = hidden ? '[secret]' : text(bytes, nameStart, nameEnd)
  if (isBlock) place.block = own
  const name = isBlock || place.block === undefined ? own : `${place.block}.${own}`
  const problem = line.problem ?? again(place, line.number, name)
  return { ...line, kind: isBlock ? 'block' : 'setting', section: place.section, name, valueStart, valueEnd, problem }
}

/** A section or setting that stood there before: the SDK merges them, botocore refuses the file. */
function again(place: Place, number: number, name: string): string | undefined {
  if (place.section === undefined) return undefined
  const key = `${place.section}\n${name}`
  const first = place.seen.get(key)
  if (first !== undefined) return `${name === '' ? 'the section' : name} stands on line ${first} already`
  place.seen.set(key, number)
  return undefined
}

// `[profile NAME]`, `[sso-session NAME]` and `[services NAME]` get a dot; a section with another first word and a plain
// second one is nobody's; everything else is taken as it stands.
function sectionKey(name: string): string | undefined {
  const [, prefix, , rest] = /^([\w-]+)\s(["'])?([\w\-@+.%:/]+)\2$/.exec(name) ?? []
  if (prefix === undefined) return name === '' ? undefined : name
  return ['profile', 'sso-session', 'services'].includes(prefix) ? `${prefix}.${rest}` : undefined
}

/** A comment begins with ; or # at the start of a line or after white space. */
function withoutComment(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const isMark = bytes[at] === hash || bytes[at] === semicolon
    if (isMark && (at === start || spaceBefore(bytes, start, at) > 0)) return at
  }
  return end
}

/** Where what stands between `start` and `end` begins and ends without the white space around it. */
export function trim(bytes: Uint8Array, start: number, end: number): [number, number] {
  let from = start
  let to = end
  for (let size = spaceAt(bytes, from, to); size > 0; size = spaceAt(bytes, from, to)) from += size
  for (let size = spaceBefore(bytes, from, to); size > 0; size = spaceBefore(bytes, from, to)) to -= size
  return [from, to]
}

function spaceBefore(bytes: Uint8Array, start: number, at: number): number {
  return [1, 2, 3].find((size) => at - size >= start && spaceAt(bytes, at - size, at) === size) ?? 0
}

/** Length in bytes of the white space character at `at`, 0 for any other: ECMA-262, WhiteSpace and LineTerminator. */
function spaceAt(bytes: Uint8Array, at: number, end: number): number {
  const first = at < end ? (bytes[at] ?? 0) : 0
  if (first === 0x20 || (first >= 0x09 && first <= 0x0d)) return 1
  if (first < 0xc2) return 0
  const second = at + 1 < end ? (bytes[at + 1] ?? 0) : 0
  if (first === 0xc2) return second === 0xa0 ? 2 : 0
  const third = at + 2 < end ? (bytes[at + 2] ?? 0) : 0
  return wideSpaces.has((first << 16) | (second << 8) | third) ? 3 : 0
}

// U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000 and U+FEFF, as their three bytes of UTF-8.
const wideSpaces: ReadonlySet<number> = new Set([
  0xe19a80, 0xe28080, 0xe28081, 0xe28082, 0xe28083, 0xe28084, 0xe28085, 0xe28086, 0xe28087, 0xe28088, 0xe28089,
  0xe2808a, 0xe280a8, 0xe280a9, 0xe280af, 0xe2819f, 0xe38080, 0xefbbbf,
])

/** These bytes as text. Who must not need it: code that reads a value. */
export function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
