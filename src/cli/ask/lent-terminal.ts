// The terminal of a command that runs another program in it. In: the terminal. Out: the same, until the program has it: from
// then on a question fails at once, as without a terminal. Both would read what is typed, and a process in the
// background that reads its terminal is stopped (POSIX, General Terminal Interface, 11.1.4).

import type { PromptVariables } from '../settings/prompt-variables.ts'
import type { Question, Terminal } from './terminal.ts'

export interface LentTerminal {
  readonly terminal: Terminal
  /** Without GPG_TTY, at which a pinentry would ask, once it is lent. */
  readonly prompts: PromptVariables
  /** The program has the terminal from now on. */
  lend(): void
}

export function lentTerminal(own: Terminal, prompts: PromptVariables): LentTerminal {
  let isLent = false
  const unlessLent =
    <Asked extends Question, Answer>(ask: (asked: Asked) => Promise<Answer>) =>
    async (asked: Asked): Promise<Answer> => {
      if (isLent) throw asked.unavailable
      return await ask(asked)
    }
  return {
    terminal: {
      isThere: () => !isLent && own.isThere(),
      isAsking: own.isAsking,
      secret: unlessLent(own.secret),
      text: unlessLent(own.text),
      confirm: unlessLent(own.confirm),
      show: (lines) => {
        if (!isLent) own.show(lines)
      },
    },
    prompts: {
      ...prompts,
      get gpgTty() {
        return isLent ? undefined : prompts.gpgTty
      },
    },
    lend: () => {
      isLent = true
    },
  }
}
