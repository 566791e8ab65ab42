// The count behind the last line of `npm test`: nothing that went wrong may count as passed or skipped.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'

const broken = "throw new Error('broken')"
const missing = "throw Object.assign(new Error('peer x is not here: no'), { name: 'PeerMissing' })"
const ok = "it('a', () => {})"

/** By file name what each file does wrong. */
const files = {
  passes: ok,
  tells: "it('a', ({ task }) => { task.meta.told = 'this' })",
  fails: `it('a', () => { ${broken} })`,
  'before-all': `beforeAll(() => { ${broken} }); ${ok}`,
  'after-all': `afterAll(() => { ${broken} }); ${ok}`,
  breaks: broken,
  empty: '',
  lost: "it('a', () => { Promise.reject(new Error('lost')) })",
  'left-out': "it('a', (test) => test.skip('no'))",
  'test-alone': `it('a', () => { ${missing} })`,
  'suite-alone': `beforeAll(() => { ${missing} }); ${ok}`,
  'file-alone': missing,
}

it('counts each thing that can go wrong for what it is', () => {
  const gone = 'peer x is not here: no'
  expect(tallyOf(files)).toEqual({
    passed: ['after-all > a', 'lost > a', 'passes > a', 'tells > a'],
    told: { 'tells > a': 'this' },
    failed: ['after-all', 'before-all > a', 'breaks', 'empty', 'fails > a', 'unhandled: lost'],
    skipped: ['left-out > a: no'],
    notRun: [`file-alone: ${gone}`, `suite-alone > a: ${gone}`, `test-alone > a: ${gone}`],
  })
})

/** Runs these test files in a folder of their own, and reads what the reporter wrote. */
function tallyOf(texts: Readonly<Record<string, string>>): unknown {
  const folder = mkdtempSync(join(root, '.examples-'))
  try {
    writeFileSync(join(folder, 'vitest.config.js'), 'export default {}\n')
    const head = "import { afterAll, beforeAll, it } from 'vitest'\nvoid [afterAll, beforeAll, it]\n"
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, `${name}.test.js`), `${head}${text}\n`)
    const tallyFile = join(folder, 'tally.json')
    const args = ['run', `--reporter=${join(root, 'scripts', 'tally-reporter.mjs')}`]
    const env = builtEnvironment({ HOME: folder, TALLY_FILE: tallyFile })
    const ended = spawnSync(join(root, 'node_modules', '.bin', 'vitest'), args, { cwd: folder, env, encoding: 'utf8' })
    expect(ended.status, ended.stderr).toBe(1)
    const tally = readFileSync(tallyFile, 'utf8').replaceAll('.test.js', '')
    return JSON.parse(tally, (_, value) => (Array.isArray(value) ? value.sort() : value))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
