// The PEM of a key file. In: the bytes of a file. Out: its DER; and the other way.
// RFC 7468, section 3 (strict), with lines of any length and either line ending. One block and nothing beside it.
// An error names the line, counted from 1, and never what stands there, but for a label in capital letters.

import { keyFileInvalid } from './malformed.ts'

/** TSS2 key file draft, section 3.1. */
const label = 'TSS2 PRIVATE KEY'
/** No key file comes near it. */
export const longestKeyFile = 65_536
const lineLength = 64

/** @param what the subject of the errors @throws ERR_KEY_FILE_INVALID */
export function readPem(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length > longestKeyFile) throw keyFileInvalid(what, `has more than ${longestKeyFile} bytes`)
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
  const begin = lines.findIndex((line) => line !== '')
  if (begin < 0) throw keyFileInvalid(what, 'is empty')
  refuseOtherLabel(lines[begin] ?? '', begin + 1, what)
  const end = lines.indexOf(`-----END ${label}-----`, begin)
  if (end < 0) throw keyFileInvalid(what, `has no line -----END ${label}-----`)
  const after = lines.findIndex((line, index) => index > end && line !== '')
  if (after >= 0) {
    const isBlock = lines[after]?.startsWith('-----BEGIN ') ?? false
    throw keyFileInvalid(what, `has ${isBlock ? 'a second block' : 'text behind its end'} in line ${after + 1}`)
  }
  return readBase64(lines.slice(begin + 1, end), begin + 2, what)
}

/** The text of a file with this DER, with a line ending. */
export function writePem(der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64')
  const lines = base64.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

function refuseOtherLabel(line: string, number: number, what: string): void {
  if (line === `-----BEGIN ${label}-----`) return
  const other = /^-----BEGIN ([A-Z0-9 ]{1,40})-----$/.exec(line)?.[1]
  if (other === undefined) {
    throw keyFileInvalid(
      what,
      `does not begin with -----BEGIN ${label}-----: line ${number} is another`,
      'a pair of files from tpm2-tools is named by tpm2:public=PATH;private=PATH',
    )
  }
  throw keyFileInvalid(what, `is a PEM of "${other}", not of "${label}"`, hints[other] ?? 'it is no key of a TPM 2.0')
}

const hints: Readonly<Record<string, string>> = {
  'TSS KEY BLOB': 'it is a key of a TPM 1.2, which hardkey cannot use',
  'PUBLIC KEY': 'it holds no key that a TPM can load',
}

function readBase64(lines: readonly string[], firstNumber: number, what: string): Uint8Array {
  for (const [index, line] of lines.entries()) {
    const bad = /[^A-Za-z0-9+/=]/.exec(line)
    if (bad === null) continue
    throw keyFileInvalid(
      what,
      `has a character that is not base64 in line ${firstNumber + index}, column ${bad.index + 1}`,
    )
  }
  const text = lines.join('')
  const der = Buffer.from(text, 'base64')
  if (text === '' || der.toString('base64') !== text)
    throw keyFileInvalid(what, 'has base64 that is cut or wrongly padded')
  return new Uint8Array(der)
}
