// Where the endpoint listens. In: a port of 127.0.0.1, the path of a Unix socket, or a socket that systemd opened. Out: a
// server that listens there and nowhere else. A Unix socket has no token of its own that Node could read from the kernel:
// its folder guards it (unix(7): to connect, one must be able to reach and to write it).

import { chmod, lstat, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect, type ListenOptions, type Server as NetServer } from 'node:net'
import { dirname, resolve } from 'node:path'
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
export type Listening = { readonly port: number } | { readonly socket: string | undefined }

const loopback = '127.0.0.1'

/** sun_path of unix(7), without its last zero. */
const longestSocketPath = 107

/** @throws ERR_CONFIG_INVALID where the port is taken, the folder is open to others or the descriptor is none of loopback */
export async function listenAt(server: Server | NetServer, place: Place): Promise<Listening> {
  if ('socket' in place) return await listenAtSocket(server, resolve(place.socket))
  const options = 'port' in place ? { host: loopback, port: place.port, exclusive: true } : { fd: place.descriptor }
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

/** Removes the socket's file; a port and a descriptor leave nothing. */
export async function leave(place: Place): Promise<void> {
  if ('socket' in place) await unlink(place.socket).catch(unlessMissing)
}

async function listenAtSocket(server: Server | NetServer, path: string): Promise<Listening> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the path of a socket has at most ${longestSocketPath} bytes`)
  }
  await refuseOpenFolder(dirname(path))
  await removeAbandoned(path)
  await listening(server, { path }, `"${path}"`)
  // The folder says who comes near: its owner, and its group where it has leave to search.
  await chmod(path, 0o660)
  return { socket: path }
}

async function refuseOpenFolder(folder: string): Promise<void> {
  const stats = await lstat(folder).catch(unlessMissing)
  const user = thisUser()
  const group = 'a group that may come in needs 750'
  if (stats === undefined || !stats.isDirectory()) {
    const hint = `make one: mkdir -m 700 "${folder}"; ${group}`
    throw new HardkeyError('ERR_CONFIG_INVALID', `"${folder}" is not a folder`, { hint })
  }
  if (user === undefined) return
  const above = await folderChangeableByOthers(folder)
  const open = (stats.mode & 0o007) === 0 ? undefined : 'can be entered by everybody'
  const reason = changeableByOthers(stats, user) ?? open ?? (above === undefined ? undefined : `lies in ${above}`)
  if (reason !== undefined) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the folder of the socket, "${folder}", ${reason}`, {
      hint: `take one of your own, made by mkdir -m 700; ${group}`,
    })
  }
}

/** A socket that nobody listens at was left by a process that was killed. */
async function removeAbandoned(path: string): Promise<void> {
  const stats = await lstat(path).catch(unlessMissing)
  if (stats === undefined) return
  if (!stats.isSocket()) throw new HardkeyError('ERR_CONFIG_INVALID', `"${path}" is there and is no socket`)
  if (!(await answers(path))) await unlink(path).catch(unlessMissing)
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path })
    socket.once('connect', () => done(true)).once('error', () => done(false))
    socket.once('connect', () => socket.destroy())
  })
}

function listening(server: Server | NetServer, options: ListenOptions & { fd?: number }, what: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error) => fail(notListening(what, error)))
    server.listen(options, done)
  })
}

function notListening(what: string, error: Error): HardkeyError {
  const word = systemCode(error)
  const taken = word === 'EADDRINUSE' ? 'is taken' : `cannot be listened at (${word ?? error.name})`
  return new HardkeyError('ERR_CONFIG_INVALID', `${what} ${taken}`, {
    hint: word === 'EADDRINUSE' ? 'without --port any free one is taken' : undefined,
    cause: error,
    serviceCode: word,
  })
}

function unlessMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error
}
