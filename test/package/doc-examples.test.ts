// The examples in doc comments and in Markdown, compiled against the built package as a user's code would be. Each
// ```ts block is a module of its own, in a folder of this package, so that 'hardkey' is the package itself.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { filesUnder, root, type SourceFile } from '../laws/tree.ts'

interface Example {
  readonly origin: string
  readonly code: string
}

it('compiles every example that the documentation shows', () => {
  const examples = [...filesUnder('src', /\.ts$/), ...filesUnder('.', /\.md$/)].flatMap(examplesIn)
  expect(examples.length).toBeGreaterThan(0)
  expect(refusals(examples)).toBe('')
})

it('refuses an example that calls what is not there', () => {
  const code = "import { openKey } from 'hardkey'\nconst key = openKey('tink:file=a').then((key) => key.secret())"
  expect(refusals([{ origin: 'planted', code }])).toContain('secret')
})

function examplesIn(file: SourceFile): Example[] {
  const blocks = [...file.text.matchAll(/^( *\* ?)?```ts\n([\s\S]*?)^(?: *\* ?)?```/gm)]
  return blocks.map(([, margin, block = ''], index) => ({
    origin: `${file.path}-${index + 1}`.replaceAll(/[/.]/g, '_'),
    code: margin === undefined ? block : block.replaceAll(/^ *\* ?/gm, ''),
  }))
}

/** What the compiler says. */
function refusals(examples: readonly Example[]): string {
  const folder = mkdtempSync(join(root, '.examples-'))
  try {
    const files = examples.map(({ origin }) => `${origin}.ts`)
    for (const { origin, code } of examples) writeFileSync(join(folder, `${origin}.ts`), `${code}\nexport {}\n`)
    const options = {
      noUnusedLocals: false,
      noUnusedParameters: false,
      isolatedDeclarations: false,
      declaration: false,
    }
    const config = { extends: '../tsconfig.json', compilerOptions: options, files, include: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    return spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { cwd: root, encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
