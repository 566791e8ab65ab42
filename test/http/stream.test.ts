import { createServer, type RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { StreamedAnswer, StreamedRequest } from '../../src/http/client.ts'
import { listening, tcpPort, testClient } from './servers.ts'

async function origin(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(answer))}`
}

async function* pieces(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent++) yield new Uint8Array(bytes).fill(sent)
}

async function whole(answer: StreamedAnswer | undefined): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const piece of answer?.body ?? []) read.push(piece)
  return Buffer.concat(read)
}

const put = (url: string, more: Partial<StreamedRequest> = {}): StreamedRequest => ({
  method: 'PUT',
  url,
  headers: {},
  ...more,
})

describe('a streamed exchange', () => {
  it('sends a body of unknown length and reads an answer of any', async () => {
    const url = await origin((request, response) => void request.pipe(response))
    const answer = await testClient().stream?.(put(url, { body: pieces(40, 65_536) }))
    expect(answer?.status).toBe(200)
    expect((await whole(answer)).length).toBe(40 * 65_536)
  })

  it('sends a Content-Length that is given, and bytes as they are', async () => {
    const url = await origin((request, response) => {
      response.end(`${request.headers['content-length']} ${request.headers['transfer-encoding']}`)
    })
    const headers = { 'content-length': '3' }
    const answer = await testClient().stream?.(put(url, { headers, body: pieces(1, 3) }))
    expect((await whole(answer)).toString()).toBe('3 undefined')
    expect((await whole(await testClient().stream?.(put(url, { body: 'four' })))).toString()).toBe('4 undefined')
  })

  it('stops sending where the service answers before the end', async () => {
    const url = await origin((_, response) => response.writeHead(403).end('refused'))
    let sent = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 1
        yield new Uint8Array(65_536)
      }
    }
    const answer = await testClient().stream?.(put(url, { body: endless() }))
    expect(answer?.status).toBe(403)
    expect((await whole(answer)).toString()).toBe('refused')
    expect(sent).toBeLessThan(10_000)
  })

  it.each<[string, RequestListener, object]>([
    ['the answer', (_, response) => response.writeHead(403).end(), { status: 403 }],
    ['the end by the signal', () => {}, { message: 'enough' }],
    ['the timeout', () => {}, { code: 'ERR_TIMEOUT' }],
  ])('gives %s while the stream of the body stalls', async (what, answer, expected) => {
    const url = await origin(answer)
    async function* stalling(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      await new Promise(() => {})
    }
    const stop = new AbortController()
    if (what === 'the end by the signal') setTimeout(() => stop.abort(new RangeError('enough')), 50)
    const client = testClient({ idleMilliseconds: what === 'the timeout' ? 200 : 60_000 })
    const given = client.stream?.(put(url, { body: stalling() }), { signal: stop.signal })
    expect(await given?.catch((error: unknown) => error)).toMatchObject(expected)
  })

  it('throws what the stream of the body throws, and ends the connection', async () => {
    const url = await origin(() => {})
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      throw new RangeError('no more')
    }
    await expect(testClient().stream?.(put(url, { body: broken() }))).rejects.toThrow(RangeError)
  })

  it('ends with the reason of the signal, also while the answer is read', async () => {
    const url = await origin((_, response) => void response.write('begun'))
    const stop = new AbortController()
    const answer = await testClient().stream?.(put(url), { signal: stop.signal })
    setTimeout(() => stop.abort(new RangeError('enough')), 50)
    await expect(whole(answer)).rejects.toThrow('enough')
  })

  it('times out where nothing passes', async () => {
    const port = await tcpPort(() => {})
    const client = testClient({ idleMilliseconds: 100 })
    await expect(client.stream?.(put(`http://127.0.0.1:${port}`))).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('tells an answer that was cut', async () => {
    const url = await origin((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('five', () => response.destroy())
    })
    await expect(whole(await testClient().stream?.(put(url)))).rejects.toMatchObject({ code: 'ERR_STS_UNREACHABLE' })
  })

  it('times out where an answer stops half way', async () => {
    const url = await origin((_, response) => void response.writeHead(200, { 'content-length': '10' }).write('five'))
    const answer = await testClient({ idleMilliseconds: 3000 }).stream?.(put(url))
    await expect(whole(answer)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('keeps a connection for the next request', async () => {
    const ports = new Set<number | undefined>()
    const url = await origin((request, response) => {
      ports.add(request.socket.remotePort)
      request.resume().on('end', () => response.end())
    })
    const client = testClient()
    for (let round = 0; round < 3; round++) await whole(await client.stream?.(put(url, { body: pieces(3, 1000) })))
    expect(ports.size).toBe(1)
  })

  it('refuses plain http to another machine', async () => {
    await expect(testClient().stream?.(put('http://192.0.2.1/'))).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })
})
