// What the packed package holds. It needs dist/, made by `npm run build`.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { codeOf, filesUnder, importsOf, pathsUnder, root } from '../laws/tree.ts'
import { packedFiles } from './pack.ts'

const own = (file: string) => file.startsWith('dist/')

it('S-08: packs the library, its types, the command and the child, and nothing that the sources do not account for', () => {
  const library = pathsUnder('src')
    .filter((path) => !path.startsWith('src/cli/') && path !== 'src/backends/pkcs11/child.ts')
    .map((path) => path.replace('src/', 'dist/').replace(/\.ts$/, ''))
    .flatMap((path) => [`${path}.js`, `${path}.d.ts`])
  const made = ['dist/cli/hardkey.cjs', 'dist/backends/pkcs11/child.cjs', ...library].sort()
  const packed = packedFiles().files.map((file) => file.path)
  expect(packed.filter(own).sort()).toEqual(made)
  expect(packed.filter((file) => !own(file)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'package.json',
  ])
})

it('S-08: is under 1 MB when installed', () => {
  expect(packedFiles().unpackedSize).toBeLessThan(1_000_000)
})

it('packs the command as an executable', () => {
  const command = packedFiles().files.find((file) => file.path === 'dist/cli/hardkey.cjs')
  expect((command?.mode ?? 0) & 0o111).toBe(0o111)
})

it('has public types that need nothing but those of Node', () => {
  const packages = filesUnder('dist', /\.d\.ts$/).flatMap((file) => importsOf(codeOf(file.text)))
  expect(packages.filter((specifier) => !/^\.|^node:/.test(specifier))).toEqual([])
})

it('imports an optional package in one file, behind import()', () => {
  const used = filesUnder('src', /\.ts$/)
    .filter((file) => !file.path.startsWith('src/cli/') && !file.path.endsWith('/child.ts'))
    .flatMap(({ path, text }) => importsOf(text).map((specifier) => ({ path, text, specifier })))
    .filter(({ specifier }) => !/^\.|^node:/.test(specifier))
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(used.map(({ specifier }) => specifier).sort()).toEqual(Object.keys(peerDependencies).sort())
  expect(Object.keys(peerDependenciesMeta).sort()).toEqual(Object.keys(peerDependencies).sort())
  for (const { text, specifier } of used) expect(text).toContain(`await import('${specifier}')`)
})
