// What goes out and what comes back, over TLS on this machine.

import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { httpsOrigin, listening, testClient, testHost } from './servers.ts'

/** The one request that a server saw, and its body. */
async function seenBy(send: {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}): Promise<{ request: IncomingMessage; body: string }> {
  const seen: { request: IncomingMessage; body: Promise<string> }[] = []
  const origin = await httpsOrigin((request, response) => {
    const body = text(request)
    seen.push({ request, body })
    request.on('end', () => response.end())
  })
  await testClient().send({ headers: {}, ...send, url: origin + send.path })
  const [first] = seen
  if (first === undefined) throw new Error('no request came')
  return { request: first.request, body: await first.body }
}

describe('what goes out', () => {
  it.each(['/a/../b/./c', '//x//', '/%7Euser%2f', '/a?b=c&&d=%20e+f', "/!$'()*"])(
    'has the path %s unchanged',
    async (path) => {
      expect((await seenBy({ method: 'GET', path })).request.url).toBe(path)
    },
  )

  it('has a slash for a URL without a path', async () => {
    expect((await seenBy({ method: 'GET', path: '?Action=x' })).request.url).toBe('/?Action=x')
  })

  it('has the headers as given and no other but Connection and Content-Length', async () => {
    const headers = { 'X-Amz-Date': '20260101T000000Z', host: testHost, authorization: 'AWS4-HMAC-SHA256 a=b' }
    const { request } = await seenBy({ method: 'POST', path: '/', headers, body: 'text' })
    const sent = ['content-length', '4', ...Object.entries(headers).flat(), 'Connection', 'keep-alive']
    expect(request.rawHeaders).toEqual(sent)
  })

  it('names host and port where no Host header is given', async () => {
    const { request } = await seenBy({ method: 'GET', path: '/' })
    expect(request.headers.host).toMatch(/^sts\.test-region\.amazonaws\.com:\d+$/)
  })

  it('has the bytes of the body, for a method that seldom has one too', async () => {
    const { body } = await seenBy({ method: 'DELETE', path: '/', body: new TextEncoder().encode('grüße') })
    expect(body).toBe('grüße')
  })
})

describe('what comes back', () => {
  it.each([301, 302, 303, 307, 308])('F-H12: is a redirect %i as it is, never followed', async (status) => {
    let requests = 0
    const origin = await httpsOrigin((_request, response) => {
      requests += 1
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const answer = await testClient().send({ method: 'GET', url: origin, headers: {} })
    expect([answer.status, answer.headers.location, requests]).toEqual([status, '/elsewhere', 1])
  })

  it('F-H07: is not decompressed', async () => {
    const compressed = gzipSync('x'.repeat(1000))
    const origin = await httpsOrigin((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(compressed)
    })
    const { body } = await testClient().send({ method: 'GET', url: origin, headers: {} })
    expect(Buffer.from(body)).toEqual(compressed)
  })

  it('has repeated headers joined, and one named __proto__ as any other', async () => {
    const origin = await httpsOrigin((_request, response) => {
      response.writeHead(200, ['X-A', '1', 'x-a', '2', '__proto__', '3']).end()
    })
    const { headers } = await testClient().send({ method: 'GET', url: origin, headers: {} })
    expect([headers['x-a'], Object.entries(headers).find(([name]) => name === '__proto__')?.[1]]).toEqual(['1, 2', '3'])
  })

  it('is the answer to a HEAD that names a long body', async () => {
    const origin = await httpsOrigin((_request, response) => {
      response.writeHead(200, { 'content-length': '1000000' }).end()
    })
    const answer = await testClient().send({ method: 'HEAD', url: origin, headers: {} })
    expect([answer.status, answer.body.length]).toEqual([200, 0])
  })

  it('is "not modified" for a long body that does not come', async () => {
    const origin = await httpsOrigin((_request, response) => {
      response.writeHead(304, { 'content-length': '1000000' }).end()
    })
    const answer = await testClient().send({ method: 'GET', url: origin, headers: {} })
    expect([answer.status, answer.body.length]).toEqual([304, 0])
  })

  it('comes to sixty requests at once under one signal, without a warning of Node', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const origin = await httpsOrigin((_request, response) => response.end('x'))
    const client = testClient()
    const { signal } = new AbortController()
    const request = { method: 'GET', url: origin, headers: {} }
    await Promise.all(Array.from({ length: 60 }, () => client.send(request, { signal })))
    expect(warnings).toEqual([])
  })

  it('comes over one connection for requests one after the other', async () => {
    const ports = new Set<number | undefined>()
    const origin = await httpsOrigin((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('x')
    })
    const client = testClient()
    for (let count = 0; count < 3; count += 1) await client.send({ method: 'GET', url: origin, headers: {} })
    expect(ports.size).toBe(1)
  })
})

describe('plain http', () => {
  it.each(['127.0.0.1', 'localhost'])('is allowed to %s', async (host) => {
    const port = await listening(createServer((_request, response) => response.end('plain')))
    const { body } = await testClient().send({ method: 'GET', url: `http://${host}:${port}/`, headers: {} })
    expect(Buffer.from(body).toString()).toBe('plain')
  })

  it('is refused to another machine before a name is looked up', async () => {
    const resolve = (): never => {
      throw new Error('was looked up')
    }
    const sending = testClient({ resolve }).send({ method: 'GET', url: 'http://minio.example/', headers: {} })
    await expect(sending).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: 'http://minio.example is not encrypted',
    })
  })

  it('is allowed to another machine where the caller says so', async () => {
    const port = await listening(createServer((_request, response) => response.end()))
    const url = `http://minio.example:${port}/`
    const { status } = await testClient({ allowHttp: true }).send({ method: 'GET', url, headers: {} })
    expect(status).toBe(200)
  })
})

describe('a request is refused unsent', () => {
  const urls: [string, string][] = [
    ['another scheme', 'ftp://host/'],
    ['a fragment', 'https://host/#part'],
    ['a blank', 'https://host/a b'],
    ['a line break', 'https://host/a\r\nb'],
    ['a character outside ASCII', 'https://host/ü'],
    ['no host', 'https:///path'],
    ['a host that is none', 'https://a b/'],
    ['a tab in its host', 'https://ho\tst/'],
    ['a line end in its host', 'https://ho\nst/'],
    ['a backslash in its host', 'https://host\\@other/'],
  ]
  it.each(urls)('when its URL has %s', async (_what, url) => {
    const sending = testClient().send({ method: 'GET', url, headers: {} })
    await expect(sending).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
  })

  it('when its URL has a user name, without showing the password', async () => {
    const sending = testClient().send({ method: 'GET', url: 'https://user:canary@host/', headers: {} })
    await expect(sending).rejects.toThrow(/^the URL has a user name in front of its host$/)
  })

  it('when a header has a line break, without showing its value', async () => {
    const sending = testClient().send({
      method: 'GET',
      url: `https://${testHost}/`,
      headers: { token: 'canary\r\nx: y' },
    })
    await expect(sending).rejects.toMatchObject({
      code: 'ERR_REQUEST_INVALID',
      message: expect.not.stringMatching('canary'),
    })
  })
})

describe('ending early', () => {
  it('throws the reason of an abort while the answer is awaited', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const origin = await httpsOrigin(() => controller.abort(reason))
    const sending = testClient().send({ method: 'GET', url: origin, headers: {} }, { signal: controller.signal })
    await expect(sending).rejects.toBe(reason)
  })

  it('throws the reason of an abort while the name is looked up', async () => {
    const controller = new AbortController()
    const resolve = (): Promise<never> => {
      controller.abort('enough')
      return new Promise(() => undefined)
    }
    const sending = testClient({ resolve }).send({ method: 'GET', url: 'https://a/', headers: {} }, controller)
    await expect(sending).rejects.toBe('enough')
  })

  it('fails what is under way when the client is closed, and everything after it', async () => {
    const client = testClient()
    const origin = await httpsOrigin(() => client.close())
    const request = { method: 'GET', url: origin, headers: {} }
    await expect(client.send(request)).rejects.toMatchObject({ code: 'ERR_USAGE' })
    await expect(client.send(request)).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })
})
