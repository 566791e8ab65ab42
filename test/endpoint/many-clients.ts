// Starts many-clients.mjs. In: where, with which token, how many. Out: when all are open, and what became of them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { builtEnvironment } from '../peers/peer.ts'

export interface ManyClients {
  /** When each is connected and has written. */
  readonly open: Promise<void>
  /** When each was answered or closed. */
  readonly result: Promise<{ readonly statuses: Readonly<Record<string, number>>; readonly credentials: number }>
  stop(): void
}

export function manyClients(port: number, token: string, count: number, sends = true): ManyClients {
  const program = join(import.meta.dirname, 'many-clients.mjs')
  const child = spawn(process.execPath, [program, JSON.stringify({ port, token, count, sends })], {
    env: builtEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const read: string[] = []
  lines.on('line', (line) => read.push(line))
  const open = once(lines, 'line').then(() => undefined)
  const result = once(lines, 'close').then(() => JSON.parse(read.at(-1) ?? ''))
  return { open, result, stop: () => child.kill('SIGKILL') }
}
