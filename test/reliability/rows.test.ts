// The table of rows against the tests: what is said to be shown has a test, and what has a test is said to be shown.
// How test names are joined with rows, on planted names.

import { expect, it } from 'vitest'
import { filesUnder } from '../laws/tree.ts'
import { sections } from './rows.ts'

interface Tally {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  readonly notRun: readonly string[]
}

// A path in a variable, since the script is JavaScript, which plain Node reads. The shapes are those of its comments.
const script = '../../scripts/reliability-rows.mjs'
const { idsOf, countRows } = (await import(script)) as {
  idsOf(name: string): readonly string[]
  countRows(rows: readonly object[], tallies: readonly Tally[]): readonly object[]
}

const rows = sections.flatMap((section) => section.rows)
const id = String.raw`[FBLS]-[A-Z]?\d+`
/** Names begin after a quote, in `it(...)`, in `describe(...)` or in a table of `it.each`. */
const carried = new RegExp(`['"\`](${id}(?:(?:, | and | to )${id})*)(?=[: '"\`])`, 'g')
const ids = new Set(
  filesUnder('test', /\.ts$/)
    .filter(({ path }) => !path.startsWith('test/reliability/'))
    .flatMap(({ text }) => [...text.matchAll(carried)].flatMap((match) => idsOf(match[1] ?? ''))),
)

it('has each row once', () => {
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length)
})

it('has a test for each row that is not put off, and none for one that is', () => {
  expect(rows.filter((row) => ids.has(row.id) === (row.later !== undefined)).map((row) => row.id)).toEqual([])
})

it('has a row for each id that a test carries', () => {
  const known = new Set(rows.map((row) => row.id))
  expect([...ids].filter((one) => !known.has(one))).toEqual([])
})

it.each([
  ['a.test.ts > F-P01: a wrong PIN is tried once', ['F-P01']],
  ['a.test.ts > B-070 a keyset that is not encrypted > is refused', ['B-070']],
  ['a.test.ts > F-P13, F-P15 and F-P16: takes a new session', ['F-P13', 'F-P15', 'F-P16']],
  ['a.test.ts > B-044 to B-046: are refused', ['B-044', 'B-045', 'B-046']],
  ['a.test.ts > L-1: stdout > S-09: none', ['L-1', 'S-09']],
  ['a.test.ts > refuses what F-P01 says', []],
])('reads %j', (name, expected) => {
  expect(idsOf(name)).toEqual(expected)
})

it.each([
  ['passed', { passed: ['S-01: a'] }, { tests: 1 }],
  ['failed', { passed: ['S-01: a'], failed: ['S-01: b'] }, { tests: 1, note: 'S-01: b' }],
  ['not run', { notRun: ['S-01: a: peer x is not here'] }, { note: '1 not run: S-01: a: peer x is not here' }],
  ['not run', {}, { tests: 0, note: 'no test has this id' }],
])('calls a row %s by its tests', (state, tally, more) => {
  const whole = { passed: [], failed: [], skipped: [], notRun: [], ...tally }
  expect(countRows([{ id: 'S-01', text: 'a' }], [whole])).toMatchObject([{ state, ...more }])
})

it('calls a row later that has no test and says why', () => {
  const none = { passed: [], failed: [], skipped: [], notRun: [] }
  expect(countRows([{ id: 'S-04', later: 'nothing is published' }], [none])).toMatchObject([
    { state: 'later', note: 'nothing is published' },
  ])
})
