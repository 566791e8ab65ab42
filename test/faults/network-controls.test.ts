// Negative controls of the network and clock faults: each check passes with the build as it is, and fails with one that is
// broken in the place that the check is for. And the bytes server does what its script says.

import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { testAuthority } from '../http/certificates.ts'
import { brokenBuild } from './broken-build.ts'
import { type Act, answer, bytesServerForTest, headerOf } from './bytes-server.ts'
import { actionOf, certificate, goodSts, refusal, sessionXml } from './network-answers.ts'
import { CommandAsker, faultyServer, isRightOutput, NetworkHome, throughFault, toldBy } from './network-bench.ts'

const home = new NetworkHome()
const asker = new CommandAsker('credential-process', home)
afterEach(() => {
  home.node = undefined
})
afterAll(() => home.remove())

interface Control {
  readonly id: string
  readonly build: string
  readonly file: string
  readonly text: string
  readonly instead: string
  readonly check: () => Promise<void>
}

const controls: readonly Control[] = [
  {
    id: 'F-H02',
    build: 'tries once',
    file: 'src/query/caller-of.ts',
    text: 'options.maxAttempts ?? 3',
    instead: '1',
    check: async () => {
      const server = await faultyServer((heard) => (heard.index < 2 ? [{ send: answer(503) }] : goodSts(heard)))
      expect(toldBy((await asker.through(server)).outcome)).toBe('no failure')
    },
  },
  {
    id: 'F-H03',
    build: 'tries a refusal again',
    file: 'src/query/call.ts',
    text: 'const isFinal = ',
    instead: 'const isFinal = false && ',
    check: async () => {
      const server = await faultyServer(() => [{ send: refusal(403, 'AccessDenied') }])
      expect((await asker.through(server)).requests).toHaveLength(1)
    },
  },
  {
    id: 'F-H11',
    build: 'takes any end of a session',
    file: 'src/sts/answer.ts',
    text: 'durationSeconds * 1000 + endToleranceMilliseconds',
    instead: 'durationSeconds * 1e12',
    check: async () => {
      const expiration = '9999-12-31T23:59:59Z'
      const server = await faultyServer((heard) => [{ send: answer(200, sessionXml(actionOf(heard), { expiration })) }])
      expect(toldBy((await asker.through(server)).outcome)).toMatch(/for longer than/)
    },
  },
  {
    id: 'F-H13',
    build: 'names the proxy by its whole URL',
    file: 'src/http/proxy.ts',
    text: 'name: `${url.hostname}:${port}`',
    instead: 'name: url.href',
    check: async () => {
      const sts = await bytesServerForTest(goodSts, { tls: certificate })
      const leading: readonly Act[] = [{ send: 'HTTP/1.1 200 OK\r\n\r\n' }, { tunnelTo: sts.port }]
      const proxy = await faultyServer(
        () => [{ send: answer(407) }, 'end'],
        {},
        () => leading,
      )
      const variables = { HTTPS_PROXY: `http://user:canary-4711-proxy@127.0.0.1:${proxy.port}` }
      const act = () => home.ask('credential-process', [], variables)
      await throughFault(proxy, { act, isRight: isRightOutput }, { proxy: Buffer.from('canary-4711-proxy') })
    },
  },
  {
    id: 'F-H14',
    build: 'does not verify certificates',
    file: 'src/http/connection.ts',
    text: 'rejectUnauthorized: true',
    instead: 'rejectUnauthorized: false',
    check: async () => {
      const bad = await bytesServerForTest(goodSts, { tls: testAuthority().issue({ names: ['127.0.0.1'] }) })
      await home.ask('credential-process', ['--endpoint-url', `https://127.0.0.1:${bad.port}/`])
      expect(bad.heard).toEqual([])
    },
  },
  {
    id: 'F-C01',
    build: 'learns nothing of the clock',
    file: 'src/query/skew.ts',
    text: '> mostCorrected) return',
    instead: '> -1) return',
    check: async () => {
      const server = await faultyServer((heard) => {
        const Date1 = new Date(Date.now() + 3_600_000).toUTCString()
        const isNear =
          headerOf(heard, 'x-amz-date') > new Date(Date.now() + 1_800_000).toISOString().replace(/[-:]|\..*/g, '')
        return isNear
          ? goodSts(heard)
          : [{ send: refusal(403, 'RequestTimeTooSkewed').replace(/Date: .*/, `Date: ${Date1}`) }]
      })
      expect(toldBy((await asker.through(server)).outcome)).toBe('no failure')
    },
  },
]

describe.each(controls)('a build that $build', ({ id, file, text, instead, check }) => {
  it(`${id}: is caught (negative control)`, async () => {
    await check()
    home.node = await brokenBuild(home, file, text, instead)
    await expect(check()).rejects.toThrow()
  })
})

describe('the bytes server', () => {
  const bytesOf = async (acts: readonly Act[], toSend = 'GET / HTTP/1.1\r\n\r\n'): Promise<string> => {
    const server = await bytesServerForTest(() => acts)
    const socket = connect(server.port, '127.0.0.1')
    socket.write(toSend)
    return (await buffer(socket)).toString()
  }

  it('says what its script says, in that order, and nothing else', async () => {
    expect(await bytesOf([{ send: 'a' }, { waitMilliseconds: 5 }, { send: new Uint8Array([98, 0]) }, 'end'])).toBe(
      'ab\0',
    )
  })

  it('answers each request of a connection, body and all', async () => {
    const server = await bytesServerForTest(({ index, text }) => [
      { send: `${index}:${text.slice(-2)} ` },
      ...(index === 1 ? ['end' as const] : []),
    ])
    const socket = connect(server.port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\ncd')
    expect([(await buffer(socket)).toString(), server.heard.length]).toEqual(['0:ab 1:cd ', 2])
  })
})
