// CSV whose fields may be secrets. In: bytes. Out: rows of places, and the bytes of one field. RFC 4180, with the line
// endings and the byte order mark that consoles and spreadsheets write.

import { HardkeyError } from '../errors.ts'

/** Inside the quotes, where there are any. */
export interface CsvField {
  readonly start: number
  readonly end: number
}

const [quote, comma, newline, carriageReturn] = Buffer.from('",\n\r')

/** The rows that are not empty. @throws ERR_SECRET_INVALID with the byte's position */
export function csvRows(bytes: Uint8Array): readonly (readonly CsvField[])[] {
  const rows: CsvField[][] = []
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  for (let row: CsvField[] = []; at < bytes.length; ) {
    const field = bytes[at] === quote ? quotedField(bytes, at) : plainField(bytes, at)
    row.push(field)
    at = bytes[at] === quote ? field.end + 1 : field.end
    if (bytes[at] === comma) {
      at++
      // A comma at the very end: an empty field follows it.
      if (at < bytes.length) continue
      row.push({ start: at, end: at })
    }
    at = afterLine(bytes, at)
    if (row.some(({ start, end }) => end > start)) rows.push(row)
    row = []
  }
  return rows
}

/** The bytes of a field, doubled quotes as one, in a buffer of their own that the caller wipes. */
export function csvBytes(bytes: Uint8Array, { start, end }: CsvField): Uint8Array {
  const isSecondQuote = (at: number): boolean =>
    bytes[start - 1] === quote && bytes[at] === quote && bytes[at - 1] === quote
  const kept: number[] = []
  for (let at = start; at < end; at++) {
    kept.push(at)
    if (at + 1 < end && isSecondQuote(at + 1)) at++
  }
  const field = new Uint8Array(new ArrayBuffer(kept.length))
  for (const [to, from] of kept.entries()) field[to] = bytes[from] ?? 0
  return field
}

function plainField(bytes: Uint8Array, start: number): CsvField {
  const isEnd = (byte: number): boolean => byte === comma || byte === newline || byte === carriageReturn
  const length = bytes.subarray(start).findIndex(isEnd)
  return { start, end: length < 0 ? bytes.length : start + length }
}

function quotedField(bytes: Uint8Array, open: number): CsvField {
  let at = open + 1
  while (at < bytes.length && (bytes[at] !== quote || bytes[at + 1] === quote)) at += bytes[at] === quote ? 2 : 1
  if (at >= bytes.length) throw malformed(open, 'opens a field that does not end')
  return { start: open + 1, end: at }
}

function afterLine(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) return at
  if (bytes[at] === newline) return at + 1
  if (bytes[at] === carriageReturn) return bytes[at + 1] === newline ? at + 2 : at + 1
  throw malformed(at, 'stands behind the closing quote of a field')
}

function malformed(at: number, what: string): HardkeyError {
  return new HardkeyError('ERR_SECRET_INVALID', `this is not CSV: byte ${at + 1} ${what}`)
}
