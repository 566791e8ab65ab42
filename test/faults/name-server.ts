// A name server by script, and a way to run a command that asks no other: the command gets a resolv.conf of its own in a
// mount namespace. In: what each name leads to. Out: what was asked. RFC 1035, section 4; needs root and `unshare`.

import { createSocket } from 'node:dgram'
import { chmodSync } from 'node:fs'
import type { CommandHome } from '../cli/hardkey.ts'

/** Addresses of the name, `notFound` (NXDOMAIN), `refused` (SERVFAIL), or `silent`. */
export type Naming = readonly string[] | 'notFound' | 'failing' | 'silent'

export interface NameServer {
  readonly address: string
  /** Each name that was asked for, in order; A and AAAA count each. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** Without this a test of names cannot run; it says so by its name in the report. */
export const cannotServeNames: boolean = process.getuid?.() !== 0

/** Listens on port 53 of an address of this machine that nobody else uses. */
export async function nameServer(naming: (name: string) => Naming): Promise<NameServer> {
  const address = `127.0.53.${1 + (process.pid % 250)}`
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address: from }) => {
    const { name, type, question } = readQuestion(query)
    asked.push(name)
    const given = naming(name)
    if (given !== 'silent') socket.send(reply(query, question, type, given), port, from)
  })
  await new Promise<void>((done, fail) => {
    socket.once('error', fail).bind(53, address, done)
  })
  return { address, asked, close: () => new Promise((done) => void socket.close(done)) }
}

/** A program that runs Node with this name server alone; give it as `node` to the runner of commands. */
export function nodeAsking(home: CommandHome, { address }: NameServer): string {
  const settings = home.write('resolv.conf', `nameserver ${address}\noptions timeout:30 attempts:2\n`)
  const inside = `mount --bind ${settings} /etc/resolv.conf && exec ${process.execPath} "$@"`
  const program = home.write('node-with-names', `#!/bin/sh\nexec unshare -m sh -c '${inside}' sh "$@"\n`)
  chmodSync(program, 0o700)
  return program
}

/** The one question of a query: labels, type, and its bytes. */
function readQuestion(query: Buffer): { name: string; type: number; question: Buffer } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), question: query.subarray(12, at + 5) }
}

function reply(query: Buffer, question: Buffer, type: number, naming: Exclude<Naming, 'silent'>): Buffer {
  const failure = naming === 'notFound' ? 3 : naming === 'failing' ? 2 : 0
  const addresses =
    typeof naming === 'string' ? [] : naming.filter((address) => (type === 28) === address.includes(':'))
  const wanted = type === 1 || type === 28 ? addresses : []
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // QR, RD and RA, and the response code; one question.
  header.writeUInt16BE(0x8180 | failure, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(wanted.length, 6)
  return Buffer.concat([header, question, ...wanted.map((address) => record(type, address))])
}

/** Points to the name of the question; lives for a minute. Of IPv6 only the loopback address is served. */
function record(type: number, address: string): Buffer {
  const data =
    type === 28 ? Buffer.from('00000000000000000000000000000001', 'hex') : Buffer.from(address.split('.').map(Number))
  const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length])
  return Buffer.concat([head, data])
}
