// The judge of bad input, judged: each point that it must see, broken once.

import { describe, expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import type { Ran } from '../cli/hardkey.ts'
import { expectLibraryRefuses, expectRefused, type Refusal } from './refused.ts'

const lines = 'hardkey: error: --region is empty\nhardkey: hint: usage\nhardkey: code: ERR_USAGE\n'
const right: Ran = { status: 2, stdout: '', stderr: lines }
const refusal: Refusal = {
  code: 'ERR_USAGE',
  says: 'is empty',
  hint: 'usage',
  canaries: { pin: Buffer.from('canary-8431') },
}

describe('the judge of bad input', () => {
  it('lets a right refusal through', () => {
    expect(() => expectRefused(right, refusal)).not.toThrow()
  })

  it.each<[string, Partial<Ran>]>([
    ['success', { status: 0 }],
    ['another status', { status: 1 }],
    ['something on standard output', { stdout: '\n' }],
    ['another code', { stderr: lines.replace('ERR_USAGE', 'ERR_INTERNAL') }],
    ['another message', { stderr: lines.replace('empty', 'full') }],
    ['two errors', { stderr: lines.replace('\n', '\nhardkey: error: again\n') }],
    ['two hints', { stderr: lines.replace('hint: usage', 'hint: usage\nhardkey: hint: usage') }],
    ['a stack behind it', { stderr: `${lines}    at main (main.ts:1:1)\n` }],
    ['a line of another kind', { stderr: `${lines}hardkey: session: x\n` }],
    ['no line end', { stderr: lines.trimEnd() }],
    ['a full stop', { stderr: lines.replace('empty', 'empty.') }],
    ['an escape sequence', { stderr: lines.replace('empty', 'empty\u001b[2J') }],
    ['a secret', { stderr: lines.replace('usage', 'usage canary-8431') }],
    ['a secret in hex', { stderr: lines.replace('usage', `usage ${Buffer.from('canary-8431').toString('hex')}`) }],
  ])('sees %s', (_, change) => {
    expect(() => expectRefused({ ...right, ...change }, refusal)).toThrow()
  })

  it.each<[string, () => unknown]>([
    ['no failure', () => undefined],
    ['another class', () => Promise.reject(new TypeError('is empty'))],
    ['another code', () => Promise.reject(new HardkeyError('ERR_INTERNAL', 'is empty', { hint: 'usage' }))],
    [
      'a secret in the cause',
      () => Promise.reject(new HardkeyError('ERR_USAGE', 'is empty', { cause: 'canary-8431' })),
    ],
    ['another hint', () => Promise.reject(new HardkeyError('ERR_USAGE', 'is empty', { hint: 'no' }))],
  ])('sees %s of the library', async (_, call) => {
    await expect(expectLibraryRefuses(call, refusal)).rejects.toThrow()
  })
})
