// Lines of the Assuan protocol: what a pinentry may answer, however it is cut into chunks, and what it may not.

import { describe, expect, it } from 'vitest'
import { assuanReader, assuanText } from '../../../src/cli/ask/assuan.ts'

const text = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer), (_, value) => (value?.kind === 'data' ? { ...value, bytes: undefined } : value))

describe('an Assuan reader', () => {
  const talk =
    'OK Pleased to meet you, process 7\n# a comment\nS PASSPHRASE_FROM_CACHE\nD 12%0A%25%c3%a9 4\r\nOK\nERR 83886179 Operation cancelled <Pinentry>\n'

  it.each([1, 7, 1000])('gives the answers of a conversation that comes in chunks of %i bytes', (size) => {
    const reader = assuanReader()
    const answers = []
    for (let at = 0; at < talk.length; at += size) answers.push(...reader.take(Buffer.from(talk.slice(at, at + size))))
    expect(answers.map(({ kind }) => kind)).toEqual(['ok', 'data', 'ok', 'error'])
    const [, data, , error] = answers
    expect(data?.kind === 'data' && Buffer.from(data.bytes).toString()).toBe('12\n%é 4')
    expect(text(error)).toEqual({ kind: 'error', code: 83886179, text: 'Operation cancelled <Pinentry>' })
  })

  it('wipes what it was given', () => {
    const chunk = Buffer.from('D 1234\nD 12')
    assuanReader().take(chunk)
    expect(chunk.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    ['a line of over 1000 bytes', `D ${'1'.repeat(999)}`, 'a line of more than 1000 bytes'],
    ['a percent sign at the end', 'D 12%3\n', 'a percent sign without two digits'],
    ['a percent sign before other letters', 'D %4g\n', 'a percent sign without two digits'],
    ['an inquiry', 'INQUIRE PINENTRY_LAUNCHED 7\n', 'an answer that is none'],
    ['an error without a number', 'ERR cancelled\n', 'an error without a number'],
    ['a web page', '<html>\n', 'an answer that is none'],
    ['a data line without its space', 'D1234\n', 'an answer that is none'],
  ])('refuses %s, and says nothing of what it held', (_, line, fault) => {
    const refusal = expect(() => assuanReader().take(Buffer.from(line)))
    refusal.toThrow(expect.objectContaining({ code: 'ERR_PIN_REQUIRED', message: `the pinentry gave ${fault}` }))
  })

  it('takes a line of 1000 bytes', () => {
    const [answer] = assuanReader().take(Buffer.from(`D ${'1'.repeat(998)}\n`))
    expect(answer?.kind === 'data' && answer.bytes.length).toBe(998)
  })
})

it('a text with line ends and percent signs stays on one line', () => {
  expect(assuanText('50 % of\r\nthe\ttoken é')).toBe('50 %25 of%0D%0Athe%09token é')
})
