#!/usr/bin/env node
// All tests, from a clone without node_modules: installs, starts bringing the peers, checks, runs the tests that need
// Node alone, waits for the peers, runs the tests that need them. In: CI set means that every peer must be there; --long
// runs the long forms. Out: docs/reliability.md and docs/clients.md; what failed, what was skipped or not run, by name;
// then one closing line. Status 0 only if nothing failed.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runChecks } from './check.mjs'
import { writeClients } from './clients.mjs'
import { isInstalled } from './installed.mjs'
import { peersFolder, readMarker, recipesOf } from './peer-recipes.mjs'
import { writeReport } from './reliability.mjs'

const root = resolve(import.meta.dirname, '..')

const isLong = process.argv.includes('--long')
if (isLong) process.env.TEST_LONG = '1'
installPackages()
const peers = startPeers()
const total = { passed: 0, failed: [], skipped: [], notRun: [] }
for (const { name, passed } of runChecks()) {
  if (passed) total.passed += 1
  else total.failed.push(`check: ${name}`)
}
add(runTests('house'))
process.stdout.write(await peers)
// By now nothing is built any more.
add(runTests('peers', ['--maxWorkers=2']))
addMissingPeers()
await report()
close()

function installPackages() {
  if (isInstalled()) return
  const ended = spawnSync('npm', ['ci'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (ended.status !== 0) process.exit(1)
}

/** @returns what scripts/peers.mjs said, once it has ended; whether a peer is there, its marker tells */
function startPeers() {
  const words = [join(root, 'scripts', 'peers.mjs'), ...(isLong ? ['--long'] : [])]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  return new Promise((done) => child.on('close', () => done(said)))
}

/** Runs one project of vitest.config.ts. A run that leaves no tally has failed as a whole. */
function runTests(project, options = []) {
  process.stdout.write(`\ntests: ${project}\n`)
  const tallyFile = join(peersFolder, `tally-${project}.json`)
  mkdirSync(peersFolder, { recursive: true })
  rmSync(tallyFile, { force: true })
  const reporters = ['--reporter=dot', '--reporter=./scripts/tally-reporter.mjs']
  const vitest = join(root, 'node_modules', '.bin', 'vitest')
  const ended = spawnSync(vitest, ['run', '--project', project, ...options, ...reporters], {
    cwd: root,
    env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), TALLY_FILE: tallyFile },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (!existsSync(tallyFile)) return { passed: [], failed: [`${project}: the run broke off`], skipped: [], notRun: [] }
  const tally = JSON.parse(readFileSync(tallyFile, 'utf8'))
  const explained = ended.status === 0 || tally.failed.length + tally.notRun.length > 0
  if (!explained) tally.failed.push(`${project}: vitest ended with ${ended.status ?? ended.signal}`)
  return tally
}

function add(tally) {
  total.passed += tally.passed.length
  for (const list of ['failed', 'skipped', 'notRun']) total[list].push(...tally[list])
}

function addMissingPeers() {
  for (const [name] of recipesOf(isLong)) {
    const { state, reason } = readMarker(name) ?? { state: 'not installed' }
    if (state !== 'ready') (process.env.CI ? total.failed : total.notRun).push(`peer ${name}: ${reason ?? state}`)
  }
}

/** The pages of rows and of clients; without them the run has failed, whatever the tests say. */
async function report() {
  for (const [title, write] of [
    ['reliability', writeReport],
    ['clients', writeClients],
  ]) {
    try {
      process.stdout.write(`\n${title}: ${await write()}\n`)
    } catch (error) {
      total.failed.push(`docs/${title}.md: ${error.message}`)
    }
  }
}

function close() {
  for (const [title, names] of [
    ['skipped', total.skipped],
    ['not run', total.notRun],
    ['FAILED', total.failed],
  ]) {
    for (const name of names) process.stdout.write(`${title}: ${name}\n`)
  }
  const skipped = total.skipped.length + total.notRun.length
  process.stdout.write(`${total.passed} passed, ${total.failed.length} failed, ${skipped} skipped\n`)
  process.exitCode = total.failed.length === 0 ? 0 : 1
}
