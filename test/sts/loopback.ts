// A server on 127.0.0.1 that says what a test tells it to, byte for byte, and remembers what it was asked.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ReceivedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The form as it came. */
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An answer; `cut` ends the connection without one, `hang` never answers. */
export type Script = (request: ReceivedRequest, index: number) => Answer | 'cut' | 'hang'

export interface Loopback {
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
}

/** Runs until the test that started it ends. */
export async function loopback(script: Script): Promise<Loopback> {
  const requests: ReceivedRequest[] = []
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = []
    incoming.on('data', (piece: Buffer) => pieces.push(piece))
    incoming.on('end', () => {
      const request = { path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(pieces).toString() }
      requests.push(request)
      give(response, script(request, requests.length - 1))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // The cast: a server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests }
}

function give(response: ServerResponse, answer: Answer | 'cut' | 'hang'): void {
  if (answer === 'hang') return
  if (answer === 'cut') {
    response.destroy()
    return
  }
  response.writeHead(answer.status ?? 200, { 'content-type': 'text/xml', ...answer.headers })
  response.end(answer.body ?? '')
}
