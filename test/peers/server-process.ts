// A peer that runs as a server: started on a free port, waited for, and ended by its own process id.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtEnvironment } from './peer.ts'

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
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
