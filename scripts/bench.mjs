#!/usr/bin/env node
// The benchmark: builds, and prints one Markdown table of hardkey against its peers. In: as arguments the groups to
// measure (sign, presign, growth, payload, upload, device, start, endpoint, token, services), all by default. Out: the table; status 1 where a
// group could not run.
// Run it with each Node that counts, on a machine that does nothing else: ratios hold, single figures do not.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { isInstalled } from './installed.mjs'

const root = resolve(import.meta.dirname, '..')

if (!isInstalled()) run('npm', ['ci'])
run(process.execPath, [join(root, 'scripts', 'build.mjs')])
// In the repository, so that the packages and dist/ are found from there.
const folder = mkdtempSync(join(root, '.bench-'))
try {
  const bundle = join(folder, 'bench.mjs')
  createRequire(import.meta.url)('esbuild').buildSync({
    entryPoints: [join(root, 'bench', 'main.ts')],
    outfile: bundle,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    absWorkingDir: root,
    // What stands in for the folder of a source file: peers are found from test/peers/.
    define: { 'import.meta.dirname': JSON.stringify(join(root, 'test', 'peers')) },
  })
  process.exitCode =
    spawnSync(process.execPath, [bundle, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function run(command, parameters) {
  const ended = spawnSync(command, parameters, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (ended.status !== 0) process.exit(1)
}
