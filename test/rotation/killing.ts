// Runs the command and kills it, or the process of its module, at one system call (kill-at.c). In: the words and the number of
// the call, in the order in which all its processes make them. Out: how it ended, and which call that was.

import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandFile, ended, type Ran } from '../cli/hardkey.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import type { AtGateway } from './at-gateway.ts'

export interface KilledRun extends Ran {
  /** The call at which a process was killed, and what it was to be done to; undefined where so many were not made. */
  readonly killedAt: string | undefined
  /** Whether that was the file of the token itself, which has been put back. */
  readonly inToken: boolean
}

/**
 * At each login SoftHSM empties the file of the token itself and writes it anew: a kill in that instant destroys the token,
 * whatever program uses it, and only a copy of the folder helps. Tokens that are devices do not lose themselves so.
 */
const isToken = (file: string): boolean => file.endsWith('/token.object')

export class Killer {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async make(): Promise<Killer> {
    const { command } = await peer('cc')
    const folder = mkdtempSync(join(tmpdir(), 'hardkey-killed-'))
    const words = ['-O1', '-o', join(folder, 'kill-at'), join(import.meta.dirname, 'kill-at.c')]
    await promisify(execFile)(command, words, { env: builtEnvironment() })
    return new Killer(folder)
  }

  /** Standard input is the first key of the user. */
  async run(at: AtGateway, words: readonly string[], when: number): Promise<KilledRun> {
    const log = join(this.#folder, 'log')
    const tokens = at.situation.files().filter(isToken)
    const before = tokens.map((file) => [file, readFileSync(file)] as const)
    const all = [log, String(when), process.execPath, commandFile, ...words]
    const env = at.situation.home.environment(at.situation.environment())
    const child = spawn(join(this.#folder, 'kill-at'), all, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    child.stdin.on('error', () => {})
    child.stdin.end(at.key.secretAccessKey)
    const ran = await ended(child)
    await at.situation.afterKill()
    const killedAt = readFileSync(log, 'utf8').split('\n').slice(0, -1)[when - 1]
    const inToken = isToken(killedAt ?? '')
    if (inToken) for (const [file, content] of before) writeFileSync(file, content)
    return { ...ran, killedAt, inToken }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
