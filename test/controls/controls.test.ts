// The builds that are broken on purpose (scripts/controls.mjs), as far as npm test tries them: each can still be made from
// the tree, each names a test that there is, and one of them is made and caught. All: npm run test:controls.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'

interface BrokenBuild {
  readonly name: string
  readonly file: string
  readonly replacements: readonly { readonly from: string; readonly to: string }[]
}

const script = join(root, 'scripts', 'controls.mjs')
// A path in a variable, since the table is JavaScript, which plain Node reads.
const table = './broken-builds.mjs'
// The shape that the table's own comment promises.
const { brokenBuilds } = (await import(table)) as { readonly brokenBuilds: readonly BrokenBuild[] }

it('has thirty-two controls', () => {
  expect(brokenBuilds).toHaveLength(32)
})

it.each(brokenBuilds)('finds once in the tree what it breaks where $name', ({ file, replacements }) => {
  const text = readFileSync(join(root, file), 'utf8')
  expect(replacements.map(({ from }) => text.split(from).length - 1)).toEqual(replacements.map(() => 1))
})

it('catches a build whose date guard is off by one', () => {
  const env = builtEnvironment({ HOME: root })
  const ran = spawnSync(process.execPath, [script, 'the date guard is off by one'], { env, encoding: 'utf8' })
  expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^caught: .*\ncaught 1 of 1\n$/)])
})

it('refuses a control that there is not', () => {
  const ran = spawnSync(process.execPath, [script, 'another'], { env: builtEnvironment(), encoding: 'utf8' })
  expect([ran.status, ran.stderr]).toEqual([1, 'controls: no control "another"\n'])
})
