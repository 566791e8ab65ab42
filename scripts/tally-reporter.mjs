// A vitest reporter that counts for scripts/test.mjs. In: a run. Out: the file named by TALLY_FILE, with the names of the
// tests that passed, failed, were skipped, or were not run because a peer is missing; and what tests that passed told of
// what they found (`task.meta.told`), by name.
// vitest's JSON report leaves out what fails in beforeAll, and calls the tests behind it skipped.

import { writeFileSync } from 'node:fs'

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter from the default export of its file
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: [], failed: [], skipped: [], notRun: [], told: {} }
    for (const module of modules) countModule(module, tally)
    for (const error of unhandledErrors) tally.failed.push(`unhandled: ${error.message}`)
    writeFileSync(process.env.TALLY_FILE, JSON.stringify(tally))
  }
}

function countModule(module, tally) {
  const tests = [...module.children.allTests()]
  for (const test of tests) {
    const name = `${module.relativeModuleId} > ${test.fullName}`
    const { state, errors = [], note } = test.result()
    if (state === 'passed') {
      tally.passed.push(name)
      const { told } = test.meta()
      if (told !== undefined) tally.told[name] = told
    } else addUnderItsReason(note ? `${name}: ${note}` : name, state === 'failed' ? errors : errorsAround(test), tally)
  }
  const brokenHooks = [...module.children.allSuites()].filter((suite) => everyTestPassed(suite))
  for (const suite of brokenHooks)
    addUnderItsReason(`${module.relativeModuleId} > ${suite.fullName}`, suite.errors(), tally)
  if (tests.length === 0 || everyTestPassed(module)) addUnderItsReason(module.relativeModuleId, module.errors(), tally)
}

/** Only a missing peer: not run. Anything else that went wrong: failed. Nothing went wrong: skipped on purpose. */
function addUnderItsReason(name, errors, tally) {
  const missing = errors.filter((error) => error.name === 'PeerMissing')
  if (errors.length > missing.length) tally.failed.push(name)
  else if (missing.length > 0) tally.notRun.push(`${name}: ${missing[0].message}`)
  else tally.skipped.push(name)
}

function errorsAround(test) {
  const errors = []
  for (let around = test.parent; around !== undefined; around = around.parent) errors.push(...around.errors())
  return errors
}

/** An afterAll that failed leaves no test that tells of it. */
function everyTestPassed(collection) {
  const tests = [...collection.children.allTests()]
  return collection.errors().length > 0 && tests.every((test) => test.result().state === 'passed')
}
