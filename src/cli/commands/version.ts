// `hardkey --version [--json]`. In: package.json, the optional PKCS#11 loader.
// Out: versions, for a report of a fault; with hashes of what is run, for whoever compares it with a release.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { systemCode } from '../../files/file-failure.ts'
import type { CommandContext } from '../command.ts'

/** Prints the version; with `--json` also what hardkey runs on. */
export async function version({ args, output }: CommandContext): Promise<number> {
  const manifest = manifestOf('hardkey')
  if (manifest === undefined)
    throw new HardkeyError('ERR_INTERNAL', 'package.json of hardkey is not where it was installed')
  if (!args.has('json')) {
    output.line(`hardkey ${versionIn(manifest)}`)
    return 0
  }
  const koffi = manifestOf('koffi')
  output.json({
    hardkey: versionIn(manifest),
    command: realpathSync(process.argv[1] ?? process.execPath),
    filesSha256: sha256OfFiles(join(dirname(manifest), 'dist')),
    node: process.versions.node,
    openssl: process.versions.openssl,
    platform: `${process.platform}-${process.arch}`,
    koffi: koffi === undefined ? null : versionIn(koffi),
    natives: koffiBinaries().map((path) => ({ name: 'koffi', path, sha256: sha256(readFileSync(path)) })),
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

/** As `find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` in the folder says it. */
function sha256OfFiles(folder: string): string {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort()
  return sha256(paths.map((path) => `${sha256(readFileSync(join(folder, path)))}  ${path}\n`).join(''))
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The path of the package.json above the package's entry; undefined where the package is not installed. */
function manifestOf(name: 'hardkey' | 'koffi'): string | undefined {
  const require = createRequire(import.meta.url)
  try {
    // hardkey exports its package.json; koffi does not, but its entry lies in its own folder.
    const entry = require.resolve(name === 'hardkey' ? 'hardkey/package.json' : name)
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      const manifest = join(folder, 'package.json')
      if (existsSync(manifest)) return manifest
    }
    return undefined
  } catch (error) {
    if (systemCode(error) === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function versionIn(manifest: string): string | undefined {
  const read: unknown = JSON.parse(readFileSync(manifest, 'utf8'))
  return typeof read === 'object' && read !== null && 'version' in read ? String(read.version) : undefined
}
