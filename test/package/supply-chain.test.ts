// Rules of the supply chain that the tree itself can show: the lock file and how it is installed (S-03), the same bytes
// from two builds (S-06), strict static checks (S-10), how to report (S-12), what the version tells (S-13). It needs dist/, as all tests here.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { commandFile } from '../cli/hardkey.ts'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'
import { packedElsewhere } from './packed-elsewhere.ts'

const folder = mkdtempSync(join(tmpdir(), 'hardkey-twice-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

it('S-03: has a lock file that is in step with package.json and carries a hash for every package', () => {
  const manifest = JSON.parse(read('package.json'))
  const { lockfileVersion, packages } = JSON.parse(read('package-lock.json'))
  const { '': own, ...installed } = packages
  expect(lockfileVersion).toBe(3)
  expect([own.name, own.devDependencies, own.optionalDependencies]).toEqual([
    manifest.name,
    manifest.devDependencies,
    manifest.optionalDependencies,
  ])
  const bare = Object.entries<{ integrity?: string; inBundle?: boolean }>(installed)
    .filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true)
    .map(([path]) => path)
  expect(bare).toEqual([])
})

it('S-03: installs by npm ci with scripts off, in CI and for every test', () => {
  expect(read('.npmrc')).toContain('ignore-scripts=true\n')
  expect(read('.ci/run')).toMatch(/^npm ci$/m)
  expect(read('scripts/test.mjs')).toContain("'npm', ['ci']")
  expect([read('.ci/run'), read('scripts/test.mjs'), read('scripts/demo.mjs')].join()).not.toMatch(/npm',? \[?'install/)
})

it('S-06: gives the same packed bytes when it is built in two folders', () => {
  const [first, second] = ['a', 'a folder of another name'].map((name) => packedElsewhere(join(folder, name)))
  expect(sha256(second ?? '')).toBe(sha256(first ?? ''))
})

it('S-10: has every strict switch of the compiler and the lint rules on', () => {
  const { compilerOptions } = JSON.parse(read('tsconfig.json'))
  const switches = ['strict', 'noUncheckedIndexedAccess', 'exactOptionalPropertyTypes', 'noFallthroughCasesInSwitch']
  expect(switches.filter((name) => compilerOptions[name] !== true)).toEqual([])
  const { rules } = JSON.parse(read('biome.json')).linter
  expect([rules.preset, rules.suspicious.noConsole, rules.suspicious.noExplicitAny]).toEqual([
    'recommended',
    'error',
    'error',
  ])
})

it('S-12: says in SECURITY.md where to report, in what time an answer comes, and what does not count', () => {
  const text = read('SECURITY.md')
  for (const said of [
    'private report form',
    '3 working days',
    'within 30',
    '90 days',
    '## Out of scope',
    '## Against whom',
  ])
    expect(text).toContain(said)
})

it('S-13: tells version, Node, the hash of its own files, and each native module with path and hash', () => {
  const env = builtEnvironment({ HOME: tmpdir() })
  const ran = spawnSync(process.execPath, [commandFile, '--version', '--json'], { env, encoding: 'utf8' })
  const sum = 'find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum'
  const sums = spawnSync('sh', ['-c', sum], { cwd: join(root, 'dist'), encoding: 'utf8' })
  const told = JSON.parse(ran.stdout)
  expect(told).toMatchObject({
    hardkey: JSON.parse(read('package.json')).version,
    command: realpathSync(commandFile),
    filesSha256: sums.stdout.split(' ')[0],
    node: process.versions.node,
  })
  expect(told.natives.length).toBeGreaterThan(0)
  for (const { path, sha256: hash } of told.natives) expect(hash).toBe(sha256(path))
})
