// What STS, or something before it, answers and breaks off: F-H01 to F-H03, F-H05, F-H07, F-H12. Each for the
// library's client and for both commands, judged by criteria.ts: the right answer or an error, the right number of
// attempts, and the next call works.

import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { type Act, answer, bytesServerForTest, headerOf } from './bytes-server.ts'
import { certificate, goodSts, refusal } from './network-answers.ts'
import { type Asker, CommandAsker, faultyServer, libraryClient, NetworkHome, toldBy } from './network-bench.ts'

const home = new NetworkHome()
afterAll(() => home.remove())
const askers: readonly Asker[] = [
  libraryClient,
  new CommandAsker('credential-process', home),
  new CommandAsker('whoami', home),
]

const throttled = ['Throttling', 'ThrottlingException', 'RequestLimitExceeded']
const down = [503, 500, 502, 504]
const refused = [
  ['SignatureDoesNotMatch', 'does not match', 'another secret than that of AKIAIOSFODNN7EXAMPLE.*the clock is right'],
  ['AccessDenied', 'not authorized', 'must allow sts:'],
  ['InvalidClientTokenId', 'invalid', 'check the access key ID AKIAIOSFODNN7EXAMPLE'],
  ['ExpiredToken', 'expired', 'get a new one'],
]
const redirects = [307, 301, 302, 303, 308]

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n'
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const cuts: readonly (readonly [string, readonly Act[]])[] = [
  ['in the body', [{ send: `${head}\r\n<GetCallerIdentityResponse` }, 'end']],
  ['before the answer', ['reset']],
  ['in order before the answer', ['end']],
  ['in the head', [{ send: head }, 'reset']],
  ['after the head', [{ send: `${head}\r\n` }, 'reset']],
  ['in a chunk', [{ send: `${chunked}40\r\n<Get` }, 'end']],
]
const kibibyte = 'x'.repeat(1024)
const long: readonly (readonly [string, readonly Act[]])[] = [
  ['an endless body', [{ send: chunked }, { forEver: `400\r\n${kibibyte}\r\n`, everyMilliseconds: 0 }]],
  ['a body of 10 GiB', [{ send: 'HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n' }]],
  ['endless headers', [{ send: 'HTTP/1.1 200 OK\r\n' }, { forEver: `X: ${kibibyte}\r\n`, everyMilliseconds: 0 }]],
]

describe.each(askers)('$name', (asker) => {
  /** The same acts for the first two requests, then the right answer: three attempts and no failure. */
  const expectRetried = async (bad: readonly Act[]): Promise<void> => {
    const server = await faultyServer((heard) => (heard.index < 2 ? bad : goodSts(heard)))
    const { outcome, requests } = await asker.through(server)
    expect([toldBy(outcome), requests.length]).toEqual(['no failure', 3])
  }
  /** The same acts for ever: an error that says so, after this many attempts. */
  const expectFailure = async (bad: readonly Act[], attempts: number, says: RegExp): Promise<void> => {
    const server = await faultyServer(() => bad)
    const { outcome, requests } = await asker.through(server)
    expect(toldBy(outcome)).toMatch(says)
    expect(requests).toHaveLength(attempts)
  }

  it.each(asker.of(throttled))('F-H01: %s in HTTP 400 is tried again', (code) =>
    expectRetried([{ send: refusal(400, code) }]),
  )

  it('F-H01: throttling that does not end is told after three attempts', () =>
    expectFailure([{ send: refusal(400, 'Throttling', 'too fast') }], 3, /Throttling: too fast\n.*too many calls/))

  it.each(asker.of(down))('F-H02: HTTP %i without a body is tried again', (status) =>
    expectRetried([{ send: answer(status) }]),
  )

  it('F-H02: a server that is down for long is told after three attempts', () =>
    expectFailure([{ send: answer(503) }], 3, /127\.0\.0\.1:\d+ answered HTTP 503/))

  it.each(asker.of(refused))('F-H03: %s is not tried again, and has its hint', (code = '', message = '', hint) =>
    expectFailure([{ send: refusal(403, code, message) }], 1, new RegExp(`${code}: ${message}\n.*${hint}`)),
  )

  it.each(asker.of(cuts))('F-H05: a connection that is cut %s is made anew', (_, acts) => expectRetried(acts))

  it('F-H05: a connection that is always cut is told after three attempts', () =>
    expectFailure(['reset'], 3, /the connection to 127\.0\.0\.1 was cut/))

  it.each(asker.of(long))('F-H07: %s is cut off at once, and not asked for again', (_, acts) =>
    expectFailure(acts, 1, /has more than (65536 bytes|16 KiB of headers)/),
  )

  it('F-H07: a gzip bomb is not unpacked, and was not asked for', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    const packed = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`
    const server = await faultyServer(() => [{ send: packed }, { send: bomb }])
    const { outcome, requests } = await asker.through(server)
    expect(toldBy(outcome)).toMatch(/is not the XML that AWS sends/)
    expect(requests.map((heard) => headerOf(heard, 'accept-encoding'))).toEqual([''])
  })

  it.each(asker.of(redirects))('F-H12: a redirect with HTTP %i is not followed', async (status) => {
    const elsewhere = await bytesServerForTest(goodSts, { tls: certificate })
    const location = `https://127.0.0.1:${elsewhere.port}/`
    await expectFailure([{ send: answer(status, '', { Location: location }) }], 1, /a redirect, which is not followed/)
    expect(elsewhere.connections()).toBe(0)
  })
})

describe('hardkey whoami --verbose', () => {
  it('F-H03: tells what was signed where the signature is refused, without the signature', async () => {
    const server = await faultyServer(() => [{ send: refusal(403, 'SignatureDoesNotMatch', 'no') }])
    const { outcome, requests } = await new CommandAsker('whoami', home).through(server, ['--verbose'])
    const lines = [...toldBy(outcome).matchAll(/^hardkey: step: signed: (.*)$/gm)].map(([, line]) => line)
    const { text = '' } = requests[0] ?? {}
    const payload = createHash('sha256')
      .update(text.slice(text.indexOf('\r\n\r\n') + 4))
      .digest('hex')
    expect(lines.slice(0, 3)).toEqual(['POST', '/', ''])
    expect(lines.slice(-2)).toEqual([payload, expect.stringMatching(/^Authorization: .*Signature=\[secret\]$/)])
    const [, signature = 'none'] = /Signature=([0-9a-f]{64})/.exec(text) ?? []
    expect(toldBy(outcome)).not.toContain(signature)
  })
})
