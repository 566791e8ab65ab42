#!/usr/bin/env node
// Makes dist/: the code of library and command, once, in CommonJS chunks; an ES module for each public subpath that hands
// on its names; the PKCS#11 child as one file; the types that a public subpath reaches; the manual page; the bill of materials.
// In: src/, node_modules/; as arguments the parts to make (code, entry, child, types, …), all by default. Out: dist/; when all is
// made, in a folder beside it that is put in place whole, so that a running test never sees half of it.
// docs/adr/0010-one-copy-of-the-code.md says why it is built so.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'
import { dts } from 'rolldown-plugin-dts'
import { manualPage } from './manual.mjs'
import { billsOfMaterials } from './sbom.mjs'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The public subpaths, as paths below src/ and dist/ without ending: index, backends/tink/backend. */
const subpaths = Object.values(manifest.exports)
  .map(({ types }) => types)
  .filter((types) => types !== undefined)
  .map((types) => types.replace('./dist/', '').replace(/\.d\.ts$/, ''))

const parts = {
  code: makeCode,
  entry: makeEntry,
  child: makeChild,
  types: makeTypes,
  manual: makeManual,
  sbom: makeSbom,
}

try {
  await (process.argv.length > 2 ? makeSome(process.argv.slice(2)) : makeAll())
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`)
  process.exitCode = 1
}

async function makeSome(names) {
  for (const name of names) {
    if (!Object.hasOwn(parts, name)) throw new Error(`no part "${name}"; there are ${Object.keys(parts).join(', ')}`)
    await parts[name](dist)
  }
}

async function makeAll() {
  const fresh = mkdtempSync(join(root, '.dist-'))
  try {
    chmodSync(fresh, 0o755)
    for (const make of Object.values(parts)) await make(fresh)
    const old = `${fresh}-old`
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(fresh, dist)
    rmSync(old, { recursive: true, force: true })
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** Library and command in one build: a module is in one chunk, so there is one HardkeyError for every way in. */
async function makeCode(folder) {
  const entries = { 'chunks/main': 'src/cli/main.ts' }
  for (const path of subpaths) entries[path] = `src/${path}.ts`
  const chunks = await bundled(entries, { groups: groups() })
  refuseStart(chunks)
  for (const chunk of chunks) write(folder, chunk.fileName, chunk.code)
  for (const path of subpaths) {
    const { exports } = chunks.find(({ isEntry, name }) => isEntry && name === path)
    write(folder, `${path}.js`, `export { ${exports.toSorted().join(', ')} } from './${posix.basename(path)}.cjs'\n`)
  }
}

/** What every start loads: it serves a kept session, or loads the command. Apart from the code, of which it needs little. */
async function makeEntry(folder) {
  const [{ code }] = await bundled({ 'cli/hardkey': 'src/cli/entry.ts' }, false)
  const load = `exports.servesKeptSession(process.argv.slice(2),process.env,process.argv[1])||require('../chunks/main.cjs')`
  write(folder, 'cli/hardkey.cjs', `#!/usr/bin/env node\n${code.trimEnd()}\n${load}\n`)
  chmodSync(join(folder, 'cli', 'hardkey.cjs'), 0o755)
}

/**
 * What is loaded together lies together: a file more costs a start as much as 30 kB of code. A group is the modules that
 * it names with all that they import statically and no group above it has; what is in none is split by who uses it.
 */
function groups() {
  const schemes = subpaths.filter((path) => path.startsWith('backends/')).map((path) => path.split('/')[1])
  const isCommand = (path) => path.startsWith('cli/')
  const list = [
    ['base', (path, graph) => !isCommand(path) && loadedBy('cli/main', graph, ['importedIds']).has(path)],
    ['main', (path) => path === 'cli/main'],
    // With what two devices share, of which neither is to load the other.
    ['library', (path) => ['index', 'key/server-trust', 'key/time-limit'].includes(path)],
    ...schemes.map((scheme) => [scheme, (path) => path === `backends/${scheme}/backend`]),
    // Apart from the next, of which every start loads all: it loads the client of Vault.
    ['vault-uri', (path) => path === 'cli/device/vault-uri'],
    // What tools start often.
    ['session', (path, graph) => isCommand(path) && loadedBy('cli/commands/credential-process', graph).has(path)],
    ...schemes.map((scheme) => [`${scheme}-device`, (path) => path.startsWith(`backends/${scheme}/`)]),
    ['commands', (path) => /^(cli\/(?!commands\/|demo\/)|lifecycle\/|profiles\/)/.test(path)],
  ]
  return list.map(([name, has], index) => ({
    debugName: name,
    name: (id, graph) => (has(pathOf(id), graph) ? name : null),
    priority: list.length - index,
  }))
}

/** A module's path below src/, without ending. */
function pathOf(id) {
  return posix.relative(join(root, 'src'), id).replace(/\.ts$/, '')
}

/** A module and what it imports, at any remove: statically and by import(), or in one of these ways. */
function loadedBy(path, graph, ways = ['importedIds', 'dynamicallyImportedIds']) {
  const found = new Set()
  const add = (id) => {
    if (found.has(pathOf(id))) return
    found.add(pathOf(id))
    const module = graph.getModuleInfo(id)
    for (const imported of ways.flatMap((way) => module?.[way] ?? [])) add(imported)
  }
  add(join(root, 'src', `${path}.ts`))
  return found
}

/** The command starts when its chunk is loaded, so nothing that the library loads may load it. */
function refuseStart(chunks) {
  const byFile = new Map(chunks.map((chunk) => [chunk.fileName, chunk]))
  const visit = (file, seen) => {
    if (file === 'chunks/main.cjs') throw new Error('a public subpath loads the command')
    if (seen.has(file)) return
    seen.add(file)
    const { imports, dynamicImports } = byFile.get(file) ?? { imports: [], dynamicImports: [] }
    for (const imported of [...imports, ...dynamicImports]) visit(imported, seen)
  }
  for (const path of subpaths) visit(`${path}.cjs`, new Set())
}

/** One file, whole: the library and the command start it, and nothing of theirs is loaded in it. */
async function makeChild(folder) {
  const [chunk] = await bundled({ 'backends/pkcs11/child': 'src/backends/pkcs11/child.ts' }, false)
  write(folder, chunk.fileName, chunk.code)
}

async function bundled(input, codeSplitting) {
  const build = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: (id) => !/^[./]/.test(id),
    tsconfig: false,
    onLog: (_, { code, message }) => {
      // A module that one file imports statically and another by import() is none of ours to forbid, nor a busy machine.
      if (!['INEFFECTIVE_DYNAMIC_IMPORT', 'PLUGIN_TIMINGS'].includes(code)) throw new Error(message)
    },
  })
  const { output } = await build.generate({
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name].cjs',
    codeSplitting,
    comments: false,
    // Names of functions would be 57 kB of the 1,000 that the package may have; a class keeps its own, which errors show.
    minify: {
      compress: { target: 'node20', keepNames: { function: false, class: true } },
      mangle: { keepNames: { function: false, class: true } },
      codegen: { removeWhitespace: true },
    },
  })
  await build.close()
  const chunks = output.map((chunk) => ({ ...chunk, code: inLines(withOwnNamesOnly(chunk.code)) }))
  const helper = chunks.find(({ name }) => name === 'rolldown-runtime')
  if (helper !== undefined && !helper.code.includes('of Object.keys('))
    throw new Error('the helper for exports has changed')
  return chunks
}

/** The bundler's helper copies exports by for-in, which takes what others wrote into Object.prototype for exports too. */
function withOwnNamesOnly(code) {
  return code.replaceAll(/\bfor\s*\(\s*(?:var|let|const) (\w+) in (\w+)\)/g, 'for(let $1 of Object.keys($2))')
}

/** A line for each statement: Node prints the line of an error that nobody catches, which would be the whole file. */
function inLines(code) {
  const starts = parseAst(code).body.map(({ start }) => start)
  return starts.map((start, index) => code.slice(index === 0 ? 0 : start, starts[index + 1])).join('\n')
}

/** From the texts that --help prints; the commands themselves are not loaded. */
async function makeManual(folder) {
  const place = mkdtempSync(join(root, '.dist-manual-'))
  try {
    const build = await rolldown({
      cwd: root,
      input: { texts: 'src/cli/help-text.ts', table: 'src/cli/table.ts', args: 'src/cli/args.ts' },
      platform: 'node',
      external: (id) => !/^[./]/.test(id) || id.includes('/commands/'),
      tsconfig: false,
    })
    await build.write({ dir: place, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
    await build.close()
    const loaded = await Promise.all(['texts', 'table', 'args'].map((name) => import(join(place, `${name}.mjs`))))
    write(folder, 'hardkey.1', manualPage(Object.assign({}, ...loaded), manifest))
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function makeSbom(folder) {
  for (const [name, text] of Object.entries(billsOfMaterials(root, manifest))) write(folder, name, text)
}

/**
 * The declarations that a public subpath reaches, each once, with their comments for the editor. Every declaration stands
 * by itself (isolatedDeclarations), so no compiler has to be asked; that the types are right, `npm run check` says.
 */
async function makeTypes(folder) {
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(subpaths.map((path) => [path, `./src/${path}.ts`])),
    external: (id) => !/^[./]/.test(id),
    tsconfig: false,
    plugins: [dts({ emitDtsOnly: true, oxc: true, tsconfig: false })],
  })
  const { output } = await build.generate({ format: 'es', chunkFileNames: 'types/[name].d.ts' })
  // Of a module that two devices share, and none of whose types is public, nothing is left.
  for (const { fileName, code } of output) if (code.trim() !== 'export { };') write(folder, fileName, code)
  await build.close()
}

function write(folder, path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
