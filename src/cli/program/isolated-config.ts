// AWS files for one program alone, in place of the user's. In: a region, the runtime folder. Out: the variables that name them,
// in a folder that only this user can enter, until it is removed. They hold no key, so they may lie on a disk.
// A process that was killed leaves its folder: the next one removes it, as `cache clear` does, once that process has ended.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemCode } from '../../files/file-failure.ts'
import { thisUser } from '../../files/ownership.ts'
import { hasEnded, thisProcess } from '../../files/process-identity.ts'
import { readIdentity } from '../../files/with-lock.ts'

export interface IsolatedConfig {
  readonly variables: Readonly<Record<string, string>>
  remove(): void
}

const prefix = 'hardkey-exec-'
const owner = 'owner'

/** Makes the folder (0700) with a config file that says the region, and an empty credentials file. */
export async function isolatedConfig(region: string | undefined, runtime: string | undefined): Promise<IsolatedConfig> {
  await removeAbandoned(runtime)
  const identity = JSON.stringify(await thisProcess())
  const folder = mkdtempSync(join(runtime ?? tmpdir(), prefix))
  const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') }
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    writeFileSync(join(folder, owner), identity, { mode: 0o600 })
    writeFileSync(files.AWS_CONFIG_FILE, region === undefined ? '' : `[default]\nregion = ${region}\n`, { mode: 0o600 })
    writeFileSync(files.AWS_SHARED_CREDENTIALS_FILE, '', { mode: 0o600 })
  } catch (error) {
    remove()
    throw error
  }
  // The SDK for Python looks for a key of boto 2 in ~/.boto and /etc/boto.cfg unless this names a file.
  return { variables: { ...files, BOTO_CONFIG: devNull }, remove }
}

/** Removes what processes that have ended left in the runtime folder and where there was none. */
export async function removeAbandoned(runtime: string | undefined): Promise<void> {
  const mine = await thisProcess()
  for (const place of new Set([tmpdir(), ...(runtime === undefined ? [] : [runtime])])) {
    const names = await readdir(place).catch(() => [])
    for (const folder of names.filter((name) => name.startsWith(prefix)).map((name) => join(place, name))) {
      const identity = (await isOurs(folder)) ? readIdentity(textIn(join(folder, owner))) : undefined
      if (identity !== undefined && (await hasEnded(identity, mine))) rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  return stats?.isDirectory() === true && stats.uid === (thisUser() ?? stats.uid)
}

/** Empty where there is none: another process is about to write it. */
function textIn(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return ''
  }
}
