// What is left of a section once lines of ours are gone. In: an AWS file, a section, those lines, the region that hardkey wrote.
// Out: the lines that may go with them.

import type { AwsFile } from './aws-config.ts'
import { type IniLine, iniValue } from './ini.ts'

/** The lines of a section in which, without `ours`, nobody has said anything; none where somebody has. */
export function leftOver(
  file: AwsFile,
  section: string,
  ours: readonly IniLine[],
  region: string | undefined,
): readonly IniLine[] {
  const lines = file.lines.filter((line) => line.section === section)
  const isOfHardkey = lines.some((line) => ours.includes(line))
  const isNothing = (line: IniLine): boolean => {
    if (line.problem !== undefined) return false
    if (line.kind === 'other') return isBlank(file, line)
    const isRegion = line.kind === 'setting' && line.name === 'region'
    return (
      line.kind === 'section' ||
      ours.includes(line) ||
      (isOfHardkey && isRegion && iniValue(file.bytes, line) === region)
    )
  }
  const [header] = lines
  if (header === undefined || !lines.every(isNothing)) return []
  // A new section is written with an empty line before it, which belongs to the section above.
  const before = file.lines[file.lines.indexOf(header) - 1]
  const isLast = lines.includes(file.lines.at(-1) ?? header)
  return isLast && before !== undefined && isBlank(file, before) ? [before, ...lines] : lines
}

function isBlank(file: AwsFile, { kind, start, end }: IniLine): boolean {
  return kind === 'other' && file.bytes.subarray(start, end).every((byte) => byte === 0x20 || byte === 0x09)
}
