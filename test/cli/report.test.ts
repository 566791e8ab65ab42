// Lines of standard error for every kind of failure.

import { describe, expect, it } from 'vitest'
import { failureLines } from '../../src/cli/report.ts'
import { pairLines, tableLines } from '../../src/cli/texts/table-lines.ts'
import { HardkeyError } from '../../src/errors.ts'

describe('a failure', () => {
  const refused = new HardkeyError('ERR_STS_REFUSED', 'AWS refused it', {
    hint: 'look at the key',
    serviceCode: 'AccessDenied',
    status: 403,
    requestId: 'r-1',
  })

  it('is one error line and at most one hint', () => {
    expect(failureLines(refused, false)).toEqual([
      ['error', 'AWS refused it'],
      ['hint', 'look at the key'],
    ])
    expect(failureLines(new HardkeyError('ERR_TIMEOUT', 'too late'), false)).toEqual([['error', 'too late']])
  })

  it('tells code, status word, HTTP status and request id with --verbose', () => {
    expect(failureLines(refused, true).slice(2)).toEqual([
      ['code', 'ERR_STS_REFUSED'],
      ['service code', 'AccessDenied'],
      ['http status', '403'],
      ['request id', 'r-1'],
    ])
  })

  it.each([
    [new TypeError('a canary in a text of Node'), 'TypeError'],
    [Object.assign(new Error('a canary in a path'), { code: 'EACCES' }), 'Error EACCES'],
    ['a canary that was thrown', 'string'],
    [undefined, 'undefined'],
  ])('F-W08: that nobody foresaw shows its class and none of its text', (thrown, shown) => {
    const lines = failureLines(thrown, true)
    expect(lines[0]).toEqual(['error', `a fault in hardkey itself (${shown})`])
    expect(JSON.stringify(lines)).not.toContain('canary')
  })
})

describe('rows', () => {
  it('B-109: cannot move the cursor', () => {
    expect(tableLines(['NAME'], [['\u001b[2Jprod']])).toEqual(['NAME', '\\u001b[2Jprod'])
    expect(pairLines([['device', 'a\nb']])).toEqual(['device  a\\u000ab'])
  })

  it('are aligned without spaces at their ends', () => {
    expect(
      tableLines(
        ['A', 'B'],
        [
          ['long', 'x'],
          ['y', ''],
        ],
      ),
    ).toEqual(['A     B', 'long  x', 'y'])
  })
})
