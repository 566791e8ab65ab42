// The way to STS for the commands: proxies (F-H13), certificates (F-H14), partitions (F-H16), and waits (F-H06).
// STS stands behind the names of AWS, which a proxy of ours leads to this machine: so the strict forms of AWS are asked for.

import { afterAll, describe, expect, it } from 'vitest'
import { type IssuedCertificate, testAuthority } from '../http/certificates.ts'
import { blackHole } from '../http/servers.ts'
import { type Act, answer, type BytesServer, bytesServerForTest, type Script } from './bytes-server.ts'
import { authority, certificate, goodSts, refusal } from './network-answers.ts'
import { faultyServer, isRightOutput, NetworkHome, type Told, throughFault, toldBy } from './network-bench.ts'

const home = new NetworkHome()
afterAll(() => home.remove())
const password = 'canary-4711-proxy'
const commands = ['credential-process', 'whoami']

/** A command over a proxy that does this with CONNECT; mended, the proxy leads to an STS that works. */
async function overProxy(command: string, acts: readonly Act[]): Promise<Told> {
  const sts = await bytesServerForTest(goodSts, { tls: certificate })
  const proxy = await faultyServer(() => acts, {}, leadingTo(sts))
  const environment = { HTTPS_PROXY: `http://user:${password}@127.0.0.1:${proxy.port}` }
  const act = () => home.ask(command, ['--verbose'], environment)
  const more = { proxy: Buffer.from(password), pair: Buffer.from(`user:${password}`) }
  const told = await throughFault(proxy, { act, isRight: isRightOutput, marker: home.folder }, more)
  expect(sts.heard, 'STS is asked once, when all is well').toHaveLength(1)
  return told
}

const leadingTo =
  (sts: BytesServer): Script =>
  () => [{ send: 'HTTP/1.1 200 Connection established\r\n\r\n' }, { tunnelTo: sts.port }]

describe.each(commands)('hardkey %s over a proxy', (command) => {
  it('F-H13: that wants another password says so, and is asked once', async () => {
    const { outcome, requests } = await overProxy(command, [{ send: answer(407) }, 'end'])
    expect(toldBy(outcome)).toMatch(/the proxy 127\.0\.0\.1:\d+ did not accept the user name and password/)
    expect(requests).toHaveLength(1)
  })

  it('F-H13: that cuts the answer to CONNECT is named', async () => {
    const { outcome, requests } = await overProxy(command, [{ send: 'HTTP/1.1 200 Conn' }, 'end'])
    expect(toldBy(outcome)).toMatch(/the connection to the proxy 127\.0\.0\.1:\d+ was cut/)
    expect(requests).toHaveLength(3)
  })
})

describe('hardkey credential-process over a proxy', () => {
  it.each<[string, readonly Act[], RegExp]>([
    ['hangs', ['hang'], /no connection to \S+ through the proxy 127\.0\.0\.1:\d+ within 3 s/],
    ['forbids the host', [{ send: answer(403) }, 'end'], /opens no tunnel to \S+: status 403/],
    ['cannot reach the host', [{ send: answer(502) }, 'end'], /opens no tunnel to \S+: status 502/],
    ['speaks for STS', [{ send: 'HTTP/1.1 200 OK\r\n\r\nmore' }], /goes on after its head/],
    ['sends elsewhere', [{ send: answer(302, '', { Location: 'http://127.0.0.1:1/' }) }, 'end'], /status 302/],
  ])('F-H13: that %s is named, and its password is not', async (_, acts, says) => {
    expect(toldBy((await overProxy('credential-process', acts)).outcome)).toMatch(says)
  })
})

describe.each(commands)('hardkey %s', (command) => {
  const day = 86_400_000
  const names = ['127.0.0.1']
  const untrusted: readonly (readonly [string, IssuedCertificate, RegExp])[] = [
    [
      'has expired',
      authority.issue({ names, notAfter: new Date(Date.now() - day / 2) }),
      /has expired\n.*check the clock/,
    ],
    ['is for another name', authority.issue({ names: ['other.amazonaws.com'] }), /is for another name$/m],
    ['comes from an unknown root', testAuthority().issue({ names }), /comes from an unknown root\n.*AWS_CA_BUNDLE/],
    [
      'is not valid yet',
      authority.issue({ names, notBefore: new Date(Date.now() + day / 2) }),
      /not valid yet\n.*clock/,
    ],
  ]
  it.each(untrusted)('F-H14: tells nothing to a server whose certificate %s, and tries once', async (_, tls, says) => {
    const good = await bytesServerForTest(goodSts, { tls: certificate })
    const bad = await faultyServer(goodSts, { tls })
    const ask = (port: number) => home.ask(command, ['--endpoint-url', `https://127.0.0.1:${port}/`])
    const { outcome, requests, connections } = await throughFault(bad, {
      act: () => ask(bad.port),
      again: () => ask(good.port),
      isRight: isRightOutput,
      marker: home.folder,
    })
    expect(toldBy(outcome)).toMatch(says)
    expect(toldBy(outcome)).not.toMatch(/insecure|verify|ignore|skip|REJECT/i)
    expect([requests.length, connections]).toEqual([0, 1])
  })
})

it('F-H14: NODE_TLS_REJECT_UNAUTHORIZED=0 opens no way round', async () => {
  const good = await bytesServerForTest(goodSts, { tls: certificate })
  const bad = await faultyServer(goodSts, { tls: testAuthority().issue({ names: ['127.0.0.1'] }) })
  const variables = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const ask = (port: number) =>
    home.ask('credential-process', ['--endpoint-url', `https://127.0.0.1:${port}/`], variables)
  const { outcome, requests } = await throughFault(bad, {
    act: () => ask(bad.port),
    again: () => ask(good.port),
    isRight: isRightOutput,
    marker: home.folder,
  })
  expect(toldBy(outcome)).toMatch(/comes from an unknown root/)
  expect(requests).toEqual([])
})

describe('hardkey whoami', () => {
  /** Which host was asked for, and which region was signed for. */
  const placeOf = async (name: string, words: readonly string[], script = goodSts): Promise<string[]> => {
    const sts = await bytesServerForTest(script, { tls: authority.issue({ names: [name] }) })
    const proxy = await bytesServerForTest(leadingTo(sts))
    const ran = await home.ask('whoami', words, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })
    const asked = proxy.heard.map(({ text }) => text.split(' ')[1] ?? '')
    const signed = sts.heard.map(({ text }) => /Credential=\w+\/\d+\/([\w-]+)\//.exec(text)?.[1] ?? '')
    return [...asked, ...signed, ran.status === 0 ? 'done' : ran.stderr]
  }

  it.each([
    ['eu-west-1', 'sts.eu-west-1.amazonaws.com'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'sts.eusc-de-east-1.amazonaws.eu'],
  ])('F-H16: asks in %s at %s and signs for it', async (region, name) => {
    expect(await placeOf(name, ['--region', region])).toEqual([`${name}:443`, region, 'done'])
  })

  it('F-H16: signs for us-east-1 at the global endpoint, which no region has by itself', async () => {
    const words = ['--endpoint-url', 'https://sts.amazonaws.com']
    expect(await placeOf('sts.amazonaws.com', words)).toEqual(['sts.amazonaws.com:443', 'us-east-1', 'done'])
  })

  it('F-H16: names a region that is not enabled', async () => {
    const off: Script = () => [{ send: refusal(403, 'RegionDisabledException', 'STS is not activated') }]
    const [, , told] = await placeOf('sts.ap-east-1.amazonaws.com', ['--region', 'ap-east-1'], off)
    expect(told).toMatch(/RegionDisabledException[\s\S]*STS is not active in ap-east-1/)
  })
})

describe.each(commands)('hardkey %s', (command) => {
  const through = async (url: string, again: string): Promise<Told> => {
    const good = await faultyServer(goodSts)
    const ask = (endpoint: string) => home.ask(command, ['--endpoint-url', endpoint])
    const asking = { isRight: isRightOutput, marker: home.folder, withinMilliseconds: 55_000 }
    return throughFault(good, { ...asking, act: () => ask(url), again: () => ask(again || good.url) })
  }

  it.each(command === 'whoami' ? ['connection'] : [])(
    'F-H06: gives up a %s that does not come, after 3 s for each of three attempts',
    async () => {
      const { outcome } = await through(`https://127.0.0.1:${await blackHole('127.0.0.1', 0)}/`, '')
      expect(toldBy(outcome)).toMatch(/no connection to 127\.0\.0\.1 within 3 s/)
    },
  )

  it.each(command === 'whoami' ? [] : ['TLS handshake'])(
    'F-H06: gives up a %s that hangs, after 3 s for each of three attempts',
    async () => {
      const silent = await bytesServerForTest(goodSts, { onConnect: ['hang'] })
      const { outcome } = await through(`https://127.0.0.1:${silent.port}/`, '')
      expect(toldBy(outcome)).toMatch(/no connection to 127\.0\.0\.1 within 3 s/)
      expect(silent.connections()).toBe(3)
    },
  )

  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
  // Half a minute each: in the long run. With short limits they are in test/http/deadlines.test.ts.
  const longOnes: readonly (readonly [string, readonly Act[]])[] = [
    ['never answers', ['hang']],
    ['sends one byte each 10 s', [{ send: head }, { forEver: '<', everyMilliseconds: 10_000 }]],
  ]
  it.each(process.env.TEST_LONG === '1' ? longOnes : [])(
    'F-H06: ends after 30 s where the server %s',
    async (_, acts) => {
      const slow = await bytesServerForTest(() => acts, { tls: certificate })
      const { outcome } = await through(`https://127.0.0.1:${slow.port}/`, '')
      expect(toldBy(outcome)).toMatch(/no (complete )?answer from 127\.0\.0\.1(:\d+)? within \d+ s/)
    },
  )
})
