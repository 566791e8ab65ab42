// Brings a Unix socket to a port of 127.0.0.1, inside a container's own network. In: the path of the socket. Out: a server that
// passes bytes on, both ways. It reads none of them: who may have credentials is for the endpoint to say. Whoever could put a
// socket there would get the tokens of clients and give them credentials of its own: so the folder is looked at each time.

import { connect, createServer, type Socket } from 'node:net'
import { dirname, resolve } from 'node:path'
import { thisUser } from '../files/ownership.ts'
import { type Listening, listenAt, type Place, refuseForeignFolder } from './place.ts'

/** Connections at once; the endpoint has its own cap. */
const mostConnections = 1000

export interface Relay {
  readonly at: Listening
  /** Closes every connection. */
  close(): Promise<void>
}

export interface RelayOptions {
  readonly socketPath: string
  readonly place: Place
  /** Besides root the only one who may change the folder of the socket. Default: this user. */
  readonly owner?: number | undefined
  /** Told when a connection is not passed on, once until one is. */
  readonly onRefused: (error: unknown) => void
}

/** Listens; the socket need not be there yet, and may come and go. @throws ERR_CONFIG_INVALID for the place and the folder */
export async function startRelay({ socketPath, place, owner, onRefused }: RelayOptions): Promise<Relay> {
  const path = resolve(socketPath)
  const checkFolder = async (): Promise<void> => {
    await refuseForeignFolder(
      dirname(path),
      owner ?? thisUser(),
      '--socket-owner UID names another user whose it may be',
    )
  }
  await checkFolder()
  const open = new Set<Socket>()
  let isRefusing = false
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    open.add(near)
    near.once('close', () => open.delete(near)).once('error', () => near.destroy())
    checkFolder().then(
      () => {
        isRefusing = false
        if (!near.destroyed) passOn(near, path, open)
      },
      (error: unknown) => {
        near.destroy()
        if (!isRefusing) onRefused(error)
        isRefusing = true
      },
    )
  })
  server.maxConnections = mostConnections
  const at = await listenAt(server, place)
  return {
    at,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

function passOn(near: Socket, path: string, open: Set<Socket>): void {
  const far = connect({ path, allowHalfOpen: true })
  open.add(far)
  far.once('close', () => open.delete(far)).once('error', () => far.destroy())
  // What is on its way to the other end still arrives there; an error ends in 'close' too.
  near.once('close', () => far.destroySoon())
  far.once('close', () => near.destroySoon())
  near.pipe(far).pipe(near)
}
