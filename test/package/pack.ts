// The package as it is published. Out: what `npm pack` would take, or the packed file installed into an empty folder.
// npm is an installer: it alone gets the machine's own environment, with its proxies, certificates and cache.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../laws/tree.ts'

export interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

/** What would be packed, without packing it. */
export function packedFiles(): Packed {
  return pack(['--dry-run'])
}

/** Packs the tree, or one like it elsewhere, into a folder. @returns the path of the packed file */
export function packInto(folder: string, tree: string = root): string {
  return join(folder, pack(['--pack-destination', folder], tree).filename)
}

function pack(options: readonly string[], tree: string = root): Packed {
  const [packed] = JSON.parse(npm(tree, ['pack', '--json', '--ignore-scripts', ...options])) as Packed[]
  if (packed === undefined) throw new Error('npm pack packed nothing')
  return packed
}

/** Installs a packed file into a new, empty folder, with scripts switched off. */
export function installPacked(file: string, folder: string, options: readonly string[] = []): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  npm(folder, ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...options, file])
}

function npm(cwd: string, args: readonly string[]): string {
  const ended = spawnSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (ended.status !== 0) throw new Error(`npm ${args.join(' ')}: ${ended.error?.message ?? ended.stderr}`)
  return ended.stdout
}
