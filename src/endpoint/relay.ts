// Brings a Unix socket to a port of 127.0.0.1, inside a container's own network. In: the path of the socket. Out: a server that
// passes bytes on, both ways. It reads none of them: who may have credentials is for the endpoint to say.

import { connect, createServer, type Socket } from 'node:net'
import { type Listening, listenAt, type Place } from './place.ts'

/** Connections at once; the endpoint has its own cap. */
const mostConnections = 1000

export interface Relay {
  readonly at: Listening
  /** Closes every connection. */
  close(): Promise<void>
}

/** Listens; the socket need not be there yet, and may come and go. @throws ERR_CONFIG_INVALID for the place */
export async function startRelay(socketPath: string, place: Place): Promise<Relay> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ path: socketPath, allowHalfOpen: true })
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket)
      // What is on its way to the other end still arrives there; an error ends in 'close' too.
      socket.once('error', () => socket.destroy())
      socket.once('close', () => {
        open.delete(socket)
        other.destroySoon()
      })
    }
    near.pipe(far).pipe(near)
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
