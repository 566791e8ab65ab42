#!/usr/bin/env node
// The demo of a clone: installs and builds where needed, then plays `hardkey demo` with two checks that the command
// cannot bring along, a client of the AWS SDK and a second signer (scripts/demo-clients.mjs). In: nothing. Out: at most
// 40 lines; nothing stays behind but node_modules/ and dist/.

import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { isInstalled } from './installed.mjs'

const root = resolve(import.meta.dirname, '..')

if (!isInstalled()) quietly('installing the tools of the clone', 'npm', ['ci'])
quietly('building', process.execPath, [join(root, 'scripts', 'build.mjs')])
const command = join(root, 'dist', 'cli', 'hardkey.cjs')
const played = spawnSync(process.execPath, [command, 'demo', '--then', join(root, 'scripts', 'demo-clients.mjs')], {
  env: environmentWithoutAws(),
  stdio: 'inherit',
})
process.exitCode = played.status ?? 1

/** Says at a terminal what the wait is for, and shows what a command said only when it fails. */
function quietly(what, file, args) {
  if (process.stderr.isTTY) process.stderr.write(`demo: ${what}\n`)
  const ended = spawnSync(file, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (ended.status === 0) return
  process.stderr.write(`demo: ${what} failed\n${ended.error?.message ?? `${ended.stdout}${ended.stderr}`}\n`)
  process.exit(1)
}

/** The SDK would take keys of the environment before those of the demo's profile. */
function environmentWithoutAws() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:AWS|HARDKEY)_/.test(name)))
}
