// A fresh software TPM for a test: swtpm with a state folder of its own, over TCP, a Unix socket, or a terminal in raw mode
// that stands in for a character device. In: the way. Out: its address as hardkey and as tpm2-tools write it.
// 1. There is no resource manager: three objects, and nobody flushes what a client leaves.
// 2. It serves one client at a time; a second one is connected and waits for its answer until the first has gone.
// 3. It is ended by its process id, and so is everything that was started with it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtEnvironment, peer } from './peer.ts'
import { freePort, isFree } from './server-process.ts'

export type SwtpmWay = 'tcp' | 'unix' | 'pty'

export const swtpmWays: readonly SwtpmWay[] = ['tcp', 'unix', 'pty']

export interface Swtpm {
  readonly way: SwtpmWay
  /** For `device=` of a key URI: `swtpm:host=127.0.0.1,port=N`, `unix:PATH` or the path of a character device. */
  readonly device: string
  /** For tpm2-tools, in TPM2TOOLS_TCTI. */
  readonly tcti: string
  /** The socket of swtpm itself, whatever stands in front of it, and its control channel. */
  readonly socket: NetConnectOpts
  readonly controlSocket: NetConnectOpts
  /** One command, one answer, over a connection of its own. Not for a pty, whose one connection socat keeps. */
  send(command: Uint8Array): Promise<Buffer>
  /** As a machine that loses its power: no TPM2_Shutdown. Then it starts again, with the same state and address. */
  powerCut(): Promise<void>
  /** As a machine that is shut down in order, and started. Not for a pty. */
  reboot(): Promise<void>
  stop(): Promise<void>
}

/** TPM2_Shutdown(CLEAR). TPM 2.0 Library, Part 3, 9.4. */
const shutdownCommand = Buffer.from('80010000000c000001450000', 'hex')
/** TPM2_GetRandom of 8 bytes. TPM 2.0 Library, Part 3, 16.1. */
const getRandomCommand = Buffer.from('80010000000c0000017b0008', 'hex')

/** Starts one. The caller stops it. */
export async function startSwtpm(way: SwtpmWay = 'tcp'): Promise<Swtpm> {
  // The state folder must be named by an absolute path.
  const folder = mkdtempSync(join(tmpdir(), 'hardkey-swtpm-'))
  const place = way === 'tcp' ? tcpPlace(await twoFreePorts()) : unixPlace(folder)
  const running = new Running(folder, place, way === 'pty' ? join(folder, 'tpm0') : undefined)
  try {
    await running.start()
  } catch (error) {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  const named = running.terminal ?? place.device
  return {
    way,
    device: named,
    tcti: running.terminal === undefined ? place.tcti : `device:${running.terminal}`,
    socket: place.socket,
    controlSocket: place.controlSocket,
    send: (command) => exchange(place.socket, command),
    async powerCut() {
      await running.stop()
      await running.start()
    },
    async reboot() {
      await exchange(place.socket, shutdownCommand)
      await running.stop()
      await running.start()
    },
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Place {
  readonly socket: NetConnectOpts
  readonly controlSocket: NetConnectOpts
  readonly device: string
  readonly tcti: string
  /** What `swtpm socket --server` and `--ctrl` take. */
  readonly server: string
  readonly control: string
}

/** tpm2-tools expect the control channel at the next port, and at the path with `.ctrl` behind it. */
function tcpPlace(port: number): Place {
  const tcti = `swtpm:host=127.0.0.1,port=${port}`
  const sockets = { socket: { host: '127.0.0.1', port }, controlSocket: { host: '127.0.0.1', port: port + 1 } }
  const at = (one: number) => `type=tcp,port=${one},bindaddr=127.0.0.1`
  return { ...sockets, device: tcti, tcti, server: at(port), control: at(port + 1) }
}

function unixPlace(folder: string): Place {
  const path = join(folder, 'sock')
  const at = (one: string) => `type=unixio,path=${one}`
  const sockets = { socket: { path }, controlSocket: { path: `${path}.ctrl` } }
  const named = { device: `unix:${path}`, tcti: `swtpm:path=${path}` }
  return { ...sockets, ...named, server: at(path), control: at(`${path}.ctrl`) }
}

/** A port of 127.0.0.1 that was free a moment ago, and so was the next. */
export async function twoFreePorts(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = await freePort()
    if (await isFree(port + 1)) return port
  }
  throw new Error('there are no two free ports in a row')
}

/** The processes: swtpm, and socat where there is a terminal. */
class Running {
  readonly #folder: string
  readonly #place: Place
  readonly terminal: string | undefined
  #processes: ChildProcess[] = []
  /** Held open: when the last client of a terminal closes it, socat would end. */
  #held: number | undefined

  constructor(folder: string, place: Place, terminal: string | undefined) {
    this.#folder = folder
    this.#place = place
    this.terminal = terminal
  }

  async start(): Promise<void> {
    const { command, socat } = await peer('swtpm')
    const state = ['--tpmstate', `dir=${this.#folder}`, '--flags', 'not-need-init,startup-clear']
    const channels = ['--server', this.#place.server, '--ctrl', this.#place.control]
    const swtpm = this.#run(command, ['socket', '--tpm2', ...state, ...channels])
    await answering(swtpm, async () => (await exchange(this.#place.socket, getRandomCommand)).readUInt32BE(6) === 0)
    if (this.terminal === undefined || !('path' in this.#place.socket)) return
    const link = `PTY,link=${this.terminal},raw,echo=0,mode=600`
    const terminal = this.#run(socat, [link, `UNIX-CONNECT:${this.#place.socket.path}`])
    await answering(terminal, async () => existsSync(this.terminal ?? ''))
    this.#held = openSync(this.terminal, 'r+')
  }

  async stop(): Promise<void> {
    if (this.#held !== undefined) closeSync(this.#held)
    this.#held = undefined
    for (const child of this.#processes.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }

  #run(command: string, words: readonly string[]): ChildProcess {
    const child = spawn(command, words, { env: builtEnvironment(), stdio: ['ignore', 'ignore', 'ignore'] })
    child.on('error', () => {})
    this.#processes.push(child)
    return child
  }
}

async function answering(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  for (let wait = 0; wait < 3000; wait += 1) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${child.spawnfile} ended`)
    if (await isReady().catch(() => false)) return
    await sleep(10)
  }
  throw new Error(`${child.spawnfile} was not ready in time`)
}

/** Sends one command and reads until the answer has the length that it says. TPM 2.0 Library, Part 1, 18.9. */
export async function exchange(socket: NetConnectOpts, command: Uint8Array): Promise<Buffer> {
  const connection = connect(socket)
  let answer = Buffer.alloc(0)
  try {
    connection.write(command)
    for await (const piece of connection) {
      answer = Buffer.concat([answer, piece])
      if (answer.length >= 10 && answer.length >= answer.readUInt32BE(2)) return answer
    }
    throw new Error(`the TPM closed the connection after ${answer.length} bytes`)
  } finally {
    connection.destroy()
  }
}
