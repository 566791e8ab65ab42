// What the packed package holds. It needs dist/, made by `npm run build`.

import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, it } from 'vitest'
import { codeOf, filesUnder, importsOf, root } from '../laws/tree.ts'
import { packedFiles } from './pack.ts'

const manifest: { readonly exports: Record<string, { readonly types?: string }> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const publicTypes = Object.values(manifest.exports).map(({ types }) => types ?? '')

it('S-08: packs the files that were promised, and no other', async () => {
  const paths = packedFiles().files.map((file) => file.path)
  // Reviewed when it changes (vitest run -u): a file more is read at every start, or is not public.
  await expect(`${paths.sort().join('\n')}\n`).toMatchFileSnapshot('packed-files.txt')
})

it('S-08: is under 1 MB when installed', () => {
  expect(packedFiles().unpackedSize).toBeLessThan(1_000_000)
})

it('holds each class once, and once more in the child where that needs it', () => {
  const child = 'dist/backends/pkcs11/child.cjs'
  const code = packedFiles()
    .files.map((file) => file.path)
    .filter((path) => /\.c?js$/.test(path) && path !== child)
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n')
  // Names of one or two letters are those of variables, shortened.
  const classes = code.match(/\bclass [A-Z]\w{2,}(?= extends| ?\{)|\b[A-Z]\w{2,}=class\b/g) ?? []
  const named = classes.map((text) => text.replace(/class ?|=/g, ''))
  expect(named).toContain('HardkeyError')
  // Several devices have an OpenedKey.
  const declared = filesUnder('src', /\.ts$/).flatMap(({ text }) => codeOf(text).match(/(?<=\bclass )[A-Z]\w+/g) ?? [])
  const times = (name: string, list: readonly string[]) => list.filter((one) => one === name).length
  expect([...new Set(named)].filter((name) => times(name, named) > times(name, declared))).toEqual([])
})

it('ships the types that a public subpath reaches, and all of them', () => {
  const shipped = packedFiles()
    .files.map((file) => file.path)
    .filter((path) => path.endsWith('.d.ts'))
  const reached = new Set(shipped.filter((path) => publicTypes.includes(`./${path}`)))
  for (const path of reached) {
    for (const [, to = ''] of readFileSync(join(root, path), 'utf8').matchAll(/['"](\.[^'"]+)\.js['"]/g)) {
      reached.add(posix.join(posix.dirname(path), `${to}.d.ts`))
    }
  }
  expect(shipped.sort()).toEqual([...reached].sort())
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
