// How much is left of what `hardkey serve` gives, by a clock that the test moves: never less than its clients need while a
// new session can be had (20 minutes, 26 for the metadata service), and what becomes of that where none can.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ServiceAnswer, type ServiceProxy, serviceProxy } from '../peers/service-proxy.ts'
import { CheckedIn, role } from './checked-in.ts'
import { MovedClock } from './moved-clock.ts'
import { Serving } from './serving.ts'

let clock: MovedClock
let there: CheckedIn
let proxy: ServiceProxy
let serving: Serving
beforeAll(async () => {
  clock = new MovedClock()
  there = await CheckedIn.make([], clock.now)
})
beforeEach(async () => {
  clock.set(0)
  proxy = await serviceProxy({ url: there.sts.url.slice(0, -1) })
})
afterEach(async () => {
  await serving.stop('SIGKILL')
  await proxy.close()
})
afterAll(async () => {
  await there.remove()
  clock.remove()
})

async function serve(...words: string[]): Promise<void> {
  const all = ['serve', 'prod', '--role-arn', role, '--endpoint-url', `http://127.0.0.1:${proxy.port}/`]
  const environment = clock.environment(false)
  serving = await Serving.start(there.home, [...all, '--cache-dir', 'none', ...words], { environment })
}

/** An answer of STS as it is, but for the end. */
function ofTwentyMinutes({ body }: ServiceAnswer): Partial<ServiceAnswer> {
  const end = new Date(clock.now().getTime() + 20 * 60_000).toISOString()
  return { body: Buffer.from(body.toString().replace(/(?<=<Expiration>)[^<]+/, end)) }
}

/** Minutes left of what one request got, by the moved clock; or its status. */
async function given(): Promise<number | string> {
  const answer = serving.lines.includes('METADATA') ? await fromMetadata() : await serving.get()
  if (answer.status !== 200) return `status ${answer.status}`
  const { Expiration } = (await answer.json()) as { Expiration: string }
  return Math.round((Date.parse(Expiration) - clock.now().getTime()) / 60_000)
}

async function fromMetadata(): Promise<Response> {
  const url = serving.variable('AWS_EC2_METADATA_SERVICE_ENDPOINT')
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }
  const token = await (await fetch(`${url}latest/api/token`, { method: 'PUT', headers: ttl })).text()
  const headers = { 'x-aws-ec2-metadata-token': token }
  return await fetch(`${url}latest/meta-data/iam/security-credentials/deploy`, { headers })
}

const ways = [
  ['serve', [], 20],
  ['serve --imds', ['--imds'], 26],
] as const

describe.each(ways)('%s', (_, words, least) => {
  it(`gives less than ${least} minutes to nobody: above that it renews ahead, below it all wait for one call`, async () => {
    await serve(...words)
    clock.set(60 - least - 2)
    expect(await given()).toBe(least + 2)
    await vi.waitUntil(async () => (await given()) === 60, { timeout: 30_000 })
    for (const left of [least - 1, 5, 1]) {
      const before = proxy.exchanges.length
      clock.pass(60 - left)
      const answers = await Promise.all(Array.from({ length: 10 }, given))
      expect([left, new Set(answers), proxy.exchanges.length - before]).toEqual([left, new Set([60]), 1])
    }
    expect((await serving.stop()).stderr).toBe('')
  })

  it('F-H18: gives the old one with a warning where no new one can be had', async () => {
    await serve(...words)
    await proxy.close()
    clock.set(60 - 15)
    expect(await given()).toBe(15)
    expect(serving.stderr).toMatch(
      /^hardkey: error: .*\n(hardkey: hint: .*\n)?hardkey: warning: the session of before is given on, which ends at .*\n$/,
    )
  })

  it('says so where STS gives sessions that are too short for its clients, once', async () => {
    proxy.next(ofTwentyMinutes, ofTwentyMinutes)
    await serve(...words)
    expect(await given()).toBe(20)
    clock.set(8)
    expect(await given()).toBe(20)
    const { stderr } = await serving.stop()
    expect(stderr.match(/warning: .*/g)).toEqual([expect.stringMatching(/sessions of 20 minutes.* need \d\d /)])
  })
})

it('F-E08: serve gives the old one to its last minute, serve --imds while Python asks again before its end', async () => {
  await serve()
  await proxy.close()
  clock.set(60 - 2)
  expect(await given()).toBe(2)
  clock.set(60 - 0.5)
  expect(await given()).toBe('status 503')
  await serving.stop()
  proxy = await serviceProxy({ url: there.sts.url.slice(0, -1) })
  clock.set(0)
  await serve('--imds')
  await proxy.close()
  clock.set(60 - 11.4)
  expect(await given()).toBe(11)
  clock.set(60 - 10.5)
  expect(await given()).toBe('status 503')
})

it('F-E08: serve asks again when the old one is in its last minute, however short ago STS was away', async () => {
  await serve()
  proxy.next({ status: 403 })
  clock.set(60 - 2)
  expect(await given()).toBe(2)
  clock.set(60 - 0.5)
  expect(await given()).toBe(60)
})
