// Lines for shells: those of the AWS CLI, and no character that a shell would act on.

import { expect, it } from 'vitest'
import { shellFormats, shellLines } from '../../../src/cli/texts/shell-lines.ts'

it.each([
  ['env', 'export NAME=a/b+c=='],
  ['env-no-export', 'NAME=a/b+c=='],
  ['powershell', '$Env:NAME="a/b+c=="'],
  ['windows-cmd', 'set NAME=a/b+c=='],
  ['fish', 'set -gx NAME "a/b+c=="'],
] as const)('%s has %s', (format, line) => {
  expect(shellLines(format, { NAME: 'a/b+c==' })).toEqual([line])
})

it.each(['$(id)', '`id`', 'a b', 'a;b', 'a"b', "a'b", 'a\nb', 'a&b', 'a%b%', 'a\\b', 'a!b', '~', 'é'])(
  'none of them has %j',
  (value) => {
    for (const format of shellFormats) {
      expect(() => shellLines(format, { NAME: value })).toThrowError('NAME has a character that a shell would act on')
    }
  },
)
