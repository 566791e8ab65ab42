// The key files of the seed's tools, made anew for one TPM by the independent generator (seed_files.py), and its reader
// (seed_use.py). In: an swtpm over TCP or a Unix socket. Out: files in a folder, answers.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from '../../peers/peer.ts'
import type { Swtpm } from '../../peers/swtpm.ts'

const execute = promisify(execFile)

/** Of every key that wants one. */
export const seedPassword = 'seed-password-1'
/** What tpm2_pcrextend must have done to PCR 23 once: the keys with PCRs are bound to that. */
export const seedPcrExtension: string = `23:sha256=${'00'.repeat(32)}`

export interface SeedFiles {
  readonly folder: string
  readonly names: readonly string[]
  path(name: string): string
  /** The HMAC of the day, as aws-tpm-process-credential gets it: `none`, `password:…`, `pcr`, `pcr+password:…`. */
  use(file: string, wants: string): Promise<string>
  /** Name and TPMT_PUBLIC of a parent, in hexadecimal digits. */
  parent(kind: string): Promise<{ readonly name: string; readonly publicArea: string }>
  remove(): void
}

/** Runs one of the Python peers beside this file, for the swtpm over TCP or a Unix socket. */
export async function pythonPeer(script: string, ...words: readonly string[]): Promise<string> {
  const { command } = await peer('python')
  const env = builtEnvironment({ PYTHONDONTWRITEBYTECODE: '1' })
  return (await execute(command, [join(import.meta.dirname, script), ...words], { env, timeout: 60_000 })).stdout.trim()
}

/** The TPM as the Python peers take it. */
export function peerAddress({ socket }: Swtpm): string {
  return 'path' in socket ? `${socket.path}` : `${socket.host}:${socket.port}`
}

export async function seedFiles(tpm: Swtpm): Promise<SeedFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-seed-'))
  const address = peerAddress(tpm)
  // The generator prints a list of { name, parent, use }.
  const list = JSON.parse(await pythonPeer('seed_files.py', address, folder)) as readonly { readonly name: string }[]
  return {
    folder,
    names: list.map(({ name }) => name),
    path: (name) => join(folder, name),
    use: (file, wants) => pythonPeer('seed_use.py', 'use', address, file, wants),
    async parent(kind) {
      const [name = '', publicArea = ''] = (await pythonPeer('seed_use.py', 'name', address, kind)).split(' ')
      return { name, publicArea }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
