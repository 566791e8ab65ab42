// A scripted proxy in front of a software TPM (injector I2 of the security plan): it records both directions, counts
// commands, and treats chosen ones as told. In: an swtpm and rules. Out: the address of a TPM that has these faults.
// 1. One connection to swtpm for each command, so that a test or tpm2-tools reach the TPM in between, and a power cut is
//    over when swtpm is back.
// 2. Where it is told to, it flushes what a client leaves that goes away, as the resource manager of the kernel does.
// 3. Commands of one client are treated in order; swtpm itself takes those of several clients one by one.

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { exchange, type Swtpm, twoFreePorts } from '../peers/swtpm.ts'

/** Command codes that tests name. TPM 2.0 Library, Part 2, 6.5.2 TPM_CC. */
export const commandCodes = {
  EvictControl: 0x120,
  CreatePrimary: 0x131,
  Create: 0x153,
  HMAC: 0x155,
  Import: 0x156,
  Load: 0x157,
  HMAC_Start: 0x15b,
  SequenceUpdate: 0x15c,
  FlushContext: 0x165,
  LoadExternal: 0x167,
  ReadPublic: 0x173,
  StartAuthSession: 0x176,
  GetCapability: 0x17a,
  PCR_Read: 0x17e,
  PolicyPCR: 0x17f,
  SequenceComplete: 0x13e,
  PolicySecret: 0x151,
  PolicySigned: 0x160,
  PolicyAuthValue: 0x16b,
  PolicyOR: 0x171,
} as const

export type CommandName = keyof typeof commandCodes

/** One command and what the client got for it; nothing where it got nothing. */
export interface Exchanged {
  readonly code: number
  readonly command: Buffer
  readonly answer: Buffer | undefined
}

/** What the client gets: bytes, and whether the connection ends with them; undefined: nothing, ever. */
export type Reply = { readonly bytes: Uint8Array; readonly thenClose?: boolean } | undefined

/** Brings a command to the TPM. */
export type Forward = (command: Buffer) => Promise<Buffer>

export interface Rule {
  /** Commands that it is for; default: all. */
  readonly codes?: readonly number[] | undefined
  /** Which of them, counted from 1 since the rule was given; default: each. */
  readonly which?: ((nth: number) => boolean) | undefined
  readonly act: (command: Buffer, forward: Forward, earlier: readonly Exchanged[]) => Promise<Reply>
}

export interface TpmProxy {
  /** For `device=` of a key URI, and in TPM2TOOLS_TCTI. */
  readonly device: string
  readonly port: number
  /** All that crossed since the start or the last `forget`. */
  readonly exchanges: readonly Exchanged[]
  /** Sets the rules; the first that fits a command is taken. Without rules everything passes. */
  order(...rules: readonly Rule[]): void
  forget(): void
  /** Whether what a client made is flushed when it goes away, as behind /dev/tpmrm0. Default: no, as behind /dev/tpm0. */
  manage(isManaged: boolean): void
  /** How often a command came. */
  count(name: CommandName): number
  /** The commands that came, by name, or by number where the name is not known. */
  commands(): readonly string[]
  /** Everything that crossed in both directions. */
  bytes(): Buffer
  stop(): Promise<void>
}

/** Puts a proxy in front of an swtpm, on a port of its own; the next port is the control channel. */
export async function startTpmProxy(tpm: Swtpm): Promise<TpmProxy> {
  const port = await twoFreePorts()
  const script = new Script()
  const clients = new Set<Socket>()
  const forward: Forward = (command) => exchange(tpm.socket, command)
  const main = await listening(port, clients, (client) => void serve(client, script, forward))
  const control = await listening(port + 1, clients, (client) => pipeTo(client, connect(tpm.controlSocket)))
  return {
    device: `swtpm:host=127.0.0.1,port=${port}`,
    port,
    get exchanges() {
      return script.exchanges
    },
    order: (...rules) => script.order(rules),
    forget: () => void script.exchanges.splice(0),
    manage: (isManaged) => {
      script.isManaged = isManaged
    },
    count: (name) => script.exchanges.filter(({ code }) => code === commandCodes[name]).length,
    commands: () => script.exchanges.map(({ code }) => nameOf(code)),
    bytes: () => Buffer.concat(script.exchanges.flatMap(({ command, answer }) => [command, answer ?? Buffer.alloc(0)])),
    async stop() {
      for (const client of clients) client.destroy()
      await Promise.all([main, control].map(closed))
    },
  }
}

/** Commands whose answer begins with the handle of what they made. */
const making: readonly number[] = [
  commandCodes.CreatePrimary,
  commandCodes.Load,
  commandCodes.LoadExternal,
  commandCodes.HMAC_Start,
  commandCodes.StartAuthSession,
]

/** Passes commands on and notes the handles that were made by them. */
function noting(forward: Forward, handles: number[]): Forward {
  return async (command) => {
    const answer = await forward(command)
    const isMade = making.includes(command.readUInt32BE(6)) && answer.readUInt32BE(6) === 0
    if (isMade) handles.push(answer.readUInt32BE(10))
    return answer
  }
}

async function flushAll(handles: readonly number[], forward: Forward): Promise<void> {
  for (const handle of handles) {
    const command = Buffer.from('80010000000e0000016500000000', 'hex')
    command.writeUInt32BE(handle, 10)
    // Most are gone already.
    await forward(command)
  }
}

class Script {
  readonly exchanges: Exchanged[] = []
  isManaged = false
  #rules: { readonly rule: Rule; met: number }[] = []

  order(rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => ({ rule, met: 0 }))
  }

  async reply(command: Buffer, forward: Forward): Promise<Reply> {
    const code = command.readUInt32BE(6)
    const rule = this.#ruleFor(code)
    const reply =
      rule === undefined ? { bytes: await forward(command) } : await rule.act(command, forward, this.exchanges)
    this.exchanges.push({ code, command, answer: reply === undefined ? undefined : Buffer.from(reply.bytes) })
    return reply
  }

  #ruleFor(code: number): Rule | undefined {
    for (const entry of this.#rules) {
      if (entry.rule.codes?.includes(code) === false) continue
      entry.met += 1
      if (entry.rule.which?.(entry.met) !== false) return entry.rule
    }
    return undefined
  }
}

async function serve(client: Socket, script: Script, swtpm: Forward): Promise<void> {
  const handles: number[] = []
  await serveCommands(client, script, noting(swtpm, handles))
  if (script.isManaged) await flushAll(handles, swtpm).catch(() => undefined)
}

async function serveCommands(client: Socket, script: Script, forward: Forward): Promise<void> {
  let waiting = Buffer.alloc(0)
  try {
    for await (const piece of client) {
      waiting = Buffer.concat([waiting, piece])
      while (waiting.length >= 10 && waiting.length >= waiting.readUInt32BE(2)) {
        const command = Buffer.from(waiting.subarray(0, waiting.readUInt32BE(2)))
        waiting = waiting.subarray(command.length)
        const reply = await script.reply(command, forward)
        if (reply === undefined) continue
        if (reply.thenClose === true) return void client.end(reply.bytes)
        client.write(reply.bytes)
      }
    }
  } catch {
    // The client went away, or the TPM did: the client sees a connection that ends.
    client.destroy()
  }
}

async function listening(port: number, clients: Set<Socket>, serveOne: (client: Socket) => void): Promise<Server> {
  const server = createServer((client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('close', () => clients.delete(client))
    serveOne(client)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function pipeTo(client: Socket, control: Socket): void {
  control.on('error', () => client.destroy())
  client.pipe(control).pipe(client)
}

async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

function nameOf(code: number): string {
  return Object.entries(commandCodes).find(([, one]) => one === code)?.[0] ?? `0x${code.toString(16)}`
}
