// AWS files for one program alone, in place of the user's. In: a region. Out: the variables that name them, in a folder that
// only this user can enter, until it is removed. They hold no key, so they may lie on a disk.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface IsolatedConfig {
  readonly variables: Readonly<Record<string, string>>
  remove(): void
}

/** Makes the folder (0700) with a config file that says the region, and an empty credentials file. */
export function isolatedConfig(region: string | undefined): IsolatedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-exec-'))
  const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') }
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    writeFileSync(files.AWS_CONFIG_FILE, region === undefined ? '' : `[default]\nregion = ${region}\n`, { mode: 0o600 })
    writeFileSync(files.AWS_SHARED_CREDENTIALS_FILE, '', { mode: 0o600 })
  } catch (error) {
    remove()
    throw error
  }
  return { variables: files, remove }
}
