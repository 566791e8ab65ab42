// Whose process is at the other end of a connection over loopback. In: both ends, and the kernel's tables of sockets. Out: the
// user and the inode of the socket, by which /proc/PID/fd names its process. proc(5), /proc/net/tcp and /proc/net/tcp6.
// 1. One reading of the tables serves all who wait: they have a line for each socket of the machine.
// 2. Whoever comes while a reading is under way waits for the next: his line may be behind the place reached.

import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'

export interface PeerOwner {
  /** User id, as this process sees it. */
  readonly uid: number
  /** As in `socket:[INODE]` of /proc/PID/fd. */
  readonly inode: number
}

/** The two ends of a connection: addresses of IPv4, as text. */
export interface Ends {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** A line may be missed where others come and go while the kernel writes the table. */
const readings = 3

/** Reads a table of the kernel as text; rejects where there is none. */
export type ReadTable = (name: 'tcp' | 'tcp6') => Promise<string>

/** An address of IPv4 in tcp, or with the twelve bytes before it that it has in tcp6, in either order of bytes. */
const isIPv4 = /^(?:0{16}(?:FFFF0000|0000FFFF))?[0-9A-F]{8}:/

const kernelTable: ReadTable = (name) => readFile(`/proc/net/${name}`, 'latin1')

/** Owners of the far ends of connections on this machine. */
export class PeerOwners {
  readonly #read: ReadTable
  #current: Promise<ReadonlyMap<string, PeerOwner>> | undefined
  #next: Promise<ReadonlyMap<string, PeerOwner>> | undefined

  constructor(read: ReadTable = kernelTable) {
    this.#read = read
  }

  /** Undefined where the kernel names none: the far end is closed, or there are no such tables here. */
  async of(ends: Ends): Promise<PeerOwner | undefined> {
    // The line of the far end: what is remote here is local there.
    const key = lineKey(ends.remoteAddress, ends.remotePort, ends.localAddress, ends.localPort)
    for (let reading = 0; reading < readings; reading += 1) {
      const owner = (await this.#tables()).get(key)
      if (owner !== undefined) return owner
    }
    return undefined
  }

  #tables(): Promise<ReadonlyMap<string, PeerOwner>> {
    this.#next ??= (this.#current ?? Promise.resolve()).then(() => {
      this.#current = this.#next
      this.#next = undefined
      return readOwners(this.#read)
    })
    return this.#next
  }
}

/** An IPv4 connection of a socket that speaks IPv6 too (Java) stands in tcp6. */
async function readOwners(read: ReadTable): Promise<ReadonlyMap<string, PeerOwner>> {
  return ownersIn(await Promise.all([read('tcp').catch(() => ''), read('tcp6').catch(() => '')]))
}

/** By both ends, as `lineKey` writes them. */
export function ownersIn(tables: readonly string[]): ReadonlyMap<string, PeerOwner> {
  const owners = new Map<string, PeerOwner>()
  for (const line of tables.flatMap((table) => table.split('\n').slice(1))) {
    const [, local = '', remote = '', , , , , uid, , inode] = line.trim().split(/\s+/)
    // A socket that was closed has inode 0, and then 0 is no user.
    if (inode === undefined || Number(inode) === 0 || !isIPv4.test(local)) continue
    owners.set(`${local.slice(-13)} ${remote.slice(-13)}`, { uid: Number(uid), inode: Number(inode) })
  }
  return owners
}

/** As the tables write it, without the twelve bytes before an IPv4 address in tcp6. */
function lineKey(address: string, port: number, otherAddress: string, otherPort: number): string {
  return `${hexEnd(address, port)} ${hexEnd(otherAddress, otherPort)}`
}

/** The address as a number in the order of bytes of the machine, the port as people write it, both in hex. */
function hexEnd(address: string, port: number): string {
  const bytes = address.split('.').map(Number)
  const ordered = endianness() === 'LE' ? bytes.toReversed() : bytes
  return `${Buffer.from(ordered).toString('hex').toUpperCase()}:${port.toString(16).toUpperCase().padStart(4, '0')}`
}
