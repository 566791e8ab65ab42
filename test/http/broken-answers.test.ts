// Answers that are none: F-H05, F-H07, F-H20. Each is an error within its bounds, and the next request works.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../src/http/client.ts'
import { testClient, tlsOrigin } from './servers.ts'

const head = 'HTTP/1.1 200 OK\r\n'
const complete = `${head}Content-Length: 2\r\n\r\nok`

/** Asks a server that talks as given once the first bytes of the request came. */
async function ask(talk: (socket: Socket) => void): Promise<HttpAnswer> {
  const url = await tlsOrigin((socket) => socket.once('data', () => talk(socket)))
  return testClient().send({ method: 'GET', url, headers: {} })
}

describe('a connection that breaks may be tried again', () => {
  const breaks: [string, (socket: Socket) => void][] = [
    ['before the answer', (socket) => socket.destroy()],
    ['in the head', (socket) => socket.end(head)],
    ['after the head', (socket) => socket.end(`${head}Content-Length: 10\r\n\r\n`)],
    ['in the body', (socket) => socket.end(`${head}Content-Length: 10\r\n\r\nhalf`)],
    ['in a chunk', (socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nha`)],
  ]
  it.each(breaks)('F-H05: %s', async (_where, talk) => {
    await expect(ask(talk)).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE', tryAgain: true, message: /was cut$/ })
  })
})

describe('an answer is refused', () => {
  const endless = (socket: Socket): void => {
    function* parts(): Generator<string> {
      yield `${head}Transfer-Encoding: chunked\r\n\r\n`
      for (;;) yield `400\r\n${'x'.repeat(1024)}\r\n`
    }
    Readable.from(parts()).pipe(socket)
  }
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
  const bomb = `${head}Content-Encoding: gzip\r\nContent-Length: 10737418240\r\n\r\n`
  const answers: [string, (socket: Socket) => void, RegExp][] = [
    ['that is not HTTP', (socket) => socket.end('220 smtp.example ESMTP\r\n'), /is not HTTP\/1.1$/],
    ['in HTTP/2', (socket) => socket.end(Buffer.from('000000040000000000', 'hex')), /is not HTTP\/1.1$/],
    [
      'with two lengths',
      (socket) => socket.end(`${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`),
      /is not HTTP/,
    ],
    [
      'with length and chunks',
      (socket) => socket.end(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
      /is not/,
    ],
    [
      'with 20 KiB of headers',
      (socket) => socket.end(`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`),
      /more than 16 KiB of headers$/,
    ],
    ['with another protocol', (socket) => socket.write(upgrade), /changes the protocol$/],
    ['that says it has 10 GiB', (socket) => socket.write(bomb), /has more than 65536 bytes$/],
    ['that never ends', endless, /has more than 65536 bytes$/],
    ['F-H20: with a further one behind it', (socket) => socket.write(complete + complete), /is followed by another$/],
  ]
  it.each(answers)('F-H07, F-H20: %s', async (_what, talk, message) => {
    await expect(ask(talk)).rejects.toMatchObject({ code: 'ERR_STS_RESPONSE_INVALID', tryAgain: false, message })
  })

  it('F-H07: that opens a tunnel', async () => {
    const url = await tlsOrigin((socket) => socket.once('data', () => socket.write(`${head}\r\n`)))
    const sending = testClient().send({ method: 'CONNECT', url, headers: {} })
    await expect(sending).rejects.toMatchObject({ code: 'ERR_STS_RESPONSE_INVALID', message: /changes the protocol$/ })
  })

  it('F-H07: that is longer than this call allows', async () => {
    const url = await tlsOrigin((socket) => socket.once('data', () => socket.write(complete)))
    const sending = testClient().send({ method: 'GET', url, headers: {} }, { maxBytes: 1 })
    await expect(sending).rejects.toThrow(/has more than 1 bytes$/)
  })

  it('F-H07: without its bytes in the error, which may be credentials', async () => {
    const error = await ask((socket) => socket.end('canary canary\r\n')).catch((reason: unknown) => reason)
    expect(String(Reflect.get(Object(error), 'cause'))).toBe('undefined')
  })
})

describe('afterwards', () => {
  it('F-H20: the socket of a refused answer is closed', async () => {
    const closing: Promise<unknown>[] = []
    const asking = ask((socket) => {
      closing.push(once(socket, 'close'))
      socket.write(complete + complete)
    })
    await expect(asking).rejects.toThrow()
    await Promise.all(closing)
    expect(closing).toHaveLength(1)
  })

  it('the next request over the same client works', async () => {
    let connections = 0
    const url = await tlsOrigin((socket) => {
      connections += 1
      const answer = connections === 1 ? 'nonsense\r\n\r\n' : complete
      socket.once('data', () => socket.write(answer))
    })
    const client = testClient()
    await expect(client.send({ method: 'GET', url, headers: {} })).rejects.toThrow()
    expect((await client.send({ method: 'GET', url, headers: {} })).status).toBe(200)
  })

  it('F-H20: bytes that come at rest are not taken for the answer to the next request', async () => {
    const sockets: Socket[] = []
    const url = await tlsOrigin((socket) => {
      sockets.push(socket)
      socket.once('data', () => socket.write(complete))
    })
    const client = testClient()
    await client.send({ method: 'GET', url, headers: {} })
    for (const socket of sockets) {
      const closed = once(socket, 'close')
      socket.write(`${head}Content-Length: 6\r\n\r\nforged`)
      await closed
    }
    const { body } = await client.send({ method: 'GET', url, headers: {} })
    expect(Buffer.from(body).toString()).toBe('ok')
  })
})
