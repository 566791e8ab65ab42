// A terminal that a run program has: from then on nobody is asked.

import { expect, it } from 'vitest'
import { lentTerminal } from '../../../src/cli/ask/lent-terminal.ts'
import type { Terminal } from '../../../src/cli/ask/terminal.ts'
import { readPromptVariables } from '../../../src/cli/settings/prompt-variables.ts'
import { HardkeyError } from '../../../src/errors.ts'

const shown: string[] = []
const own: Terminal = {
  isThere: () => true,
  isAsking: () => false,
  secret: async () => Buffer.from('1234'),
  text: async () => '123456',
  confirm: async () => true,
  show: (lines) => shown.push(...lines),
}
const question = { question: 'MFA code', unavailable: new HardkeyError('ERR_MFA_REQUIRED', 'there is no terminal') }

it('asks until the program has the terminal, then fails at once', async () => {
  const { terminal, lend } = lentTerminal(
    own,
    readPromptVariables(() => undefined),
  )
  expect(terminal.isThere()).toBe(true)
  expect(await terminal.text(question)).toBe('123456')
  expect(await terminal.secret(question)).toEqual(Buffer.from('1234'))
  terminal.show(['before'])
  lend()
  terminal.show(['after'])
  expect(terminal.isThere()).toBe(false)
  for (const ask of [terminal.text, terminal.secret, terminal.confirm]) {
    await expect(ask(question)).rejects.toBe(question.unavailable)
  }
  expect(shown).toEqual(['before'])
})

it('names no terminal to a pinentry once the program has it', () => {
  const { prompts, lend } = lentTerminal(
    own,
    readPromptVariables(() => '/dev/pts/9'),
  )
  expect(prompts.gpgTty).toBe('/dev/pts/9')
  lend()
  expect({ ...prompts }).toMatchObject({ pinentry: '/dev/pts/9', gpgTty: undefined })
})
