// Through a proxy: F-H13 and B-106. The proxy sees host and port of the target, never a request.

import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { httpClient, type ProxySettings } from '../../src/http/client.ts'
import {
  authority,
  certificate,
  connectProxy,
  httpsOrigin,
  listening,
  tcpPort,
  testClient,
  testHost,
} from './servers.ts'

const password = 'canary-4711'

function get(url: string, proxy: ProxySettings, connectMilliseconds = 3000): Promise<number> {
  const client = testClient({ proxy, connectMilliseconds, allowHttp: true })
  return client.send({ method: 'GET', url, headers: {} }).then(({ status }) => status)
}

/** The failure of a request through a proxy that says this to CONNECT. */
async function failureOf(talk: (socket: Socket) => void): Promise<unknown> {
  const port = await tcpPort((socket) => socket.once('data', () => talk(socket)))
  const https = `http://user:${password}@127.0.0.1:${port}`
  return get(`https://${testHost}/`, { https }, 300).catch((reason: unknown) => reason)
}

describe('a request goes through the proxy', () => {
  it('in a tunnel, with the TLS of the target inside', async () => {
    const origin = await httpsOrigin((_request, response) => response.writeHead(201).end())
    const proxy = await connectProxy()
    expect(await get(origin, { https: `http://127.0.0.1:${proxy.port}` })).toBe(201)
    expect(proxy.asked).toEqual([new URL(origin).host])
  })

  it('in a tunnel for plain http too', async () => {
    const port = await listening(createServer((_request, response) => response.writeHead(201).end()))
    const proxy = await connectProxy()
    expect(await get(`http://minio.example:${port}/`, { http: `127.0.0.1:${proxy.port}` })).toBe(201)
    expect(proxy.asked).toEqual([`minio.example:${port}`])
  })

  it('over TLS to the proxy itself', async () => {
    const origin = await httpsOrigin((_request, response) => response.writeHead(201).end())
    const proxy = await connectProxy(certificate)
    expect(await get(origin, { https: `https://127.0.0.1:${proxy.port}` })).toBe(201)
  })

  it('with the user name and password of its URL', async () => {
    const origin = await httpsOrigin((_request, response) => response.end())
    const proxy = await connectProxy()
    await get(origin, { https: `http://us%40er:p%3Ass@127.0.0.1:${proxy.port}` })
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('us@er:p:ss').toString('base64')}`])
  })

  it('once for several requests', async () => {
    const origin = await httpsOrigin((_request, response) => response.end())
    const proxy = await connectProxy()
    const client = testClient({ proxy: { https: `http://127.0.0.1:${proxy.port}` } })
    for (let count = 0; count < 3; count += 1) await client.send({ method: 'GET', url: origin, headers: {} })
    expect(proxy.asked).toHaveLength(1)
  })
})

describe('a request goes directly', () => {
  it('where NO_PROXY covers the host', async () => {
    const origin = await httpsOrigin((_request, response) => response.writeHead(201).end())
    expect(await get(origin, { https: 'http://127.0.0.1:1', noProxy: 'amazonaws.com' })).toBe(201)
  })

  it('to this machine', async () => {
    const port = await listening(createServer((_request, response) => response.writeHead(201).end()))
    expect(await get(`http://127.0.0.1:${port}/`, { http: 'http://127.0.0.1:1' })).toBe(201)
  })
})

describe('a proxy that opens no tunnel', () => {
  const proxies: [string, (socket: Socket) => void, object][] = [
    ['wants a password', (s) => s.end('HTTP/1.1 407 No\r\n\r\n'), { status: 407, tryAgain: false }],
    ['forbids the host', (s) => s.end('HTTP/1.1 403 No\r\n\r\n'), { status: 403, tryAgain: false }],
    ['cannot reach the host', (s) => s.end('HTTP/1.1 502 No\r\n\r\n'), { status: 502, tryAgain: true }],
    ['redirects', (s) => s.end('HTTP/1.1 302 No\r\nLocation: http://x/\r\n\r\n'), { status: 302, tryAgain: false }],
    ['cuts the connection', (s) => s.destroy(), { code: 'ERR_STS_UNREACHABLE', tryAgain: true }],
    ['hangs', () => undefined, { code: 'ERR_TIMEOUT' }],
    ['speaks no HTTP', (s) => s.end('SSH-2.0-x\r\n'), { code: 'ERR_STS_RESPONSE_INVALID' }],
    [
      'speaks in the name of the target',
      (s) => s.write('HTTP/1.1 200 OK\r\n\r\nmore'),
      { code: 'ERR_STS_RESPONSE_INVALID' },
    ],
  ]
  it.each(proxies)('F-H13: %s: is named in the error', async (_what, talk, expected) => {
    const error = await failureOf(talk)
    expect(error).toMatchObject({ ...expected, message: expect.stringMatching(/the proxy 127\.0\.0\.1:\d+/) })
  })

  it.each(proxies)('F-H13: %s: its password is in no part of the error', async (_what, talk) => {
    const error = await failureOf(talk)
    const encoded = Buffer.from(`user:${password}`).toString('base64')
    const shown = inspect(error, { depth: 10, showHidden: true })
    expect([shown.includes(password), shown.includes(encoded)]).toEqual([false, false])
  })

  it('F-H13: cannot be reached: is named in the error', async () => {
    await expect(get(`https://${testHost}/`, { https: 'http://127.0.0.1:1' })).rejects.toThrow(
      '127.0.0.1 port 1 refused the connection',
    )
  })
})

describe('B-106: proxy settings are refused', () => {
  it.each([
    ['another scheme', `socks5://user:${password}@127.0.0.1`],
    ['no host', 'http://'],
    ['a port that is none', `http://user:${password}@proxy:99999`],
    ['a password that is not percent-encoded', `http://user:${password}%@proxy`],
  ])('with %s, and the value is not shown', (_what, https) => {
    const make = (): unknown => httpClient({ proxy: { https } })
    expect(make).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.not.stringContaining(password) }),
    )
  })

  it('never where they are empty, as an environment may have them', () => {
    expect(() => httpClient({ ca: [authority.ca], proxy: { https: '', http: ' ', noProxy: '' } }).close()).not.toThrow()
  })
})
