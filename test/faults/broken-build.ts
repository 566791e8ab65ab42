// Deliberately broken builds of the command, for negative controls: an injector is worth what it catches. In: a file of src/,
// a text of it and what stands there instead. Out: a program that runs the broken command; give it as `node` to a home.

import { chmodSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import type { CommandHome } from '../cli/hardkey.ts'

const root = resolve(import.meta.dirname, '..', '..')

/** Fails where the text does not stand there exactly once: then the control would control nothing. */
export async function brokenBuild(home: CommandHome, file: string, text: string, instead: string): Promise<string> {
  const whole = readFileSync(join(root, file), 'utf8')
  if (whole.split(text).length !== 2) throw new Error(`${file} does not have this exactly once: ${text}`)
  const contents = whole.replace(text, () => instead)
  const broken = join(home.folder, 'hardkey-broken.cjs')
  await build({
    entryPoints: [join(root, 'src', 'cli', 'main.ts')],
    outfile: broken,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi', '@aws-sdk/credential-providers', 'google-auth-library'],
    define: { 'import.meta.url': '__filename' },
    plugins: [
      {
        name: 'break',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => (path === join(root, file) ? { contents, loader: 'ts' } : null)),
      },
    ],
    logLevel: 'error',
  })
  const program = home.write('node-broken', `#!/bin/sh\nshift\nexec '${process.execPath}' '${broken}' "$@"\n`)
  chmodSync(program, 0o700)
  return program
}
