// Where the endpoint listens. In: a port of 127.0.0.1, the path of a Unix socket, or a socket that systemd opened. Out: a
// server that listens there and nowhere else. A Unix socket has no token of its own that Node could read from the kernel:
// its folder guards it (unix(7): to connect, one must be able to reach and to write it).

import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { chmod, link, lstat, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type ListenOptions, type Server as NetServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { HardkeyError } from '../errors.ts'
import { systemCode } from '../files/file-failure.ts'
import { changeableByOthers, folderChangeableByOthers, thisUser } from '../files/ownership.ts'

export type Place =
  /** Of 127.0.0.1; 0 takes any that is free. */
  | { readonly port: number }
  /** A socket in a folder that only this user can change. */
  | { readonly socket: string }
  /** A descriptor that listens already. */
  | { readonly descriptor: number }

/** Where it listens: a port of 127.0.0.1, or a socket, whose path is not known where systemd opened it. */
export type Listening = { readonly port: number } | { readonly socket: string | undefined; readonly file?: SocketFile }

/** Which file the socket is: another may be there by the time that it ends. */
interface SocketFile {
  readonly dev: number
  readonly ino: number
}

const loopback = '127.0.0.1'

/** Of a port: what comes beyond it in a burst is dropped by the kernel, and tried again by it a second later and more. */
const backlog = 4096

/** sun_path of unix(7), without its last zero. */
const longestSocketPath = 107

/** @throws ERR_CONFIG_INVALID where the port is taken, the folder is open to others or the descriptor is none of loopback */
export async function listenAt(server: Server | NetServer, place: Place): Promise<Listening> {
  if ('socket' in place) return await listenAtSocket(server, resolve(place.socket))
  const options =
    'port' in place ? { host: loopback, port: place.port, exclusive: true, backlog } : { fd: place.descriptor }
  await listening(server, options, 'port' in place ? `port ${place.port} of ${loopback}` : 'the socket of systemd')
  const address = server.address()
  // Node tells no address of a Unix socket that it did not open.
  if (address === null || typeof address === 'string') return { socket: undefined }
  if (address.address === loopback) return { port: address.port }
  server.close()
  throw new HardkeyError('ERR_CONFIG_INVALID', `the socket of systemd listens on ${address.address}`, {
    hint: 'other machines must not reach it: ListenStream=127.0.0.1:PORT, or the path of a socket',
  })
}

/** Removes the socket's file, where it still is that one; a port and a descriptor leave nothing. */
export async function leave(at: Listening): Promise<void> {
  if ('socket' in at && at.socket !== undefined && at.file !== undefined) await unlinkThat(at.socket, at.file)
}

async function listenAtSocket(server: Server | NetServer, path: string): Promise<Listening> {
  // Node removes what it listened at when it ends, whoever listens there by then: so it never knows the path itself.
  const first = join(dirname(path), `.${randomBytes(3).toString('hex')}`)
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(first)) > longestSocketPath) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the path of a socket has at most ${longestSocketPath} bytes`)
  }
  await refuseOpenFolder(dirname(path))
  await removeAbandoned(path)
  await listening(server, { path: first }, `"${path}"`)
  try {
    // The folder says who comes near: its owner, and its group where it has leave to search.
    await chmod(first, 0o660)
    const { dev, ino } = await lstat(first)
    await link(first, path).catch((error: unknown) => {
      throw notListening(`"${path}"`, error)
    })
    return { socket: path, file: { dev, ino } }
  } catch (error) {
    server.close()
    throw error
  } finally {
    await unlink(first).catch(unlessMissing)
  }
}

async function unlinkThat(path: string, { dev, ino }: SocketFile): Promise<void> {
  const stats = await lstat(path).catch(unlessMissing)
  if (stats?.ino === ino && stats.dev === dev) await unlink(path).catch(unlessMissing)
}

async function refuseOpenFolder(folder: string): Promise<void> {
  const group = 'a group that may come in needs 750'
  const { mode } = await refuseForeignFolder(folder, thisUser(), group)
  if (thisUser() === undefined || (mode & 0o007) === 0) return
  throw foreignFolder(folder, 'can be entered by everybody', group)
}

/**
 * Refuses the folder of a socket in which others than root and `owner` could put one.
 * @throws ERR_CONFIG_INVALID, where it is no folder too
 */
export async function refuseForeignFolder(folder: string, owner: number | undefined, more: string): Promise<Stats> {
  const stats = await lstat(folder).catch(unlessMissing)
  if (stats === undefined || !stats.isDirectory()) {
    const hint = `make one: mkdir -m 700 "${folder}"; ${more}`
    throw new HardkeyError('ERR_CONFIG_INVALID', `"${folder}" is not a folder`, { hint })
  }
  if (owner === undefined) return stats
  const above = await folderChangeableByOthers(folder, owner)
  const reason = changeableByOthers(stats, owner) ?? (above === undefined ? undefined : `lies in ${above}`)
  if (reason !== undefined) throw foreignFolder(folder, reason, more)
  return stats
}

function foreignFolder(folder: string, reason: string, more: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the folder of the socket, "${folder}", ${reason}`, {
    hint: `take one of your own, made by mkdir -m 700; ${more}`,
  })
}

/** A socket that nobody listens at was left by a process that was killed. */
async function removeAbandoned(path: string): Promise<void> {
  const stats = await lstat(path).catch(unlessMissing)
  if (stats === undefined) return
  if (!stats.isSocket()) throw new HardkeyError('ERR_CONFIG_INVALID', `"${path}" is there and is no socket`)
  if (await isAbandoned(path)) await unlinkThat(path, stats)
}

/** Where the queue of a server is full, connect(2) says EAGAIN: somebody is there. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path })
    socket.once('connect', () => done(false)).once('error', (error) => done(systemCode(error) === 'ECONNREFUSED'))
    socket.once('connect', () => socket.destroy())
  })
}

function listening(server: Server | NetServer, options: ListenOptions & { fd?: number }, what: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) => fail(notListening(what, error)))
    server.listen(options, done)
  })
}

function notListening(what: string, error: unknown): HardkeyError {
  const word = systemCode(error)
  const isTaken = word === 'EADDRINUSE' || word === 'EEXIST'
  const taken = isTaken ? 'is taken' : `cannot be listened at (${word ?? 'unknown'})`
  return new HardkeyError('ERR_CONFIG_INVALID', `${what} ${taken}`, {
    hint: word === 'EADDRINUSE' ? 'without --port any free one is taken' : undefined,
    cause: error,
    serviceCode: word,
  })
}

function unlessMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error
}
