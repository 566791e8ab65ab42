// A peer that runs as a server: started on a free port, waited for, and ended by its own process id.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtEnvironment } from './peer.ts'

/**
 * Below the ports that a system gives to whoever asks for any (32,768 and up on Linux), so that no connection and no other
 * server takes one between the look and its use. Each worker of vitest looks in a slice of its own.
 */
const [firstPort, slices, slice] = [20_000, 12, 1000]

/** A port of 127.0.0.1 that nobody listens at, and that nobody is given by chance. */
export async function freePort(): Promise<number> {
  const start = firstPort + (Number(process.env.VITEST_POOL_ID ?? 0) % slices) * slice
  for (;;) {
    const port = start + randomInt(slice - 1)
    if (await isFree(port)) return port
  }
}

/** Whether a server could listen at this port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    await once(server.close(), 'close')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
}

export interface ServerProcess {
  stop(): Promise<void>
}

/**
 * Starts the command, in `folder` if it is given, and waits until `isReady`. @throws with the server's last output where it ends or takes too long
 */
export async function startServer(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  isReady: () => Promise<boolean>,
  folder?: string,
): Promise<ServerProcess> {
  const env = builtEnvironment(environment)
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const note = (piece: Buffer): void => {
    output = (output + piece.toString()).slice(-4000)
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  const stop = (): Promise<void> => ended(child)
  for (let wait = 0; wait < 600; wait += 1) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${command} ended: ${output}`)
    if (await isReady().catch(() => false)) return { stop }
    await sleep(50)
  }
  await stop()
  throw new Error(`${command} was not ready in time: ${output}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
