// What every refusal of bad input must look like, judged in one place. In: what the command printed, or what a function
// threw, and the code that is expected. Out: a failed expectation where one point of section "Errors" is not kept: one
// error line, at most one hint, the exact code, the exit status of the code, nothing on standard output, no secret.

import { expect } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { HardkeyError, isWrongInput } from '../../src/errors.ts'
import type { CommandHome, Ran, RunOptions } from '../cli/hardkey.ts'
import { type Canaries, expectNoCanary } from '../contract/canary.ts'

export interface Refusal {
  readonly code: ErrorCode
  /** A part of the error line. */
  readonly says?: string | RegExp | undefined
  /** A part of the hint line. */
  readonly hint?: string | RegExp | undefined
  /** Secrets that the input held. */
  readonly canaries?: Canaries | undefined
}

/** Lines that `--verbose` adds, and those that may stand beside an error. */
const otherKinds: readonly string[] = ['step', 'note', 'warning', 'code', 'service code', 'http status', 'request id']

/** Runs the command with these words and expects it to refuse them. */
export async function expectCommandRefuses(
  home: CommandHome,
  words: readonly string[],
  refusal: Refusal,
  options: RunOptions = {},
): Promise<void> {
  expectRefused(await home.run(['--verbose', ...words], options), refusal)
}

/** The command was run with `--verbose`, which adds the code. */
export function expectRefused({ status, stdout, stderr }: Ran, { code, says, hint, canaries = {} }: Refusal): void {
  expectNoCanary(stdout + stderr, canaries)
  const lines = stderr.split('\n')
  expect(lines.pop(), stderr).toBe('')
  const shown = lines.map(
    (line) => /^hardkey: ([a-z ]+?): (\P{Cc}+)$/u.exec(line) ?? [line, 'a line of another form', ''],
  )
  const texts = (kind: string): string[] => shown.filter((line) => line[1] === kind).map((line) => line[2] ?? '')
  expect(shown.map(([, kind]) => kind).filter((kind) => kind !== 'error' && kind !== 'hint')).toEqual(
    shown.map(([, kind]) => kind).filter((kind) => otherKinds.includes(kind ?? '')),
  )
  const [errors, hints] = [texts('error'), texts('hint')]
  expect({ stdout, status, codes: texts('code') }, stderr).toEqual({
    stdout: '',
    status: isWrongInput(code) ? 2 : 1,
    codes: [code],
  })
  expect([errors.length, hints.length <= 1], stderr).toEqual([1, true])
  expectInStyle([...errors, ...hints])
  if (says !== undefined) expect(errors[0]).toMatch(says)
  if (hint !== undefined) expect(hints[0]).toMatch(hint)
}

/** Awaits a call of the library and expects it to throw: one line of message, at most one of hint, the code. */
export async function expectLibraryRefuses(call: () => unknown, refusal: Refusal): Promise<void> {
  const thrown = await Promise.resolve()
    .then(call)
    .then(
      () => new Error('it was taken'),
      (error: unknown) => error,
    )
  expectNoCanary(thrown, refusal.canaries ?? {})
  if (!(thrown instanceof HardkeyError)) throw thrown
  expect(thrown.code).toBe(refusal.code)
  expectInStyle(thrown.hint === undefined ? [thrown.message] : [thrown.message, thrown.hint])
  if (refusal.says !== undefined) expect(thrown.message).toMatch(refusal.says)
  if (refusal.hint !== undefined) expect(thrown.hint).toMatch(refusal.hint)
}

/** One line that can be read aloud: no control character, no full stop at its end. */
function expectInStyle(texts: readonly string[]): void {
  expect(texts.filter((text) => text === '' || /[\p{Cc}]|\.$/u.test(text))).toEqual([])
}
