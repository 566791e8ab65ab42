#!/usr/bin/env node
// Builds that are broken on purpose, each of which a named test must catch. In: test/controls/broken-builds.mjs; as
// arguments the names of those to try, all by default. Out: one line for each and "caught N of M"; status 1 unless all
// were. Works in a copy of the tree; nothing else is changed. All of them are counted into .peers/controls.json.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { brokenBuilds } from '../test/controls/broken-builds.mjs'
import { peersFolder } from './peer-recipes.mjs'

const root = resolve(import.meta.dirname, '..')
const copied = ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']
const linked = ['node_modules', '.peers']

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !brokenBuilds.some((build) => build.name === name))
if (unknown === undefined) tryAll(brokenBuilds.filter(({ name }) => wanted.length === 0 || wanted.includes(name)))
else fail(`no control "${unknown}"`)

function tryAll(builds) {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-controls-'))
  try {
    copyTree(folder)
    const caught = builds.filter((build) => isCaught(build, folder)).length
    process.stdout.write(`caught ${caught} of ${builds.length}\n`)
    if (caught < builds.length) process.exitCode = 1
    if (builds.length === brokenBuilds.length) {
      writeFileSync(join(peersFolder, 'controls.json'), JSON.stringify({ caught, of: builds.length }))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function copyTree(folder) {
  for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true })
  for (const path of linked) if (existsSync(join(root, path))) symlinkSync(join(root, path), join(folder, path))
  make(folder)
}

/** The command and the process of the module. */
function make(folder) {
  const build = [join(folder, 'scripts', 'build.mjs'), 'code', 'entry', 'child']
  const ended = spawnSync(process.execPath, build, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  if (ended.status !== 0) throw new Error('the copy of the tree does not build')
}

/** True where the test passes on the tree as it is and fails on the broken one, for the reason that it should. */
function isCaught(build, folder) {
  const path = join(folder, build.file)
  const sound = readFileSync(path, 'utf8')
  const before = runTest(build.test, folder)
  const put = (text) => {
    writeFileSync(path, text)
    if (build.isBuilt) make(folder)
  }
  put(broken(sound, build))
  const after = runTest(build.test, folder)
  put(sound)
  const problem =
    before.failed > 0 || before.passed === 0
      ? `the tree as it is does not pass ${build.test.name}`
      : after.failed === 0
        ? `${build.test.name} did not fail`
        : build.says.test(after.said)
          ? undefined
          : `${build.test.name} failed for another reason`
  process.stdout.write(
    `${problem === undefined ? 'caught' : 'NOT CAUGHT'}: ${build.name}: ${problem ?? build.test.name}\n`,
  )
  if (problem !== undefined) process.stdout.write(`${before.failed > 0 ? before.said : after.said}\n`)
  return problem === undefined
}

function broken(sound, { file, replacements }) {
  return replacements.reduce((text, { from, to }) => {
    if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
    return text.replace(from, () => to)
  }, sound)
}

/** Runs one test of a file. A run that broke off counts as none passed and none failed. */
function runTest({ file, name }, folder) {
  const tallyFile = join(folder, 'tally.json')
  rmSync(tallyFile, { force: true })
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const reporters = ['--reporter=default', `--reporter=${join(folder, 'scripts', 'tally-reporter.mjs')}`]
  const ended = spawnSync(join(folder, 'node_modules', '.bin', 'vitest'), ['run', file, '-t', pattern, ...reporters], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', TALLY_FILE: tallyFile },
    encoding: 'utf8',
  })
  const tally = existsSync(tallyFile) ? JSON.parse(readFileSync(tallyFile, 'utf8')) : { passed: [], failed: [] }
  const ofThis = (list) => list.filter((one) => one.includes(name)).length
  return { passed: ofThis(tally.passed), failed: ofThis(tally.failed), said: `${ended.stdout}${ended.stderr}` }
}

function fail(message) {
  process.stderr.write(`controls: ${message}\n`)
  process.exitCode = 1
}
