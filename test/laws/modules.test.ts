// Laws 5 to 8 and the habits on the tree as it is, and each on a planted breach.

import { expect, it } from 'vitest'
import {
  clockBreaches,
  drawerBreaches,
  evaluationBreaches,
  functionBreaches,
  headerBreaches,
  lengthBreaches,
  moduleBreaches,
  optionalLibraryBreaches,
  worldBreaches,
} from './modules.ts'
import { codeOf, filesUnder, pathsUnder, planted, sources } from './tree.ts'

const somewhere = 'src/sts/client.ts'

it('imports an optional library in one file', () => {
  expect(optionalLibraryBreaches(sources())).toEqual([])
})

it('sees a library imported in two files', () => {
  const files = ['a', 'b'].flatMap((name) => planted(`src/key/${name}.ts`, "import koffi from 'koffi'"))
  expect(optionalLibraryBreaches(files)).toHaveLength(2)
})

it('S-10: reads the environment, prints, asks and exits in cli/ only', () => {
  expect(worldBreaches(sources())).toEqual([])
})

it.each([
  'const home = process.env.HOME',
  "console.error('x')",
  "process.stdout.write('x')",
  'process.exit(1)',
  'process.exitCode = 1',
  "import { env } from 'node:process'",
])('sees %s outside cli/', (text) => {
  expect(worldBreaches(planted(somewhere, text))).toHaveLength(1)
})

it('S-10: takes clock and chance as parameters', () => {
  expect(clockBreaches(sources())).toEqual([])
})

it.each(['const t = Date.now()', 'const d = new Date()', 'const delay = Math.random() * 100'])('sees %s', (text) => {
  expect(clockBreaches(planted(somewhere, text))).toHaveLength(1)
})

it('lets the real clock be the default of a parameter', () => {
  const text = 'const { now = () => new Date(), random = Math.random } = options'
  expect(clockBreaches(planted(somewhere, text))).toEqual([])
})

it('keeps no state and does nothing at module level', () => {
  expect(moduleBreaches(sources())).toEqual([])
})

it.each([
  'let count = 0',
  'export let count = 0',
  'const cache = new Map()',
  'const cache: Map<string, string> = new Map()',
  'const waiting = []',
  'class A {\n  static count = 0\n}',
  "export * from './open.ts'",
  'export default 1',
  'const x = await start()',
  "register('x')",
  'if (x) start()',
  "import './start.ts'",
])('sees %j at module level', (text) => {
  expect(moduleBreaches(planted(somewhere, text))).not.toEqual([])
})

it('lets a table at module level be', () => {
  const text = "const table: ReadonlyMap<string, string> = new Map([['a', 'b']])\nconst words = ['a'] as const\n"
  expect(moduleBreaches(planted(somewhere, text))).toEqual([])
})

it('has no drawers of odds and ends', () => {
  expect(drawerBreaches(pathsUnder('src'))).toEqual([])
})

it.each(['src/key/utils.ts', 'src/helpers/x.ts', 'src/key/uri-helper.ts', 'src/common.ts'])('sees %s', (path) => {
  expect(drawerBreaches([path])).toHaveLength(1)
})

it('opens each file with two to five lines on what goes in and what comes out', () => {
  expect(headerBreaches([...sources(), ...filesUnder('scripts')])).toEqual([])
})

it.each(['import x', '// one line\n', '// a\n// b\n// c\n// d\n// e\n// f\n'])(
  'sees a file that opens with %j',
  (text) => {
    expect(headerBreaches(planted(somewhere, text))).toHaveLength(1)
  },
)

it('says why where a file or function is long', () => {
  const all = [...sources(), ...filesUnder('test', /\.ts$/), ...filesUnder('scripts')]
  expect([...lengthBreaches(all), ...functionBreaches(all)]).toEqual([])
})

it('sees a long file', () => {
  expect(lengthBreaches(planted(somewhere, '\n'.repeat(251)))).toHaveLength(1)
})

it.each([
  ['function', `function a() {\n${'  x()\n'.repeat(50)}}\n`],
  ['method', `class A {\n  a(): void {\n${'    x()\n'.repeat(50)}  }\n}\n`],
  ['test', `it('a', () => {\n${'  x()\n'.repeat(25)}})\n`],
  ['test after a table', `it.each([\n  1,\n])('a', () => {\n${'  x()\n'.repeat(25)}})\n`],
])('sees a long %s', (_, text) => {
  expect(functionBreaches(planted(somewhere, text))).toHaveLength(1)
})

it('does not count the table before a test', () => {
  const table = `it.each([\n${'  1,\n'.repeat(30)}])('a', () => {\n  x()\n})\n`
  expect(functionBreaches(planted(somewhere, table))).toEqual([])
})

it('S-10: runs no text as a program, starts no shell, compares strictly and imports nothing by a variable', () => {
  expect(evaluationBreaches(sources())).toEqual([])
})

it.each([
  'eval(text)',
  'new Function(text)',
  "import { exec } from 'node:child_process'",
  'spawn(a, { shell: true })',
  'await import(name)',
  'if (a == b) c()',
  'if (a != b) c()',
])('S-10: sees %s', (text) => {
  expect(evaluationBreaches(planted(somewhere, text))).toHaveLength(1)
})

it.each([
  ['// process.env', ''],
  ["const a = 'process.env'", 'const a ='],
  ["const a = /[\"'`]/.test(b) // it's", 'const a =        .test(b)'],
  ['const a = `x ${process.pid} y`', 'const a =      process.pid'],
  ['const a = `${b(`}${c}`)}${{ d: `e` }.d}` + process', 'const a =    b(    c  )   { d:     }.d   + process'],
])('reads %s as code without comments and texts', (text, code) => {
  expect(codeOf(text).trimEnd()).toBe(code)
})
