// One request as bytes, for what no client would send. In: a port or socket and bytes. Out: all that came back until the
// connection was closed by the server.

import { connect, type NetConnectOpts } from 'node:net'

export interface RawAnswer {
  /** Of the first status line; 0 where none came. */
  readonly status: number
  readonly text: string
}

/** Sends the bytes and reads to the end. The sending side stays open: it is the server that must close. */
export function rawRequest(to: NetConnectOpts, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((done) => {
    const socket = connect(to)
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (piece: string) => {
      text += piece
    })
    // What was sent behind a refusal may be answered with a reset; the refusal itself has come by then.
    socket.on('error', () => undefined)
    socket.on('close', () => done({ status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0), text }))
    socket.write(bytes)
  })
}

/** A GET as a client sends it, with lines that replace or join its own; `undefined` takes a line away. */
export function requestText(
  head: string,
  headers: readonly (readonly [name: string, value: string])[],
  body = '',
): string {
  return `${head}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}
