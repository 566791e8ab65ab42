// What the packed package holds. It needs dist/, made by `npm run build`.

import { expect, it } from 'vitest'
import { filesUnder, importsOf, pathsUnder } from '../laws/tree.ts'
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
  const packages = filesUnder('src', /\.ts$/)
    .filter((file) => !file.path.startsWith('src/cli/') && !file.path.endsWith('/child.ts'))
    .flatMap((file) => importsOf(file.text))
    .filter((specifier) => !/^\.|^node:/.test(specifier))
  expect(packages).toEqual([])
})
