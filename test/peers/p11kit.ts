// A p11-kit server for a test: a module that runs in another process and is reached over a Unix socket. In: a module and
// its environment. Out: p11-kit's client module, and the environment that leads it to the server. Stops with it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtEnvironment, peer } from './peer.ts'

export interface P11KitServer {
  readonly module: string
  /** P11_KIT_SERVER_ADDRESS and no more. */
  readonly environment: Readonly<Record<string, string>>
  /** Kills the server, as a network HSM that is gone. */
  kill(): Promise<void>
  /** Starts it again at the same place. */
  restart(): Promise<void>
  remove(): Promise<void>
}

/** Serves the tokens of a module that match a PKCS#11 URI. */
export async function p11KitServer(
  served: { readonly module: string; readonly environment: Readonly<Record<string, string>> },
  tokens: string,
): Promise<P11KitServer> {
  const { command, client } = await peer('p11kit')
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-p11-kit-'))
  const socket = join(folder, 'socket')
  const parameters = ['server', '--foreground', '--name', socket, '--provider', served.module, tokens]
  const start = async () => {
    // A group of its own: the server has a process for each client, which would live on.
    const options = { env: builtEnvironment(served.environment), stdio: 'ignore', detached: true } as const
    const server = spawn(command, parameters, options)
    const ended = once(server, 'exit')
    await listening(server, socket)
    return { server, ended }
  }
  const stop = async (signal: NodeJS.Signals) => {
    const { pid, exitCode, signalCode } = running.server
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
    await running.ended
    rmSync(socket, { force: true })
  }
  let running = await start()
  return {
    module: client,
    environment: { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` },
    kill: () => stop('SIGKILL'),
    async restart() {
      running = await start()
    },
    async remove() {
      await stop('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function listening(server: ChildProcess, socket: string): Promise<void> {
  while (!existsSync(socket)) {
    if (server.exitCode !== null) throw new Error(`p11-kit server ended with status ${server.exitCode}`)
    await sleep(10)
  }
}
