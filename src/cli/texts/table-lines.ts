// Rows as aligned columns for a person. In: a head and rows of text. Out: lines, foreign text made safe for a
// terminal.

import { onOneLine } from '../../errors.ts'

/** Head and rows, each column as wide as its widest cell, two spaces between, none at the end of a line. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [head, ...rows].map((row) => row.map(onOneLine))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** `name  value` lines, the values below each other; pairs without a value are left out. */
export function pairLines(pairs: readonly (readonly [name: string, value: string | undefined])[]): readonly string[] {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${onOneLine(value)}`)
}
