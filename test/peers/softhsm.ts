// A fresh SoftHSM for a test: a folder of tokens of its own. In: labels and PINs. Out: the module, and the environment by
// which it is set up. The folder goes with it.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from './peer.ts'

const run = promisify(execFile)

/** Unlocks every token that a test makes; long enough to be looked for in what is printed. */
export const testPin = 'canary-pin-8431'

export interface SoftHsm {
  readonly module: string
  /** SOFTHSM2_CONF and no more. */
  readonly environment: Readonly<Record<string, string>>
  /** The folder in which it keeps its tokens. */
  readonly tokens: string
  /** Makes a token with `testPin`. */
  addToken(label: string): Promise<void>
  /** Takes every token out, as if they were unplugged; the modules that run do not know. */
  unplug(): void
  /** Plugs them back. */
  plug(): void
  remove(): void
}

/** A SoftHSM without tokens. */
export async function softHsm(): Promise<SoftHsm> {
  const { module, util } = await peer('softhsm')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-softhsm-'))
  const tokens = join(folder, 'tokens')
  const away = join(folder, 'away')
  mkdirSync(tokens)
  const configuration = join(folder, 'softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  const environment = { SOFTHSM2_CONF: configuration }
  return {
    module,
    environment,
    tokens,
    async addToken(label) {
      const parameters = ['--init-token', '--free', '--label', label, '--so-pin', 'so-pin-5678', '--pin', testPin]
      await run(util, parameters, { env: builtEnvironment(environment) })
    },
    unplug() {
      renameSync(tokens, away)
      mkdirSync(tokens)
    },
    plug() {
      rmSync(tokens, { recursive: true })
      renameSync(away, tokens)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
