#!/usr/bin/env node
// Everything that can be said of the tree without running it: format, lint, promises, types, unused code, the package,
// and then the laws of style and the public names. In: node_modules/. Out: one line for each, with the words of the
// tool where it refuses. `npm test` runs the same tools from here, and the laws with its other tests.

import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = resolve(import.meta.dirname, '..')

const tools = [
  { name: 'format and lint', tool: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'promises', tool: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'types', tool: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'unused code', tool: 'knip', args: [] },
  { name: 'package', tool: 'publint', args: ['--strict'] },
  { name: 'package types', tool: 'attw', args: ['--pack', '.', '--profile', 'esm-only'] },
]
const laws = {
  name: 'laws and public names',
  tool: 'vitest',
  args: ['run', '--project', 'house', 'test/laws', 'test/package'],
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = [runBuild(), ...tools.map(runTool), runTool(laws)]
  process.exitCode = results.every((result) => result.passed) ? 0 : 1
}

/** Builds, then runs every tool. @returns one { name, passed } for each, in order */
export function runChecks() {
  return [runBuild(), ...tools.map(runTool)]
}

function runBuild() {
  return report('build', process.execPath, [join(root, 'scripts', 'build.mjs')])
}

function runTool({ name, tool, args }) {
  return report(name, join(root, 'node_modules', '.bin', tool), args)
}

function report(name, command, args) {
  const began = Date.now()
  const env = { ...process.env, NO_COLOR: '1' }
  const ended = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const passed = ended.status === 0
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  process.stdout.write(`check: ${name}: ${passed ? 'ok' : 'FAILED'} (${seconds} s)\n`)
  if (!passed) process.stdout.write(`${ended.error?.message ?? ''}${ended.stdout ?? ''}${ended.stderr ?? ''}\n`)
  return { name, passed }
}
