// What comes through an inherited pipe or socket, in a process that is started for it as a shell or Node would.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtEnvironment } from '../peers/peer.ts'

let folder: string
let reader: string

/** Reads descriptor 3 to its end or to a deadline, prints what came or the error's name, and exits at once. */
const program = `
import { readDescriptor } from './src/key/descriptor.ts'
const signal = process.argv[2] === undefined ? undefined : AbortSignal.timeout(Number(process.argv[2]))
readDescriptor(3, 10, signal)
  .then((bytes) => Buffer.from(bytes).toString(), (error) => error.name)
  .then((answer) => process.stdout.write(answer, () => process.exit(0)))
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hardkey-fd-'))
  reader = join(folder, 'reader.mjs')
  const resolveDir = join(import.meta.dirname, '..', '..')
  await build({
    stdin: { contents: program, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: reader,
  })
})
afterAll(() => rm(folder, { recursive: true }))

/** What the reader prints at the end of a shell pipe; `$READ` starts it. */
async function throughShell(line: string): Promise<string> {
  const READ = `${process.execPath} ${reader}`
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'], env: builtEnvironment({ READ }) })
  return text(child.stdout)
}

it('gives what comes through a pipe, in pieces', async () => {
  expect(await throughShell('(printf 12; sleep 0.1; printf 34) | $READ 3<&0')).toBe('1234')
})

it('gives what comes through a socket, as Node hands it to a child', async () => {
  const child = spawn(process.execPath, [reader], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  // Node types every stdio entry as either direction; a 'pipe' is both.
  const input = child.stdio[3] as Writable
  input.end('1234')
  // stdio asked for 'pipe', so there is one.
  expect(await text(child.stdout as NonNullable<typeof child.stdout>)).toBe('1234')
})

it('stops at the bound, though more would come', async () => {
  expect(await throughShell('yes 0123456789abcdef | $READ 3<&0')).toBe('0123456789')
})

it('ends at the deadline, and lets the process end, though nothing comes', async () => {
  const child = spawn(process.execPath, [reader, '50'], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  expect(await text(child.stdout as NonNullable<typeof child.stdout>)).toBe('TimeoutError')
})

it('gives nothing when nothing was sent', async () => {
  expect(await throughShell('printf "" | $READ 3<&0')).toBe('')
})
