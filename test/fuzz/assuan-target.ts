// The reader of what a pinentry answers, as the fuzzer takes it. In: bytes. Out: nothing, or an error that says what the
// reader did that it must not. However the bytes are cut into chunks, the answers are the same, and nothing of them is kept.

import { deepStrictEqual } from 'node:assert'
import { type AssuanAnswer, assuanReader } from '../../src/cli/ask/assuan.ts'
import { commandWords } from '../../src/cli/ask/command-words.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { FuzzTarget } from './fuzzer.ts'

const pin = '1234567890-pin'

/** The answers until one is refused. Each chunk is wiped by the reader, so it gets a copy. */
function answersIn(input: Buffer, chunkBytes: number): readonly AssuanAnswer[] | undefined {
  const reader = assuanReader()
  const answers: AssuanAnswer[] = []
  try {
    for (let at = 0; at < input.length; at += chunkBytes) {
      const chunk = Buffer.from(input.subarray(at, at + chunkBytes))
      answers.push(...reader.take(chunk))
      deepStrictEqual(
        chunk.every((byte) => byte === 0),
        true,
      )
    }
    return answers
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_PIN_REQUIRED') throw error
    if (error.message.includes(pin.slice(0, 8))) throw new Error('the PIN stands in the error')
    return undefined
  }
}

export const assuan: FuzzTarget = {
  name: 'answers of a pinentry',
  files: ['src/cli/ask/assuan.ts'],
  seeds: [
    `OK Pleased to meet you, process 7\nS STATUS x\n# comment\nD ${pin}%25%0A\nOK\n`,
    'OK\r\nERR 83886179 Operation cancelled <Pinentry>\n',
  ].map((text) => Buffer.from(text)),
  words: ['OK', 'ERR ', 'D ', 'S ', '# ', 'INQUIRE ', '%0A', '%', '\n', '\r\n', '83886179', '0'.repeat(500)],
  run(input) {
    const whole = answersIn(input, input.length + 1)
    deepStrictEqual(answersIn(input, 3), whole)
    const bytes = whole?.reduce((sum, answer) => sum + (answer.kind === 'data' ? answer.bytes.length : 0), 0) ?? 0
    deepStrictEqual(bytes <= input.length, true)
  },
}

export const mfaProgram: FuzzTarget = {
  name: 'command lines of MFA programs',
  files: ['src/cli/ask/command-words.ts'],
  seeds: ['ykman oath accounts code --single aws', `'/opt/my tools/code' "a \\"b\\"" c\\ d''e`].map((text) =>
    Buffer.from(text),
  ),
  words: [' ', "'", '"', '\\', '$', '`', '|', ';', '\n', '~', '#', "''", '""', 'code'],
  run(input) {
    const text = input.toString('utf8')
    const words = commandWords(text)
    if (words === undefined) return
    deepStrictEqual(words.join('').length <= text.length, true)
    deepStrictEqual(words[0] !== '', true)
    // Each word, quoted anew, is that word again.
    deepStrictEqual(commandWords(words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')), words)
  },
}
