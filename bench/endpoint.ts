// Requests to `hardkey serve` against a bare server of node:http that compares a token and gives a body of the same length. Each
// is a process of its own; the clients are sockets that keep their connection and parse nothing, so that the server is what
// is measured. In: dist/. Out: rows of the table.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { CheckedIn } from '../test/cli/checked-in.ts'
import { Serving } from '../test/cli/serving.ts'
import { type Contender, compare, type Effort, type Row, time } from './measure.ts'

const connections = 32
const requests = 4000

/** A server that compares the token and answers. */
const bare = `
const body = Buffer.alloc(Number(process.argv[2]), 'x')
const server = require('node:http').createServer((request, response) => {
  if (request.headers.authorization !== process.argv[1]) return response.writeHead(401).end()
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length, 'cache-control': 'no-store' })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

export async function endpointRows(effort: Effort): Promise<Row[]> {
  const there = await CheckedIn.make()
  const serving = await Serving.start(there.home, ['serve', 'prod'])
  const { length } = Buffer.from(await (await serving.get()).arrayBuffer())
  const server = spawn(process.execPath, ['-e', bare, serving.token, String(length)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As the command is started: Linux shares the processors out by session.
    detached: true,
  })
  try {
    const [port] = await once(server.stdout, 'data')
    const ours = await Clients.open(serving.port, serving.token)
    const theirs = await Clients.open(Number(port), serving.token)
    const contenders: Contender[] = [
      { name: 'serve', times: requests, run: () => ours.ask(requests) },
      { name: 'bare', times: requests, run: () => theirs.ask(requests) },
    ]
    await Promise.all(contenders.map(({ run }) => run()))
    const before = residentMebibytes(serving.child)
    const figures = await compare(contenders, effort)
    const grown = residentMebibytes(serving.child) - before
    for (const clients of [ours, theirs]) clients.close()
    const share = `${(100 / figures.ratio('serve', 'bare')).toFixed(0)} % of its requests in a second`
    return [
      {
        what: `endpoint, a request, ${grown.toFixed(0)} MiB more after them all`,
        ours: time(figures.microseconds('serve')),
        compared: `node:http with a token ${time(figures.microseconds('bare'))}, ${share}`,
        target: '85 % (95 %)',
      },
    ]
  } finally {
    server.kill()
    await serving.stop()
    await there.remove()
  }
}

/** Connections that ask the same again and again. */
class Clients {
  readonly #sockets: readonly Socket[]
  readonly #request: string
  readonly #answerLength: number

  private constructor(sockets: readonly Socket[], request: string, answerLength: number) {
    this.#sockets = sockets
    this.#request = request
    this.#answerLength = answerLength
  }

  static async open(port: number, token: string): Promise<Clients> {
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${token}\r\nAccept: */*\r\n\r\n`
    const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1' }))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const lengths = await Promise.all(sockets.map((socket) => answerLength(socket, request)))
    return new Clients(sockets, request, lengths[0] ?? 0)
  }

  /** All of them together, each one request at a time. */
  async ask(count: number): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => this.#askOver(socket, count / connections)))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #askOver(socket: Socket, count: number): Promise<void> {
    return new Promise((done, fail) => {
      let left = count
      let missing = this.#answerLength
      const take = (bytes: Buffer): void => {
        missing -= bytes.length
        if (missing > 0) return
        missing = this.#answerLength
        left -= 1
        if (left > 0) socket.write(this.#request)
        else {
          socket.off('data', take).off('close', closed)
          done()
        }
      }
      const closed = (): void => fail(new Error('the server closed a connection'))
      socket.on('data', take).once('close', closed)
      socket.write(this.#request)
    })
  }
}

/** Head and body of one answer, which every later one has. */
async function answerLength(socket: Socket, request: string): Promise<number> {
  socket.write(request)
  let text = ''
  for (;;) {
    const [bytes] = await once(socket, 'data')
    text += bytes.toString('latin1')
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1])
    const end = text.indexOf('\r\n\r\n') + 4 + length
    if (text.length >= end) {
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(`refused: ${text.slice(0, 40)}`)
      return end
    }
  }
}

function residentMebibytes(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}
