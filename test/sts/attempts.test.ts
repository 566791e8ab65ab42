// How often a request is sent: again after what passes, never after a refusal. F-H01 to F-H05, F-H12, F-H19.

import { describe, expect, it } from 'vitest'
import { identityXml } from './answers.ts'
import { bench, failure, refusal } from './bench.ts'
import { type Answer, loopback, type Script } from './loopback.ts'

describe('trying again', () => {
  const thenGood =
    (bad: Answer | 'cut', times: number): Script =>
    (_, index) =>
      index < times ? bad : { body: identityXml() }

  it.each(['Throttling', 'ThrottlingException', 'RequestLimitExceeded'])(
    'F-H01: after %s in HTTP 400',
    async (code) => {
      const { client, requests, pauses } = await bench(thenGood(refusal(code), 2))
      await client.getCallerIdentity()
      expect([requests.length, pauses]).toEqual([3, [250, 500]])
    },
  )

  it.each([500, 502, 503, 504])('F-H02: after HTTP %i without a body', async (status) => {
    const { client, requests, pauses } = await bench(thenGood({ status }, 2))
    await client.getCallerIdentity()
    expect([requests.length, pauses]).toEqual([3, [50, 100]])
  })

  it('F-H05: after a connection that was cut', async () => {
    const { client, requests } = await bench(thenGood('cut', 2))
    await client.getCallerIdentity()
    expect(requests.length).toBe(3)
  })

  it('waits as Retry-After says', async () => {
    const { client, pauses } = await bench(thenGood({ ...refusal('Throttling'), headers: { 'retry-after': '2' } }, 1))
    await client.getCallerIdentity()
    expect(pauses).toEqual([2000])
  })

  it('ends after three attempts, with the last failure', async () => {
    const { client, requests } = await bench(() => refusal('Throttling'))
    await expect(client.getCallerIdentity()).rejects.toThrow(
      failure({ code: 'ERR_STS_REFUSED', serviceCode: 'Throttling', tryAgain: true }),
    )
    expect(requests.length).toBe(3)
  })

  it('signs each attempt anew', async () => {
    let second = 0
    const now = (): Date => new Date(Date.now() + 1000 * second++)
    const { client, requests } = await bench(thenGood({ status: 503 }, 1), { now })
    await client.getCallerIdentity()
    expect(new Set(requests.map(({ headers }) => headers['x-amz-date'])).size).toBe(2)
  })

  it.each([
    'AccessDenied',
    'InvalidClientTokenId',
    'SignatureDoesNotMatch',
    'ExpiredToken',
    'ValidationError',
    'RegionDisabledException',
  ])('F-H03: never happens after %s', async (code) => {
    const { client, requests } = await bench(() => refusal(code, 403))
    await expect(client.getCallerIdentity()).rejects.toThrow(
      failure({ code: 'ERR_STS_REFUSED', serviceCode: code, status: 403, requestId: 'request-1' }),
    )
    expect(requests.length).toBe(1)
  })

  it.each([301, 302, 307, 308])('F-H12: never happens after a redirect with HTTP %i', async (status) => {
    const elsewhere = await loopback(() => ({ body: identityXml() }))
    const { client, requests } = await bench(() => ({ status, headers: { location: elsewhere.url } }))
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ code: 'ERR_STS_RESPONSE_INVALID' }))
    expect([requests.length, elsewhere.requests.length]).toEqual([1, 0])
  })

  it('never happens after an answer that cannot be right', async () => {
    const { client, requests } = await bench(() => ({ body: '<html>' }))
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ code: 'ERR_STS_RESPONSE_INVALID' }))
    expect(requests.length).toBe(1)
  })

  it('F-H19: stops in a long outage, but for one call in 30 s', async () => {
    let milliseconds = Date.now()
    const { client, requests } = await bench(() => ({ status: 503 }), { now: () => new Date(milliseconds) })
    for (let call = 0; call < 200; call += 1) await client.getCallerIdentity().catch(() => undefined)
    const atFirst = requests.length
    milliseconds += 30_000
    for (let call = 0; call < 200; call += 1) await client.getCallerIdentity().catch(() => undefined)
    expect([atFirst, requests.length - atFirst]).toEqual([150, 1])
  })

  it('works at once when an outage is over', async () => {
    let isOut = true
    let milliseconds = Date.now()
    const { client } = await bench(() => (isOut ? { status: 503 } : { body: identityXml() }), {
      now: () => new Date(milliseconds),
    })
    for (let call = 0; call < 200; call += 1) await client.getCallerIdentity().catch(() => undefined)
    isOut = false
    milliseconds += 30_000
    for (let call = 0; call < 3; call += 1) await client.getCallerIdentity()
  })
})
