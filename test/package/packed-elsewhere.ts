// The tree built and packed in another folder, by a Node of one's choice. In: a folder to make. Out: the packed file.

import { spawnSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'
import { packInto } from './pack.ts'

const parts = 'src scripts package.json package-lock.json tsconfig.json README.md CHANGELOG.md SECURITY.md LICENSE'

/** @returns the path of the packed file, in the folder */
export function packedElsewhere(folder: string, node: string = process.execPath): string {
  for (const path of parts.split(' ')) cpSync(join(root, path), join(folder, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const options = { cwd: folder, env: builtEnvironment({ HOME: folder }), encoding: 'utf8' } as const
  const built = spawnSync(node, [join(folder, 'scripts', 'build.mjs')], options)
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`)
  return packInto(folder, folder)
}
