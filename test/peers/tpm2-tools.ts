// tpm2-tools beside hardkey, an independent client of the same TPM. In: a TCTI. Out: commands that run in a folder of
// their own, so that file names are short. Each leaves its objects in the TPM, where there is room for three: they are
// flushed after it.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from './peer.ts'

const execute = promisify(execFile)

export interface Tpm2Tools {
  readonly folder: string
  /** Runs `tpm2_NAME WORDS` and then flushes objects. @throws with its standard error, which has the TPM's code */
  run(name: string, ...words: readonly string[]): Promise<string>
  /** As `run`, and flushes nothing: for a session that goes on. */
  keep(name: string, ...words: readonly string[]): Promise<string>
  /** What it said on standard error where it must fail. */
  refusal(name: string, ...words: readonly string[]): Promise<string>
  /** Flushes objects and sessions, loaded and saved. */
  flush(): Promise<void>
  path(file: string): string
  write(file: string, content: string | Uint8Array): string
  read(file: string): Buffer
  remove(): void
}

/** tpm2-tools that speak to the TPM of this TCTI. */
export async function tpm2Tools(tcti: string): Promise<Tpm2Tools> {
  const { command } = await peer('tpm2tools')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm2-tools-'))
  // No word of the libraries themselves: what a tool says is looked at.
  const env = builtEnvironment({ HOME: folder, TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+NONE' })
  const keep = async (name: string, ...words: readonly string[]): Promise<string> => {
    try {
      return (await execute(command, [name, ...words], { cwd: folder, env, timeout: 30_000 })).stdout
    } catch (error) {
      throw new Error(`tpm2_${name} ${words.join(' ')}: ${saidBy(error)}`)
    }
  }
  const run = async (name: string, ...words: readonly string[]): Promise<string> => {
    const said = await keep(name, ...words).catch((error: Error) => error)
    await keep('flushcontext', '--transient-object')
    if (said instanceof Error) throw said
    return said
  }
  return {
    folder,
    keep,
    run,
    async refusal(name, ...words) {
      const said = await run(name, ...words).then(
        () => undefined,
        (error: unknown) => saidBy(error),
      )
      if (said === undefined) throw new Error(`tpm2_${name} should have failed`)
      return said
    },
    async flush() {
      for (const kind of ['--transient-object', '--loaded-session', '--saved-session']) await keep('flushcontext', kind)
    },
    path: (file) => join(folder, file),
    write(file, content) {
      writeFileSync(join(folder, file), content, { mode: 0o600 })
      return join(folder, file)
    },
    read: (file) => readFileSync(join(folder, file)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function saidBy(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'stderr' in error && error.stderr !== '') return `${error.stderr}`
  return error instanceof Error ? error.message : String(error)
}
