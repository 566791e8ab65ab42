#!/usr/bin/env node
// Makes dist/: the library and its types by tsc, the command and the PKCS#11 child as one CommonJS file each by esbuild.
// In: src/, node_modules/; as arguments the parts to make (library, command, child), all by default. Out: dist/; when
// all is made, in a folder beside it that is put in place whole, so that a running test never sees half of it.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const dist = join(root, 'dist')

const parts = {
  library: compile,
  command: async (folder) => {
    const command = join(folder, 'cli', 'hardkey.cjs')
    await bundle('src/cli/main.ts', command, '#!/usr/bin/env node')
    chmodSync(command, 0o755)
  },
  child: (folder) => bundle('src/backends/pkcs11/child.ts', join(folder, 'backends', 'pkcs11', 'child.cjs')),
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

/** The code without its comments, which are a third of it; the types, compiled over it, with theirs for the editor. */
function compile(folder) {
  for (const option of ['--removeComments', '--emitDeclarationOnly']) {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const ended = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', folder, option], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (ended.status !== 0) throw new Error('tsc refused the library')
  }
}

/** In a CommonJS file `import.meta.url` is empty, so it is defined from `__filename`. */
async function bundle(entry, outfile, shebang) {
  const { build } = require('esbuild')
  const ownUrl = "const importMetaUrl = require('node:url').pathToFileURL(__filename).href"
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['koffi', '@aws-sdk/credential-providers', 'google-auth-library'],
    // Names stay, so that a stack can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: shebang === undefined ? ownUrl : `${shebang}\n${ownUrl}` },
    logLevel: 'warning',
  })
}
