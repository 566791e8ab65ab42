// Changes to an AWS configuration file that keep every other byte: comments, order, indentation, line endings.
// In: the bytes and lines of the file and what shall change. Out: new bytes in a buffer of their own, which the caller
// wipes where the file holds secrets. A change that would alter what any other line means is refused.

import { HardkeyError } from '../errors.ts'
import { type IniLine, readIniLines } from './ini.ts'

/** The file without these lines. @throws ERR_CONFIG_INVALID where another line would then mean something else */
export function removeIniLines(
  bytes: Uint8Array,
  lines: readonly IniLine[],
  gone: readonly IniLine[],
  path: string,
): Uint8Array {
  const kept = lines.filter((line) => !gone.includes(line))
  const edited = join(kept.map((line) => bytes.subarray(line.start, line.next)))
  checkMeaning(kept, edited, path)
  return edited
}

export interface IniChange {
  /** The section as IniLine has it. */
  readonly section: string
  /** The header to write where there is no such section: "[profile prod]". */
  readonly header: string
  /** Names and values, in the order in which new ones are written. */
  readonly settings: readonly (readonly [name: string, value: string])[]
}

/**
 * The file with these settings: a value that stands there is replaced in its place, a new one follows the last setting
 * of its section, a new section the end of the file. @throws ERR_CONFIG_INVALID where another line would then mean
 * something else
 */
export function setIniSettings(
  bytes: Uint8Array,
  lines: readonly IniLine[],
  change: IniChange,
  path: string,
): Uint8Array {
  let edited: Uint8Array = bytes
  let current = lines
  for (const [name, value] of change.settings) {
    const others = current.filter((line) => !isSetting(line, change.section, name))
    const before = edited
    edited = setOne(before, current, change, name, value)
    if (before !== bytes) before.fill(0)
    current = readIniLines(edited, path)
    checkMeaning(others, edited, path, (line) => !isSetting(line, change.section, name))
  }
  return edited
}

function setOne(
  bytes: Uint8Array,
  lines: readonly IniLine[],
  change: IniChange,
  name: string,
  value: string,
): Uint8Array {
  const present = lines.findLast((line) => isSetting(line, change.section, name))
  if (present !== undefined) {
    const gap = present.kind === 'block' ? ' ' : ''
    return join([bytes.subarray(0, present.valueStart), gap + value, bytes.subarray(present.valueEnd)])
  }
  const ending = lineEnding(bytes, lines)
  const setting = `${name} = ${value}${ending}`
  const place = lines.findLast((line) => line.section === change.section && line.kind !== 'other')
  if (place !== undefined) {
    const open = place.next === place.end ? ending : ''
    return join([bytes.subarray(0, place.next), open + setting, bytes.subarray(place.next)])
  }
  const last = lines.at(-1)
  const open = last !== undefined && last.next === last.end ? ending : ''
  const gap = last === undefined || last.start === last.end ? '' : ending
  return join([bytes, `${open}${gap}${change.header}${ending}${setting}`])
}

function isSetting(line: IniLine, section: string, name: string): boolean {
  return (line.kind === 'setting' || line.kind === 'block') && line.section === section && line.name === name
}

function lineEnding(bytes: Uint8Array, lines: readonly IniLine[]): string {
  const first = lines[0]
  return first !== undefined && bytes[first.end] === 0x0d ? '\r\n' : '\n'
}

function checkMeaning(
  before: readonly IniLine[],
  edited: Uint8Array,
  path: string,
  isOld: (line: IniLine) => boolean = () => true,
): void {
  const after = readIniLines(edited, path).filter(isOld)
  const meaning = (lines: readonly IniLine[]) =>
    lines.filter((line) => line.kind !== 'other' && line.kind !== 'section')
  const kept = meaning(before)
  const found = meaning(after)
  const isSame = (line: IniLine, at: number) => line.section === found[at]?.section && line.name === found[at]?.name
  if (kept.length === found.length && kept.every(isSame)) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `${path} cannot be edited without a change to other settings`, {
    hint: 'settings stand indented under a line they do not belong to: mend the indentation first',
  })
}

function join(parts: readonly (Uint8Array | string)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part))
  const whole = new Uint8Array(new ArrayBuffer(pieces.reduce((sum, piece) => sum + piece.length, 0)))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.length
  }
  return whole
}
