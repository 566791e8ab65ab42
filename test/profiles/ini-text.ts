// Random AWS files: few names and signs, so that sections, blocks and doubles meet often, and every kind of white space.

import fc from 'fast-check'

const word = fc.constantFrom(
  'a',
  'b',
  'region',
  's3',
  'default',
  'profile',
  'services',
  'x-y',
  'ä',
  '[',
  ']',
  '"',
  "'",
  '.',
)
const space = fc.constantFrom(
  '',
  '',
  ' ',
  '  ',
  '\t',
  '\u00a0',
  '\ufeff',
  '\u2003',
  '\u3000',
  '\u2028',
  '\u200b',
  '\u0085',
  '\v',
  '\r',
)
const sign = fc.constantFrom('=', '==', ' = ', '', '#', ';', ' #', ' ;', '/', '%')

const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''))

const header = joined(space, fc.constant('['), word, space, word, fc.constantFrom(']', ']', ']', ''), space, sign)
const profileHeader = joined(fc.constantFrom('[profile ', '[services ', '[sso-session ', '['), word, fc.constant(']'))
const setting = joined(space, word, space, fc.constant('='), space, word, sign, space, word, space)
const blockStart = joined(word, space, fc.constant('='), space)
const nested = joined(fc.constantFrom('  ', '\t'), word, fc.constant(' = '), word)
const anything = fc.array(fc.oneof(word, space, sign), { maxLength: 6 }).map((parts) => parts.join(''))

/** Texts of up to 25 lines. */
export function iniText(): fc.Arbitrary<string> {
  const line = fc.oneof(header, profileHeader, profileHeader, setting, setting, blockStart, nested, anything)
  const ending = fc.constantFrom('\n', '\n', '\r\n')
  return fc
    .array(fc.tuple(line, ending), { maxLength: 25 })
    .map((lines) => lines.map(([text, end]) => text + end).join(''))
    .chain((text) => fc.constantFrom(text, text.trimEnd(), `\ufeff${text}`))
}
