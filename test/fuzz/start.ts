// Starts the fuzzer in a process of its own. In: a target, runs, a seed. Out: its result; a run that never ended counts as
// a hang with its input.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../laws/tree.ts'
import { builtEnvironment } from '../peers/peer.ts'
import type { FuzzResult } from './fuzzer.ts'

export interface FuzzProgram {
  run(target: string, runs: number, seed: number): Promise<FuzzResult>
  remove(): void
}

/** The fuzzer with every target in one file that node runs. */
export async function fuzzProgram(): Promise<FuzzProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-fuzz-'))
  const script = join(folder, 'fuzz.cjs')
  await build({
    absWorkingDir: root,
    entryPoints: ['test/fuzz/fuzz-child.ts'],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['koffi', '@aws-sdk/credential-providers', 'google-auth-library'],
    define: { 'import.meta.url': 'undefined', 'import.meta.dirname': '__dirname' },
    logLevel: 'error',
  })
  return {
    run: (target, runs, seed) => runScript(script, [target, String(runs), String(seed)]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function runScript(script: string, args: readonly string[]): Promise<FuzzResult> {
  const child = spawn(process.execPath, ['--no-warnings', script, ...args], {
    cwd: root,
    env: builtEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [said, complained] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text
  })
  return new Promise((done, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      const [line = ''] = said.split('\n')
      if (line === '') return reject(new Error(`the fuzzer ended with ${signal ?? status}: ${complained}`))
      // The child's own line: a result, or the input on which it was stuck.
      const answer = JSON.parse(line) as FuzzResult | { readonly stuck: string }
      if (!('stuck' in answer)) return done(answer)
      const hangs = [{ input: answer.stuck, error: 'never ended' }]
      done({ name: args[0] ?? '', runs: 0, seed: Number(args[2]), corpus: 0, reached: 0, crashes: [], hangs })
    })
  })
}
