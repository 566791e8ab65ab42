#!/usr/bin/env node
// Writes docs/reliability.md. In: the rows of test/reliability/rows.ts, the tallies that the last `npm test` left in
// .peers/, and what the leak, fuzz and control runs counted there. Out: each row as passed, failed, not run or later.
// Status 1 where there is no tally to read.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { peersFolder, readMarker, recipes } from './peer-recipes.mjs'
import { countRows, idsOf } from './reliability-rows.mjs'

const root = resolve(import.meta.dirname, '..')
const projects = ['house', 'peers']

/** @returns the counts in one line */
export async function writeReport() {
  const { sections } = await importTypeScript('test/reliability/rows.ts')
  const tallies = projects.map(readTally)
  const counted = sections.map(({ title, rows }) => ({ title, rows: countRows(rows, tallies) }))
  const all = counted.flatMap(({ rows }) => rows)
  const summary = ['passed', 'failed', 'not run', 'later']
    .map((state) => `${all.filter((row) => row.state === state).length} ${state}`)
    .join(', ')
  const strays = straysAmong(tallies, new Set(all.map((row) => row.id)))
  if (strays.length > 0) throw new Error(`no row has these ids, which tests carry: ${strays.join(', ')}`)
  const parts = [heading(summary, all.length, tallies), measurements(), ...counted.map(table), versions()]
  writeFileSync(join(root, 'docs', 'reliability.md'), `${parts.filter((part) => part !== '').join('\n\n')}\n`)
  return `${all.length} rows: ${summary}`
}

/** Node 20 reads no TypeScript, so the table is turned into JavaScript first. */
export async function importTypeScript(path) {
  const { transformSync } = await import('esbuild')
  const { code } = transformSync(readFileSync(join(root, path), 'utf8'), { loader: 'ts', format: 'esm' })
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
}

export function readTally(project) {
  const file = join(peersFolder, `tally-${project}.json`)
  const tally = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  // A tally of an older tree has the number alone.
  if (!Array.isArray(tally?.passed)) throw new Error('there is no tally of a run; run npm test')
  return { ...tally, date: statSync(file).mtime }
}

function straysAmong(tallies, known) {
  const names = tallies.flatMap((tally) => [...tally.passed, ...tally.failed, ...tally.skipped, ...tally.notRun])
  return [...new Set(names.flatMap(idsOf).filter((id) => !known.has(id)))]
}

function heading(summary, rows, tallies) {
  const tests = tallies.reduce((sum, tally) => sum + tally.passed.length, 0)
  const failed = tallies.reduce((sum, tally) => sum + tally.failed.length, 0)
  return `# Reliability

Written by \`npm test\`; not edited by hand. Faults (F-), bad inputs (B-), leaks (L-) and rules of the supply chain (S-),
each with what is expected of hardkey and how many tests carry its id. "Later" names what has to exist first.

${rows} rows: ${summary}. The run of ${day(tallies[0].date)}: ${tests} tests passed, ${failed} failed.
To see one row again: \`npx vitest run -t F-P01\`. All: \`npm test\`; long forms: \`npm run test:long\`.`
}

/** What the runs beside the tests counted, where they have been made. */
function measurements() {
  const lines = [
    ['fuzz', ({ targets }) => fuzzTable(targets)],
    ['leaks', countTable('searched for leaks')],
    ['kills', countTable('killed by SIGKILL at system calls that change something')],
    ['controls', (controls) => `deliberately broken builds caught: ${controls.caught} of ${controls.of}.`],
  ].map(([name, write]) => {
    const file = join(peersFolder, `${name}.json`)
    return existsSync(file) ? `On ${day(statSync(file).mtime)}: ${write(JSON.parse(readFileSync(file, 'utf8')))}` : ''
  })
  return ['## Counted', ...lines.filter((line) => line !== '')].join('\n\n')
}

function fuzzTable(targets) {
  const lines = targets.map((target) =>
    cells(
      target.name,
      String(target.runs),
      `${Math.floor(target.reached)} %`,
      String(target.crashes),
      String(target.hangs),
      target.on ?? 'earlier',
    ),
  )
  const head = [
    cells('fuzz target', 'runs', 'of its code reached', 'crashes', 'hangs over 1 s', 'on'),
    cells(...'------'),
  ]
  return ['fuzzed', '', ...head, ...lines].join('\n')
}

/** Whatever a run counted, as it named it: one column for each count. */
const countTable = (title) => (counted) => {
  const rows = Object.entries(counted)
  const columns = [...new Set(rows.flatMap(([, counts]) => Object.keys(counts)))]
  const lines = rows.map(([name, counts]) => cells(name, ...columns.map((column) => String(counts[column] ?? '-'))))
  const head = [cells('what', ...columns), cells('-', ...columns.map(() => '-'))]
  return [title, '', ...head, ...lines].join('\n')
}

function table({ title, rows }) {
  const lines = rows.map((row) =>
    cells(row.id, row.text, row.tests > 0 ? `${row.state}, ${row.tests}` : row.state, row.note),
  )
  return [`## ${title}`, '', cells('id', 'expected', 'tests', 'note'), cells(...'----'), ...lines].join('\n')
}

function versions() {
  const peers = Object.keys(recipes).map((name) => {
    const marker = readMarker(name)
    return cells(
      name,
      marker?.state === 'ready' ? String(marker.version) : `not here: ${marker?.reason ?? 'not installed'}`,
    )
  })
  const own = cells('Node of the run', `${process.versions.node}, ${process.platform}-${process.arch}`)
  return ['## Versions', '', cells('what', 'version'), cells('-', '-'), own, ...peers].join('\n')
}

export function cells(...texts) {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}

export function day(date) {
  return date.toISOString().slice(0, 10)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${await writeReport()}\n`)
  } catch (error) {
    process.stderr.write(`reliability: ${error.message}\n`)
    process.exitCode = 1
  }
}
