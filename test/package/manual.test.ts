// The manual page and the bills of materials that the build makes. In: dist/, made by `npm run build`, and the table.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/table.ts'
import { root } from '../laws/tree.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

it('has every command and option of --help in the manual page', () => {
  const page = read('dist/hardkey.1').replaceAll('\\-', '-')
  const missing = commands.flatMap(({ name, flags }) => [
    ...(page.includes(`.SS hardkey ${name}`) ? [] : [name]),
    ...flags.filter((flag) => !page.includes(`.B --${flag.name}`)).map((flag) => `${name} --${flag.name}`),
  ])
  expect(missing).toEqual([])
})

it('names the manual page in package.json, so that npm installs it', () => {
  expect(JSON.parse(read('package.json')).man).toEqual(['./dist/hardkey.1'])
})

it('S-07: lists in both bills what a user installs, and nothing of the tools of the house', () => {
  const { packages } = JSON.parse(read('package-lock.json'))
  const installed = Object.entries<{ dev?: boolean; peer?: boolean; version: string }>(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`)
  const cycloneDx = JSON.parse(read('dist/sbom.cdx.json')).components
  const named = cycloneDx.map(({ 'bom-ref': ref }: { 'bom-ref': string }) => ref)
  expect(named.sort()).toEqual(installed.sort())
  const spdx = JSON.parse(read('dist/sbom.spdx.json')).packages.slice(1)
  expect(spdx.map(({ name, versionInfo }: Record<string, string>) => `${name}@${versionInfo}`).sort()).toEqual(
    installed.sort(),
  )
})
