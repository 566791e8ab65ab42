// OpenSC's pkcs11-tool, an independent client. In: a label and an id. Out: a key on the token `prod` as others make it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { builtEnvironment, peer } from '../../peers/peer.ts'
import { type SoftHsm, testPin } from '../../peers/softhsm.ts'
import { secretBytes } from './fixture.ts'

/** Calls pkcs11-tool, logged in at the token `prod`, and gives what it printed. */
export async function pkcs11Tool(hsm: SoftHsm, ...parameters: readonly string[]): Promise<string> {
  return await tokenTool(hsm, 'prod', ...parameters)
}

/** The same for the token with this label. */
export async function tokenTool(
  hsm: Pick<SoftHsm, 'module' | 'environment'>,
  label: string,
  ...parameters: readonly string[]
): Promise<string> {
  const { tool } = await peer('opensc')
  const login = ['--module', hsm.module, '--token-label', label, '--login', '--pin', testPin]
  const { stdout } = await promisify(execFile)(tool, [...login, ...parameters], {
    env: builtEnvironment(hsm.environment),
  })
  return stdout
}

/** Writes `secretBytes` as a key. Returns what removes it again. */
export async function writeKey(
  hsm: SoftHsm,
  { label, id }: { readonly label: string; readonly id: Uint8Array },
): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-write-key-'))
  try {
    const file = join(folder, 'key')
    writeFileSync(file, secretBytes)
    const digits = Buffer.from(id).toString('hex')
    const names = ['--label', label, '--id', digits]
    await pkcs11Tool(
      hsm,
      '--write-object',
      file,
      '--type',
      'secrkey',
      ...names,
      '--usage-sign',
      '--sensitive',
      '--private',
    )
    return async () => {
      await pkcs11Tool(hsm, '--delete-object', '--type', 'secrkey', ...names)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
