// A command line that a setting holds, split as a shell splits it; what needs a shell is refused. The oracle is sh itself.

import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { commandWords } from '../../../src/cli/ask/command-words.ts'

it.each([
  'ykman oath accounts code --single aws',
  `'/opt/my tools/code' "two words" plain`,
  String.raw`a\ b "say \"x\" \n" 'it''s' c"d"e'f' ""`,
  '  op item get aws --otp \t --vault=a,b:c/d@e%f+g=h^i-j_k.l~m#n!o{p}  ',
])('%s means what it means to sh', (line) => {
  const printed = execFileSync('/bin/sh', ['-c', `for word in ${line}; do printf '%s\\0' "$word"; done`], {
    encoding: 'latin1',
  })
  expect(commandWords(line)).toEqual(printed.split('\0').slice(0, -1))
})

it.each([
  'code | tail -1',
  'code; rm x',
  'code $SERIAL',
  'code `date`',
  'code "$(date)"',
  'code *.txt',
  '~/bin/code',
  '# code',
  "code 'open",
  'code "open',
  'code \\',
  'code\nother',
  '',
  '  ',
  '""',
])('%j is refused: it needs a shell, or is no command', (line) => {
  expect(commandWords(line)).toEqual(line === 'code\nother' ? ['code', 'other'] : undefined)
})
