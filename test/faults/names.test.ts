// Names that lead nowhere: F-H04 and F-H15, with a name server of ours that the command alone asks.

import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { httpClient } from '../../src/http/client.ts'
import { ended } from '../cli/hardkey.ts'
import { blackHole } from '../http/servers.ts'
import { answer } from './bytes-server.ts'
import { cannotServeNames, type NameServer, type Naming, nameServer, nodeAsking } from './name-server.ts'
import { authority, certificate, goodSts } from './network-answers.ts'
import {
  type FaultyServer,
  faultyServer,
  isRightOutput,
  NetworkHome,
  type Told,
  throughFault,
  toldBy,
} from './network-bench.ts'

const host = 'sts.eu-west-1.amazonaws.com'
const home = new NetworkHome()
afterAll(() => home.remove())

/** The command asks a name server that is broken while `server` is; once both are mended, the name leads to `server`. */
async function asking(command: string, broken: Naming): Promise<Told & { readonly asked: readonly string[] }> {
  let isMended = false
  const names = await namesForTest(() => (isMended ? ['127.0.0.1'] : broken))
  const server = await faultyServer(goodSts)
  const mended: FaultyServer = {
    ...server,
    mend: () => {
      isMended = true
      server.mend()
    },
  }
  const told = await throughFault(mended, {
    act: () => home.ask(command, ['--endpoint-url', `https://${host}:${server.port}/`]),
    isRight: isRightOutput,
    marker: home.folder,
    withinMilliseconds: 45_000,
  })
  return { ...told, asked: names.asked }
}

async function namesForTest(naming: (name: string) => Naming): Promise<NameServer> {
  const names = await nameServer(naming)
  home.node = nodeAsking(home, names)
  onTestFinished(() => names.close())
  return names
}

describe.skipIf(cannotServeNames).each(['whoami', 'credential-process'])('hardkey %s', (command) => {
  it('F-H04: a name that is not there is told with host and region, after three attempts', async () => {
    const { outcome, connections, asked } = await asking(command, 'notFound')
    expect(toldBy(outcome)).toMatch(/the name of sts\.eu-west-1\.amazonaws\.com was not found\n.*check the region/)
    // A and AAAA for each attempt, and once more when all is well.
    expect([connections, asked.length]).toEqual([0, 8])
  })

  it('F-H04: a name server that fails is told with the host', async () => {
    const { outcome } = await asking(command, 'failing')
    expect(toldBy(outcome)).toMatch(/no name server answered for sts\.eu-west-1\.amazonaws\.com/)
  })
})

describe.skipIf(cannotServeNames)('a name server that is silent for 30 s and more', () => {
  it('F-H04: does not hold the command back beyond its own limits', async () => {
    const { outcome } = await asking('credential-process', 'silent')
    expect(toldBy(outcome)).toMatch(/no (connection to|name server answered for) sts\.eu-west-1\.amazonaws\.com/)
  })

  it('F-H04, F-W06: a signal ends the command without waiting for it', async () => {
    const names = await namesForTest(() => 'silent')
    const words = home.words('whoami', '--endpoint-url', `https://${host}/`)
    const environment = { RES_OPTIONS: 'timeout:30 attempts:2' }
    const child = home.start(words, { node: home.node, environment })
    const end = ended(child)
    while (names.asked.length === 0) await pause(10)
    child.kill('SIGINT')
    // Ended by the signal itself, which a shell reports as 130.
    expect(await end).toEqual({ status: 'SIGINT', stdout: '', stderr: '' })
  })
})

describe.skipIf(cannotServeNames)('a host whose IPv6 address swallows packets', () => {
  it('F-H15: is reached by IPv4', async () => {
    await namesForTest(() => ['::1', '127.0.0.1'])
    const server = await faultyServer(goodSts)
    await blackHole('::1', server.port)
    const { outcome, connections } = await throughFault(server, {
      act: () => home.ask('whoami', ['--endpoint-url', `https://${host}:${server.port}/`]),
      isRight: isRightOutput,
      marker: home.folder,
    })
    expect([toldBy(outcome), connections]).toEqual(['no failure', 1])
  })
})

describe('the library', () => {
  it('F-H15: reaches a host by IPv4 where its IPv6 address swallows packets', async () => {
    const server = await faultyServer(() => [{ send: answer(200, 'here') }], { tls: certificate })
    onTestFinished(() => server.close())
    server.breakDown()
    await blackHole('::1', server.port)
    const resolve = async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]
    const http = httpClient({ ca: [authority.ca], resolve, connectMilliseconds: 20_000 })
    onTestFinished(() => http.close())
    const url = `https://${host}:${server.port}/`
    expect((await http.send({ method: 'GET', url, headers: {} })).status).toBe(200)
  })

  it('F-H04: looks for a name once, however many attempts wait for it', async () => {
    let lookups = 0
    const resolve = (): Promise<never> => {
      lookups += 1
      return new Promise(() => undefined)
    }
    const http = httpClient({ resolve, connectMilliseconds: 20 })
    onTestFinished(() => http.close())
    const attempts = Array.from({ length: 3 }, () => http.send({ method: 'GET', url: `https://${host}/`, headers: {} }))
    const ends = await Promise.allSettled(attempts)
    expect([lookups, new Set(ends.map(({ status }) => status))]).toEqual([1, new Set(['rejected'])])
  })
})
