// What the debugger of another process says to whoever asks. In: its port on this machine, an expression. Out: its answer as
// bytes; empty where there is no debugger. Chrome DevTools Protocol, Runtime.evaluate; RFC 6455 for the frame.

import { get } from 'node:http'
import type { Socket } from 'node:net'

/** `expression` is short: the frame has one byte for its length. */
export async function debuggerSays(port: number, expression: string): Promise<Uint8Array> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined)
  if (answer === undefined) return new Uint8Array(0)
  const [target] = (await answer.json()) as { readonly webSocketDebuggerUrl: string }[]
  const { pathname } = new URL(target?.webSocketDebuggerUrl ?? '')
  const headers = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  }
  const asking = get({ port, host: '127.0.0.1', path: pathname, headers })
  const socket = await new Promise<Socket>((resolve, reject) => {
    asking.once('upgrade', (_, upgraded) => resolve(upgraded))
    asking.once('error', reject)
  })
  const text = Buffer.from(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
  // A final frame of text under a mask of zeros.
  socket.write(Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), text]))
  const said = await new Promise<Uint8Array>((resolve) => socket.once('data', resolve))
  socket.destroy()
  return said
}
