// `hardkey --version [--json]`. In: package.json, the optional PKCS#11 loader.
// Out: versions, for a report of a fault; with the hash of each file that is run, for whoever compares it with a release.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import type { CommandContext } from '../command.ts'

/** Prints the version; with `--json` also what hardkey runs on. */
export async function version({ args, output }: CommandContext): Promise<number> {
  const own = versionOf('hardkey')
  if (own === undefined) throw new HardkeyError('ERR_INTERNAL', 'package.json of hardkey is not where it was installed')
  if (!args.has('json')) {
    output.line(`hardkey ${own}`)
    return 0
  }
  const command = realpathSync(process.argv[1] ?? process.execPath)
  output.json({
    hardkey: own,
    command,
    commandSha256: sha256Of(command),
    node: process.versions.node,
    openssl: process.versions.openssl,
    platform: `${process.platform}-${process.arch}`,
    koffi: versionOf('koffi') ?? null,
    natives: koffiBinaries().map((path) => ({ name: 'koffi', path, sha256: sha256Of(path) })),
  })
  return 0
}

/** The binaries of koffi for this system, one for each C library: koffi loads the one that fits. */
function koffiBinaries(): readonly string[] {
  const require = createRequire(import.meta.url)
  try {
    const folder = join(
      dirname(require.resolve('koffi')),
      '..',
      '@koromix',
      `koffi-${process.platform}-${process.arch}`,
    )
    const places = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name, 'koffi.node')) : []
    return places.filter((path) => existsSync(path)).map((path) => realpathSync(path))
  } catch (error) {
    if (systemCode(error) === 'MODULE_NOT_FOUND') return []
    throw error
  }
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** The version in the package.json above the package's entry; undefined where the package is not installed. */
function versionOf(name: 'hardkey' | 'koffi'): string | undefined {
  const require = createRequire(import.meta.url)
  try {
    // hardkey exports its package.json; koffi does not, but its entry lies in its own folder.
    const entry = require.resolve(name === 'hardkey' ? 'hardkey/package.json' : name)
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      const manifest = join(folder, 'package.json')
      if (existsSync(manifest)) return versionIn(readFileSync(manifest, 'utf8'))
    }
    return undefined
  } catch (error) {
    if (systemCode(error) === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function versionIn(manifest: string): string | undefined {
  const read: unknown = JSON.parse(manifest)
  return typeof read === 'object' && read !== null && 'version' in read ? String(read.version) : undefined
}
