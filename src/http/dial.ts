// Connects to the first address of a host that answers. In: host, port, a resolver. Out: a connected TCP socket that the
// caller owns. RFC 8305 (Happy Eyeballs): addresses of both families in turn, a new attempt each 250 ms beside the ones
// under way. Node's own autoSelectFamily gives up the earlier attempt, which fails on slow links.

import { lookup as systemLookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { abortable } from './deadline.ts'
import { connectionFailure } from './failure.ts'
import { isLoopback } from './target.ts'

/** One address of a host. */
export interface HostAddress {
  readonly address: string
  readonly family: number
}

/** Finds the addresses of a name, preferred ones first; fails with ENOTFOUND or EAI_AGAIN as `dns.lookup` does. */
export type Resolver = (host: string) => Promise<readonly HostAddress[]>

// RFC 8305, section 8: Connection Attempt Delay.
const attemptDelayMilliseconds = 250

/** The system's resolver: hosts file, then DNS. */
export const systemResolver: Resolver = (host) => systemLookup(host, { all: true, verbatim: true })

/**
 * Joins callers who look for the same name at the same time. A lookup cannot be stopped and holds a thread of the process:
 * attempts that gave up waiting for one that hangs must not add to it.
 */
export function sharedLookups(resolve: Resolver): Resolver {
  const underWay = new Map<string, Promise<readonly HostAddress[]>>()
  const started = async (host: string): Promise<readonly HostAddress[]> => {
    try {
      return await resolve(host)
    } finally {
      underWay.delete(host)
    }
  }
  return (host) => {
    const lookup = underWay.get(host) ?? started(host)
    underWay.set(host, lookup)
    return lookup
  }
}

/**
 * A connected socket. @throws ERR_STS_UNREACHABLE with the first cause where no address answers; the signal's reason where
 * it aborts first, and then no attempt is left behind
 */
export async function dial(host: string, port: number, resolve: Resolver, signal: AbortSignal): Promise<Socket> {
  // The resolver cannot be stopped.
  const found = await reporting(host, signal, abortable(addressesOf(host, resolve), signal))
  return reporting(`${host} port ${port}`, signal, firstToConnect(inTurn(found), port, signal))
}

/** A connected Unix socket. @throws ERR_STS_UNREACHABLE, or the signal's reason */
export function dialSocket(path: string, signal: AbortSignal): Promise<Socket> {
  const connected = new Promise<Socket>((resolve, reject) => {
    const socket = connect({ path })
    const abort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve(socket)
    })
  })
  return reporting(`the socket "${path}"`, signal, connected)
}

async function reporting<T>(where: string, signal: AbortSignal, act: Promise<T>): Promise<T> {
  try {
    return await act
  } catch (error) {
    signal.throwIfAborted()
    throw connectionFailure(where, error)
  }
}

async function addressesOf(host: string, resolve: Resolver): Promise<readonly HostAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  const found = await resolve(host)
  // RFC 6761, section 6.3: "localhost" is this machine, whatever a name server says.
  const allowed = host === 'localhost' ? found.filter(({ address }) => isLoopback(address)) : found
  if (allowed.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
  return allowed
}

/** RFC 8305, section 4: the families alternate, the resolver's first one first. */
function inTurn(addresses: readonly HostAddress[]): readonly HostAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family)
  return first
    .flatMap((address, index) => [address, ...others.slice(index, index + 1)])
    .concat(others.slice(first.length))
}

function firstToConnect(addresses: readonly HostAddress[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const waiting = [...addresses]
    const underWay = new Set<Socket>()
    const failures: Error[] = []
    let timer: NodeJS.Timeout | undefined
    const settle = (winner: Socket | undefined, outcome: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      for (const socket of underWay) if (socket !== winner) socket.destroy()
      outcome()
    }
    const abort = (): void => settle(undefined, () => reject(signal.reason))
    const attempt = (): void => {
      clearTimeout(timer)
      const next = waiting.shift()
      if (next === undefined) {
        if (underWay.size === 0) settle(undefined, () => reject(failures[0]))
        return
      }
      const socket = connect({ host: next.address, port, family: next.family, autoSelectFamily: false, noDelay: true })
      const fail = (error: Error): void => {
        failures.push(error)
        underWay.delete(socket)
        attempt()
      }
      underWay.add(socket.once('error', fail))
      socket.once('connect', () => {
        socket.off('error', fail)
        settle(socket, () => resolve(socket))
      })
      if (waiting.length > 0) timer = setTimeout(attempt, attemptDelayMilliseconds)
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else attempt()
  })
}
