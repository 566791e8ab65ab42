// A connection that is opened before its request.

import { createServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { expect, it } from 'vitest'
import { certificate, httpsOrigin, listening, testClient, testHost } from './servers.ts'

it('is taken by the first request, and by no second one', async () => {
  let connections = 0
  const server = createServer({ ...certificate, keepAlive: false }, (_, response) => {
    response.setHeader('connection', 'close').end('a')
  })
  server.on('secureConnection', () => {
    connections += 1
  })
  const origin = `https://${testHost}:${await listening(server)}`
  const client = testClient()
  client.connect?.(origin)
  const send = async (): Promise<number> => (await client.send({ method: 'GET', url: origin, headers: {} })).status
  expect([await send(), connections]).toEqual([200, 1])
  expect([await send(), connections]).toEqual([200, 2])
})

it('is replaced where the server has closed it meanwhile', async () => {
  const origin = await httpsOrigin((_, response) => response.end('a'))
  const server = createServer({ ...certificate }, (_, response) => response.end('b'))
  const closed = new Promise<void>((resolve) =>
    server.once('secureConnection', (socket) => socket.on('close', resolve).end()),
  )
  const brief = `https://${testHost}:${await listening(server)}`
  const client = testClient()
  client.connect?.(brief)
  client.connect?.(origin)
  await closed
  const answer = await client.send({ method: 'GET', url: brief, headers: {} })
  expect(Buffer.from(answer.body).toString()).toBe('b')
})

it('tells its failure to the request that takes it', async () => {
  const port = await listening(createServer({ ...certificate }).once('connection', (socket) => socket.destroy()))
  const client = testClient()
  client.connect?.(`https://${testHost}:${port}/`)
  await expect(client.send({ method: 'GET', url: `https://${testHost}:${port}/`, headers: {} })).rejects.toMatchObject({
    code: 'ERR_STS_UNREACHABLE',
  })
})

it('is not made to another machine without TLS', () => {
  expect(() => testClient().connect?.('http://sts.example.com/')).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
  )
})

it('does not hold up a request that is aborted while it is still being made', async () => {
  const silent = createTcpServer(() => {})
  const origin = `https://${testHost}:${await listening(silent)}/`
  const client = testClient()
  client.connect?.(origin)
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(client.send({ method: 'GET', url: origin, headers: {} }, { signal })).rejects.toThrow('enough')
  const later = new AbortController()
  const waiting = client.send({ method: 'GET', url: origin, headers: {} }, { signal: later.signal })
  setImmediate(() => later.abort(new Error('enough')))
  await expect(waiting).rejects.toThrow('enough')
})
