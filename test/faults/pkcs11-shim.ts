// The shim in front of a PKCS#11 module, compiled and given orders. In: a module, its environment, orders as
// pkcs11-shim.c reads them. Out: a module to open in its place, and what was called on it.

import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from '../peers/peer.ts'

export interface Shim {
  readonly module: string
  /** The environment of the module behind it, and the shim's own. */
  readonly environment: Readonly<Record<string, string>>
  /** Orders from now on, one a line; none takes them back. */
  order(...lines: string[]): void
  /** Every call so far, in order: `C_Sign`, `C_Login pin`. */
  calls(): readonly string[]
  /** How often a function was called. */
  count(name: string): number
  /** PINs that a token was given and did not take, or that it never answered. */
  pinsSpent(): number
  /** Forgets the calls so far. */
  forget(): void
  remove(): void
}

const loginTaken = 'C_Login taken'
const isLogin = (call: string): boolean => call.startsWith('C_Login ')

/** Compiles the shim into a folder of its own. */
export async function pkcs11Shim(served: {
  readonly module: string
  readonly environment: Readonly<Record<string, string>>
}): Promise<Shim> {
  const { command } = await peer('cc')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-shim-'))
  const [module, log, script] = [join(folder, 'shim.so'), join(folder, 'log'), join(folder, 'script')]
  const source = join(import.meta.dirname, 'pkcs11-shim.c')
  await promisify(execFile)(command, ['-O1', '-fPIC', '-shared', '-o', module, source, '-ldl'], {
    env: builtEnvironment(),
  })
  const environment = { ...served.environment, SHIM_MODULE: served.module, SHIM_LOG: log, SHIM_SCRIPT: script }
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [])
  appendFileSync(log, '')
  return {
    module,
    environment,
    order: (...lines) => writeFileSync(script, lines.map((line) => `${line}\n`).join('')),
    calls,
    count: (name) => calls().filter((call) => call.split(' ')[0] === name && call !== loginTaken).length,
    pinsSpent: () => calls().reduce((spent, call) => spent + (call === loginTaken ? -1 : isLogin(call) ? 1 : 0), 0),
    forget: () => writeFileSync(log, ''),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
