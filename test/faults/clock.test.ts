// Clocks that are wrong, jump, or stand at midnight: F-C01 to F-C06 and F-C11, for the library and for the
// commands. The machine's clock cannot be moved for a command, so the server's is: what counts is how far they differ.

import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseCommandArguments } from '../../src/cli/args.ts'
import { deviceTerminal } from '../../src/cli/ask/terminal.ts'
import { whoami } from '../../src/cli/commands/whoami.ts'
import { startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { descriptorOutput } from '../../src/cli/output.ts'
import { descriptorReport } from '../../src/cli/report.ts'
import { readEnvironment } from '../../src/cli/settings/environment.ts'
import { commandNamed } from '../../src/cli/table.ts'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { sigV4Signer } from '../../src/sigv4/signer.ts'
import { type StsClient, stsClient } from '../../src/sts/client.ts'
import { countedKey } from '../sigv4/counted-key.ts'
import { errorXml } from '../sts/answers.ts'
import { answer, headerOf, type Script } from './bytes-server.ts'
import { accessKeyId, region, rightXml, secretAccessKey } from './network-answers.ts'
import { type Asker, CommandAsker, faultyServer, libraryClient, NetworkHome, toldBy } from './network-bench.ts'

const home = new NetworkHome()
afterAll(() => home.remove())
const askers: readonly Asker[] = [
  libraryClient,
  new CommandAsker('credential-process', home),
  new CommandAsker('whoami', home),
]
const minute = 60_000
const day = 1440 * minute

/** The instant that a stamp "YYYYMMDDTHHMMSSZ" names. */
const timeOf = (stamp: string): number => Date.parse(stamp.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'))

/** STS whose clock is `ahead` of ours: takes what is signed within 15 minutes of its time. `headers` go last. */
function stsAhead(ahead: number, code: string, headers: Readonly<Record<string, string>> = {}): Script {
  return (heard) => {
    const now = Date.now() + ahead
    const isNear = Math.abs(timeOf(headerOf(heard, 'x-amz-date')) - now) < 15 * minute
    const told = { Date: new Date(now).toUTCString(), ...headers }
    const message = code === 'SignatureDoesNotMatch' ? 'Signature expired: 1 is now earlier than 2' : 'too far apart'
    return [{ send: isNear ? answer(200, rightXml(heard), told) : answer(403, errorXml(code, message), told) }]
  }
}

describe.each(askers)('$name', (asker) => {
  // Away from midnight: what is kept for a day is there already. Other differences are in test/sts/clock.test.ts.
  const ahead = new Date().getUTCHours() < 12 ? 20 : -20
  it.each(asker.of(['RequestTimeTooSkewed', 'SignatureDoesNotMatch']))(
    'F-C01: differs by 20 minutes from STS and is right at the second attempt, after %s',
    async (code) => {
      const server = await faultyServer(stsAhead(ahead * minute, code))
      const { outcome, requests } = await asker.through(server)
      expect([toldBy(outcome), requests.length]).toEqual(['no failure', 2])
    },
  )

  it.each(
    asker.of([
      ['is a year ahead', { Date: new Date(Date.now() + 365 * day).toUTCString() }],
      ['is not told', { Date: '' }],
      ['is told by a cache', { Age: '10' }],
      ['is 25 hours behind', { Date: new Date(Date.now() - 25 * 60 * minute).toUTCString() }],
    ] as const),
  )('F-C02: corrects nothing where the time of STS %s, and says to set the clock', async (_, headers) => {
    const server = await faultyServer(stsAhead(ahead * minute, 'RequestTimeTooSkewed', headers))
    const { outcome, requests } = await asker.through(server)
    expect(toldBy(outcome)).toMatch(/RequestTimeTooSkewed: too far apart\n.*set the clock of this machine/)
    expect(requests).toHaveLength(1)
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    expect(headerOf(requests[0] ?? { text: '', index: 0 }, 'x-amz-date').slice(0, 8)).toBe(today)
  })
})

describe('the cases of the AWS SDKs', () => {
  /** A client, and an STS whose clock is told by `ahead`. */
  const clientAt = async (ahead: () => number, code: string, headers = {}): Promise<[StsClient, () => number]> => {
    const server = await faultyServer((heard) => stsAhead(ahead(), code, headers)(heard), {})
    server.breakDown()
    onTestFinished(() => server.close())
    const keys = secretDateKeys({ accessKeyId, secretAccessKey })
    const client = stsClient({ keys, region, endpoint: server.url, sleep: async () => undefined })
    onTestFinished(() => client.close())
    return [client, () => server.heard.length]
  }

  it.each(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'])(
    'F-C03: %s is of the clock for certain, and corrected',
    async (code) => {
      const [client, requests] = await clientAt(() => 20 * minute, code)
      await client.getCallerIdentity()
      expect(requests()).toBe(2)
    },
  )

  it.each(['SignatureDoesNotMatch', 'InvalidSignatureException', 'AuthFailure'])(
    'F-C03: %s may be of the clock, and is corrected only where the clocks differ',
    async (code) => {
      const [differing, two] = await clientAt(() => 20 * minute, code)
      await differing.getCallerIdentity()
      const server = await faultyServer(
        () => [{ send: answer(403, errorXml(code), { Date: new Date().toUTCString() }) }],
        {},
      )
      server.breakDown()
      onTestFinished(() => server.close())
      const keys = secretDateKeys({ accessKeyId, secretAccessKey })
      const equal = stsClient({ keys, region, endpoint: server.url })
      onTestFinished(() => equal.close())
      await expect(equal.getCallerIdentity()).rejects.toMatchObject({ serviceCode: code })
      expect([two(), server.heard.length]).toEqual([2, 1])
    },
  )

  it('F-C03: a success takes the correction back once the clock is right', async () => {
    let ahead = 20 * minute
    const [client] = await clientAt(() => ahead, 'RequestTimeTooSkewed')
    await client.getCallerIdentity()
    const corrected = client.now().getTime() - Date.now() > 19 * minute
    ahead = 6 * minute
    await client.getCallerIdentity()
    ahead = 0
    await client.getCallerIdentity()
    expect([corrected, Math.abs(client.now().getTime() - Date.now()) < minute]).toEqual([true, true])
  })

  it('F-C03: an answer with an Age teaches nothing, a success neither', async () => {
    const [client] = await clientAt(() => 10 * minute, 'RequestTimeTooSkewed', { Age: '600' })
    await client.getCallerIdentity()
    expect(Math.abs(client.now().getTime() - Date.now())).toBeLessThan(minute)
  })
})

describe('midnight UTC', () => {
  /** Each look at this clock is later than the one before; the first is the last millisecond of a day. */
  const steppingClock = (): (() => Date) => {
    let instant = Date.parse('2027-02-28T23:59:59.999Z')
    return () => new Date(instant++)
  }
  const request = { method: 'GET', url: 'https://queue.eu-west-1.amazonaws.com/?Action=ListQueues' }

  it('F-C04: passes between choosing the date and signing, and the request is all of one instant', async () => {
    const { key } = await countedKey()
    const now = steppingClock()
    const signer = sigV4Signer({ keys: deviceDateKeys({ key, accessKeyId, now }), region, service: 'sqs', now })
    const { headers } = await signer.sign(request)
    const stamp = headers['X-Amz-Date'] ?? headers['x-amz-date'] ?? ''
    const fixed = sigV4Signer({ keys: secretDateKeys({ accessKeyId, secretAccessKey }), region, service: 'sqs' })
    expect((await fixed.sign(request, { date: new Date(timeOf(stamp)) })).headers).toEqual(headers)
    expect(headers.Authorization).toContain(`/${stamp.slice(0, 8)}/${region}/sqs/`)
  })

  it('F-C04: passes while a URL is presigned, and the URL is all of one instant', async () => {
    const { key } = await countedKey()
    const now = steppingClock()
    const signer = sigV4Signer({ keys: deviceDateKeys({ key, accessKeyId, now }), region, service: 'sqs', now })
    const url = await signer.presign(request, { expiresIn: 60 })
    const stamp = new URL(url).searchParams.get('X-Amz-Date') ?? ''
    const fixed = sigV4Signer({ keys: secretDateKeys({ accessKeyId, secretAccessKey }), region, service: 'sqs' })
    expect(await fixed.presign(request, { expiresIn: 60, date: new Date(timeOf(stamp)) })).toBe(url)
    expect(url).toContain(`${stamp.slice(0, 8)}%2F${region}`)
  })

  it('F-C05: falls into 1,000 requests: two device calls, and an STS that checks by itself takes them all', async () => {
    let instant = Date.parse('2027-02-28T23:59:59.900Z')
    const now = (): Date => new Date(instant)
    const sts = await startLoopbackSts({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey), now })
    onTestFinished(() => sts.close())
    const { key, asked } = await countedKey()
    const client = stsClient({ keys: deviceDateKeys({ key, accessKeyId, now }), region, endpoint: sts.url, now })
    onTestFinished(() => client.close())
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => client.getCallerIdentity()))
      instant += 10
    }
    expect([sts.accepted(), sts.refused(), asked]).toEqual([1000, 0, ['20270228', '20270301']])
  })
})

describe('a leap second', () => {
  it('F-C06: that is shown as a repeated second gives valid stamps, which STS takes', async () => {
    const instants = ['23:59:59.900', '23:59:59.000', '23:59:59.950'].map((time) => Date.parse(`2026-12-31T${time}Z`))
    instants.push(Date.parse('2027-01-01T00:00:00Z'))
    const { key } = await countedKey()
    const stamps: string[] = []
    for (const instant of instants) {
      const keys = deviceDateKeys({ key, accessKeyId, now: () => new Date(instant) })
      const signer = sigV4Signer({ keys, region, service: 'sts', now: () => new Date(instant) })
      const { headers } = await signer.sign({ method: 'GET', url: 'https://sts.eu-west-1.amazonaws.com/' })
      stamps.push(headers['X-Amz-Date'] ?? headers['x-amz-date'] ?? '')
    }
    expect(stamps).toEqual([...Array(3).fill('20261231T235959Z'), '20270101T000000Z'])
  })

  it('F-C06: in the Date of an answer is no time, and corrects nothing', async () => {
    const server = await faultyServer(stsAhead(0, 'RequestTimeTooSkewed', { Date: 'Thu, 31 Dec 2026 23:59:60 GMT' }))
    const { outcome } = await libraryClient.through(server)
    expect(toldBy(outcome)).toBe('no failure')
  })
})

describe('hardkey whoami', () => {
  it.each(['1970-01-01T00:00:10Z', '1901-12-13T20:45:52Z', '2106-02-07T06:28:15Z'])(
    'F-C11: refuses to sign while the clock says %s, and asks nobody',
    async (clock) => {
      const server = await faultyServer(() => ['hang'])
      onTestFinished(() => server.close())
      const [, ...words] = home.words('whoami', '--endpoint-url', server.url)
      await expect(whoami(contextAt(new Date(clock), words))).rejects.toMatchObject({
        code: 'ERR_DATE_REFUSED',
        hint: expect.stringContaining('the clock of this machine'),
      })
      expect(server.heard).toEqual([])
    },
  )
})

/** The command's own context but for the clock. */
function contextAt(now: Date, words: readonly string[]): Parameters<typeof whoami>[0] {
  const command = commandNamed('whoami')
  if (command === undefined) throw new Error('there is such a command')
  const { signal } = new AbortController()
  return {
    args: parseCommandArguments(command, words),
    environment: readEnvironment(home.environment(), 'linux', () => home.folder),
    output: descriptorOutput(1, () => {}),
    report: descriptorReport(2, false, () => false),
    terminal: deviceTerminal(signal, () => {}),
    now: () => now,
    signal,
  }
}
