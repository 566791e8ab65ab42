// Which tests prove which row. In: rows { id, later?, partly? } and tallies of test names. Out: each row with its state,
// the number of its tests that passed, and a note. A name carries an id where one of its parts begins with it:
// "F-P01: …", "F-P13, F-P15: …", "B-044 to B-049: …".

const id = '(?:[FBLS]-[A-Z]?\\d+)'
const carried = new RegExp(`^${id}(?:(?:, | and | to )${id})*(?=[: ]|$)`)

/** @returns the ids that the parts of a test's full name begin with, ranges written out */
export function idsOf(name) {
  const parts = name.split(' > ').flatMap((part) => carried.exec(part)?.[0] ?? [])
  return [...new Set(parts.flatMap((text) => text.split(/, | and /).flatMap(range)))]
}

function range(text) {
  const [from, to] = text.split(' to ')
  if (to === undefined) return [from]
  const [, prefix, first] = /^(\D+)(\d+)$/.exec(from)
  const last = Number(/\d+$/.exec(to)[0])
  const count = last - Number(first) + 1
  return Array.from({ length: count }, (_, index) => prefix + String(Number(first) + index).padStart(first.length, '0'))
}

export function countRows(rows, tallies) {
  const found = new Map()
  for (const state of ['passed', 'failed', 'skipped', 'notRun']) {
    for (const name of tallies.flatMap((tally) => tally[state])) {
      for (const id of idsOf(name)) {
        const tests = found.get(id) ?? { passed: [], failed: [], skipped: [], notRun: [] }
        tests[state].push(name)
        found.set(id, tests)
      }
    }
  }
  return rows.map((row) => ({ ...row, ...judge(row, found.get(row.id)) }))
}

/** Failed where one test failed; not run where none passed. What was skipped or not run is told beside it. */
function judge(row, tests) {
  if (tests === undefined) {
    return { state: row.later === undefined ? 'not run' : 'later', tests: 0, note: row.later ?? 'no test has this id' }
  }
  const left = [...tests.skipped, ...tests.notRun]
  const state = tests.failed.length > 0 ? 'failed' : tests.passed.length > 0 ? 'passed' : 'not run'
  const notes = [
    ...(row.partly === undefined ? [] : [`not shown: ${row.partly}`]),
    ...(left.length === 0 ? [] : [`${left.length} not run: ${left[0]}`]),
    ...tests.failed,
  ]
  return { state, tests: tests.passed.length, note: notes.join('; ') }
}
