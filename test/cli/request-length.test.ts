// `hardkey request` with a Content-Length that the user gives: it is that of the body, or nothing arrives whole and one error
// says why. A server on loopback writes down what it got.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CheckedIn, region } from './checked-in.ts'
import { ended, type Ran } from './hardkey.ts'

let there: CheckedIn
let server: Server
let whole: { readonly length: string | undefined; readonly body: string }[]
beforeAll(async () => {
  there = await CheckedIn.make()
  server = createServer((request, response) => {
    // What is cut off is not whole, and nobody waits for an answer.
    take(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  whole.push({ length: request.headers['content-length'], body: Buffer.concat(parts).toString() })
  response.end('taken')
}

afterAll(async () => {
  server.close()
  await there.remove()
})
beforeEach(() => {
  whole = []
})

const words = (...more: string[]): string[] => {
  const { port } = server.address() as AddressInfo
  return ['request', 'prod', 'PUT', `http://127.0.0.1:${port}/b/k`, '--service', 's3', '--region', region, ...more]
}
const length = (bytes: string): string[] => ['--header', `Content-Length: ${bytes}`]
const streamed = ['--body', '@-', '--unsigned-payload']

describe('a pipe', () => {
  it.each([
    ['shorter', '12345', '10', 'the body ended after 5 bytes, and Content-Length says 10'],
    ['longer', '12345', '3', 'the body has more than the 3 bytes that Content-Length says'],
  ])(
    'that is %s than Content-Length is refused with one error, and is not sent whole',
    async (_, input, said, error) => {
      const ran = await there.home.run(words(...streamed, ...length(said)), { input })
      expect(ran.stderr.split('\n')[0]).toBe(`hardkey: error: ${error}`)
      expect({ ...ran, stderr: ran.stderr.match(/error:/g)?.length, whole }).toEqual({
        ...{ status: 2, stdout: '', stderr: 1, whole: [] },
      })
    },
  )

  it('that goes on after Content-Length is refused, though every byte before it was there long ago', async () => {
    const child = there.home.start(words(...streamed, ...length('5')))
    const end = ended(child)
    child.stdin?.write('12345')
    await new Promise((next) => setTimeout(next, 1500))
    child.stdin?.end('6')
    expect(await end).toMatchObject({ status: 2, stdout: '' })
    expect(whole).toEqual([])
  })

  it('of this length is sent', async () => {
    const input = 'x'.repeat(3_000_000)
    const ran = await there.home.run(words(...streamed, ...length('3000000')), { input })
    expect(ran).toEqual({ status: 0, stdout: 'taken', stderr: '' })
    expect(whole).toEqual([{ length: '3000000', body: input }])
  })
})

describe('text and files', () => {
  const run = (...more: string[]): Promise<Ran> => there.home.run(words(...more))

  it.each([
    ['text', () => ['--body', '12345']],
    ['a file', () => ['--body', `@${there.home.write('five', '12345')}`]],
    ['nothing', () => []],
  ])('of another length are refused before the device is used: %s', async (what, body) => {
    const ran = await run(...body(), ...length('7'), '--pin-source', 'file:/nonexistent')
    const has = what === 'nothing' ? 0 : 5
    expect(ran.stderr).toContain(`hardkey: error: Content-Length says 7, and the body has ${has} bytes\n`)
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(whole).toEqual([])
  })

  it('of this length are sent with it once', async () => {
    expect(await run('--body', '12345', ...length('5'))).toMatchObject({ status: 0, stdout: 'taken' })
    const file = `@${there.home.write('five', '12345')}`
    expect(await run('--body', file, ...length('5'))).toMatchObject({ status: 0, stdout: 'taken' })
    expect(whole).toEqual(Array.from({ length: 2 }, () => ({ length: '5', body: '12345' })))
  })

  it.each([['-1'], ['5, 5'], ['5x'], ['']])('and a length that is none, %j, is refused', async (said) => {
    const ran = await run('--body', '12345', ...length(said))
    expect(ran.stderr).toContain('hardkey: error: --header Content-Length is no number of bytes\n')
    expect(ran.status).toBe(2)
  })

  it('and two lengths are refused', async () => {
    expect((await run('--body', '12345', ...length('5'), ...length('5'))).status).toBe(2)
  })
})
