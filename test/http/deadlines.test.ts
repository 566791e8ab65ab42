// Hangs end: F-H04, F-H06, F-H15. The times are short here; which one ends the wait shows in the message.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { blackHole, listening, tcpPort, testClient, testHost, tlsOrigin } from './servers.ts'

const request = { method: 'GET', headers: {} }

describe('ends the wait for', () => {
  it('F-H06: a connection', async () => {
    const url = `https://${testHost}:${await blackHole('127.0.0.1', 0)}/`
    const sending = testClient({ connectMilliseconds: 100 }).send({ ...request, url })
    const message = `no connection to ${testHost} within 0.1 s`
    await expect(sending).rejects.toMatchObject({ code: 'ERR_TIMEOUT', tryAgain: true, message })
  })

  it('F-H04: a name server', async () => {
    const resolve = (): Promise<never> => new Promise(() => undefined)
    const sending = testClient({ connectMilliseconds: 20, resolve }).send({ ...request, url: 'https://a.example/' })
    await expect(sending).rejects.toThrow('no connection to a.example within 0.02 s')
  })

  it('F-H06: a TLS handshake', async () => {
    const url = `https://${testHost}:${await tcpPort(() => undefined)}/`
    const sending = testClient({ connectMilliseconds: 100 }).send({ ...request, url })
    await expect(sending).rejects.toThrow(`no connection to ${testHost} within 0.1 s`)
  })

  it('F-H06: the head of the answer', async () => {
    const url = await tlsOrigin((socket) => socket.resume())
    const sending = testClient({ firstByteMilliseconds: 50 }).send({ ...request, url })
    await expect(sending).rejects.toThrow(`no answer from ${testHost} within 0.05 s`)
  })

  it('F-H06: an answer that comes byte by byte', async () => {
    const url = await tlsOrigin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 10)
      socket.on('close', () => clearInterval(drip)).resume()
    })
    const sending = testClient({ firstByteMilliseconds: 5000, totalMilliseconds: 300 }).send({ ...request, url })
    await expect(sending).rejects.toThrow(`no complete answer from ${testHost} within 0.3 s`)
  })
})

it('F-H06: leaves no connection behind after a deadline', async () => {
  const server = createTcpServer()
  const closed = once(server, 'connection').then(([socket]: Socket[]) => once(socket?.resume() ?? server, 'close'))
  const url = `https://${testHost}:${await listening(server)}/`
  const sending = testClient({ connectMilliseconds: 50 }).send({ ...request, url })
  await expect(sending).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  // The kernel takes it at once; the server may come to it later.
  await closed
})

describe('a host with several addresses', () => {
  it('F-H15: is reached by the second one where the first swallows packets', async () => {
    const port = await listening(createServer((_request, response) => response.end()))
    await blackHole('127.0.0.2', port)
    const resolve = async () => [
      { address: '127.0.0.2', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]
    const client = testClient({ resolve, allowHttp: true })
    expect((await client.send({ ...request, url: `http://${testHost}:${port}/` })).status).toBe(200)
  })

  it('F-H15: is reached by the second one where the first refuses', async () => {
    const port = await listening(createServer((_request, response) => response.end()))
    const resolve = async () => ['127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    const client = testClient({ resolve, allowHttp: true })
    expect((await client.send({ ...request, url: `http://${testHost}:${port}/` })).status).toBe(200)
  })
})

describe('a host that cannot be reached is named with the cause', () => {
  const failing = (code: string) => async (): Promise<never> => {
    throw Object.assign(new Error(code), { code })
  }
  it.each([
    ['ENOTFOUND', 'the name of sts.eu-wset-1.amazonaws.com was not found'],
    ['EAI_AGAIN', 'no name server answered for sts.eu-wset-1.amazonaws.com'],
  ])('F-H04: %s', async (code, message) => {
    const url = 'https://sts.eu-wset-1.amazonaws.com/'
    const sending = testClient({ resolve: failing(code) }).send({ ...request, url })
    await expect(sending).rejects.toMatchObject({
      code: 'ERR_STS_UNREACHABLE',
      serviceCode: code,
      message,
      tryAgain: true,
    })
  })

  it('F-H05: ECONNREFUSED', async () => {
    const sending = testClient().send({ ...request, url: 'http://127.0.0.1:1/' })
    await expect(sending).rejects.toThrow('127.0.0.1 port 1 refused the connection')
  })

  it('F-H04: localhost that a name server places elsewhere', async () => {
    const resolve = async () => [{ address: '192.0.2.1', family: 4 }]
    const sending = testClient({ resolve }).send({ ...request, url: 'http://localhost:9/' })
    await expect(sending).rejects.toMatchObject({ serviceCode: 'ENOTFOUND' })
  })
})
