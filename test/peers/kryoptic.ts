// A fresh kryoptic token for a test, the second PKCS#11 implementation. In: a label. Out: the module, and the environment
// by which it is set up. Its state is one SQLite file in a folder that goes with it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from './peer.ts'
import { testPin } from './softhsm.ts'

const run = promisify(execFile)
const officerPin = 'so-pin-5678'

export interface Kryoptic {
  readonly module: string
  /** KRYOPTIC_CONF and no more. */
  readonly environment: Readonly<Record<string, string>>
  remove(): void
}

/** A kryoptic with one token in slot 42, whose PIN is `testPin`. */
export async function kryoptic(label: string): Promise<Kryoptic> {
  const [{ module }, { tool }] = await Promise.all([peer('kryoptic'), peer('opensc')])
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-kryoptic-'))
  const configuration = join(folder, 'kryoptic.conf')
  const state = join(folder, 'tokens.sql')
  writeFileSync(configuration, `[[slots]]\nslot = 42\ndbtype = "sqlite"\ndbargs = "${state}"\n`)
  const environment = { KRYOPTIC_CONF: configuration }
  const call = async (...parameters: string[]) => {
    await run(tool, ['--module', module, ...parameters], { env: builtEnvironment(environment) })
  }
  await call('--slot', '42', '--init-token', '--label', label, '--so-pin', officerPin)
  const officer = ['--token-label', label, '--login', '--login-type', 'so', '--so-pin', officerPin]
  await call(...officer, '--init-pin', '--new-pin', testPin)
  return { module, environment, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
