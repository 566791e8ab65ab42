// A machine whose clock is wrong, in front of a server that takes what is signed near its own time. F-C01 to F-C03.

import { describe, expect, it } from 'vitest'
import { type DateKeySource, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { assumeRoleXml, identityXml, roleArn } from './answers.ts'
import { bench, failure, identity, refusal } from './bench.ts'
import { loopback, type Script } from './loopback.ts'

describe('a clock that is wrong', () => {
  const minutes = (count: number): number => count * 60_000
  const dateOf = (offset: number): string => new Date(Date.now() + offset).toUTCString()
  /** STS as it is: takes what is signed within 15 minutes of its own time. */
  const strictAt =
    (offset: number, headers: object = {}, code = 'SignatureDoesNotMatch'): Script =>
    (request) => {
      const stamp = String(request.headers['x-amz-date']).replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5')
      const isNear = Math.abs(Date.parse(stamp) - Date.now() - offset) < minutes(15)
      const answer = isNear ? { body: identityXml() } : refusal(code, 403)
      return { ...answer, headers: { date: dateOf(offset), ...headers } }
    }

  it.each([
    [20, 'SignatureDoesNotMatch'],
    [-20, 'RequestTimeTooSkewed'],
    [20, 'RequestExpired'],
    [-20, 'InvalidSignatureException'],
    [20, 'RequestInTheFuture'],
    [23 * 60, 'SignatureDoesNotMatch'],
  ])('F-C01: by %i minutes is corrected after %s', async (off, code) => {
    const { client, requests, pauses } = await bench(strictAt(minutes(off), {}, code))
    await client.getCallerIdentity()
    await client.getCallerIdentity()
    expect([requests.length, pauses.length]).toEqual([3, 0])
    expect(Math.abs(client.now().getTime() - Date.now() - minutes(off))).toBeLessThan(minutes(1))
  })

  it.each([
    ['a year ahead', { date: dateOf(minutes(525_600)) }],
    ['25 hours behind', { date: dateOf(-minutes(25 * 60)) }],
    ['unknown', { date: 'yesterday' }],
    ['told by a cache', { age: '10' }],
  ])('F-C02: is not corrected where the right time is %s', async (_, headers) => {
    const { client, requests } = await bench(strictAt(minutes(20), headers, 'RequestTimeTooSkewed'))
    const hint = expect.stringContaining('set the clock of this machine')
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ serviceCode: 'RequestTimeTooSkewed', hint }))
    expect(requests.length).toBe(1)
  })

  it('is corrected once in a call, not for ever', async () => {
    const { client, requests } = await bench(
      (_, index) => ({
        ...refusal('RequestTimeTooSkewed', 403),
        headers: { date: dateOf(minutes(20 * (index + 1))) },
      }),
      { maxAttempts: 5 },
    )
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ serviceCode: 'RequestTimeTooSkewed' }))
    expect(requests.length).toBe(2)
  })

  it('F-C03: is noticed in a success too', async () => {
    const { client } = await bench(() => ({ body: identityXml(), headers: { date: dateOf(minutes(10)) } }))
    await client.getCallerIdentity()
    expect(client.now().getTime()).toBeGreaterThan(Date.now() + minutes(9))
  })

  it('F-C02: does not make the device sign a distant day', async () => {
    const dates: string[] = []
    const source = secretDateKeys(identity)
    const keys: DateKeySource = {
      ...source,
      dateKey: (date, call) => source.dateKey(date, call).finally(() => dates.push(date)),
    }
    const { url } = await loopback(() => ({
      ...refusal('RequestTimeTooSkewed'),
      headers: { date: dateOf(minutes(3 * 1440)) },
    }))
    await stsClient({ keys, region: 'eu-west-1', endpoint: url })
      .getCallerIdentity()
      .catch(() => undefined)
    expect(dates).toEqual([new Date().toISOString().slice(0, 10).replaceAll('-', '')])
  })

  it('judges the end of a session by the time of STS', async () => {
    const expiration = new Date(Date.now() + minutes(20 + 60)).toISOString()
    const { client } = await bench(() => ({
      body: assumeRoleXml({ expiration }),
      headers: { date: dateOf(minutes(20)) },
    }))
    const { credentials } = await client.assumeRole({ roleArn, roleSessionName: 'session' })
    expect(credentials.expiration.toISOString()).toBe(expiration)
  })
})
