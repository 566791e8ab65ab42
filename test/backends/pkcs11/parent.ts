// A program of its own that opens a key, for what can only be seen from outside: its standard output, and what becomes of
// the module's process when it ends. In: the body of the program. Out: the running program.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { KeyUri } from '../../../src/key/uri.ts'
import { builtEnvironment } from '../../peers/peer.ts'
import { testPin } from '../../peers/softhsm.ts'

const root = join(import.meta.dirname, '..', '..', '..')

const beginning = `
import { pkcs11Backend } from './src/backends/pkcs11/backend.ts'
import { KeyUri } from './src/key/uri.ts'
const pin = async () => new TextEncoder().encode('${testPin}')
const key = await pkcs11Backend().open(KeyUri.parse(process.env.KEY), { pin })
const day = new TextEncoder().encode('20150830')
const hex = (bytes) => Buffer.from(bytes).toString('hex')
`

export interface Parent {
  readonly process: ChildProcess
  /** What it wrote to standard output so far. */
  output(): string
  /** What it wrote to standard error so far. */
  errors(): string
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Processes that it has started and that still run. */
  children(): readonly number[]
}

/** Runs `body`, for which `key`, `day` and `hex` are there, as a file of the package in `folder`: ours by default. */
export async function startParent(
  body: string,
  uri: KeyUri,
  environment: Readonly<Record<string, string>>,
  folder: string = root,
): Promise<Parent> {
  const { outputFiles } = await build({
    stdin: { contents: beginning + body, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
  })
  // A low limit of open files, so that a program can reach it.
  const child = spawn('sh', ['-c', 'ulimit -n 256; exec "$0" --input-type=module', process.execPath], {
    cwd: folder,
    env: builtEnvironment({ ...environment, KEY: `${uri}` }),
    stdio: 'pipe',
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', (piece) => {
    output += piece
  })
  child.stderr.on('data', (piece) => {
    errors += piece
  })
  child.stdin.end(outputFiles[0]?.contents)
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    process: child,
    output: () => output,
    errors: () => errors,
    ended,
    children: () => childrenOf(child.pid ?? 0),
  }
}

function childrenOf(pid: number): readonly number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => line.trim().split(/ +/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child ?? 0)
}

/** True while the process runs; one that has ended and is not collected does not count. */
export function isRunning(pid: number): boolean {
  const state = execFileSync('ps', ['-eo', 'pid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .find(([number]) => Number(number) === pid)?.[1]
  return state !== undefined && !state.startsWith('Z')
}
