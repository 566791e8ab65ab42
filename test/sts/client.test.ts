// The client against a server that answers by a script: what is sent, what comes out, and when it ends.

import { describe, expect, it } from 'vitest'
import type { HttpClient } from '../../src/http/client.ts'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type StsClient, stsClient } from '../../src/sts/client.ts'
import { assumeRoleXml, bytes, errorXml, identityXml, mfaSerial, roleArn, sessionTokenXml } from './answers.ts'
import { bench, failure, identity, refusal } from './bench.ts'
import { loopback } from './loopback.ts'

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()

describe('a call', () => {
  it('posts a signed form to the endpoint', async () => {
    const { client, requests } = await bench(() => ({ body: identityXml() }))
    await client.getCallerIdentity()
    const { 'content-type': type, 'user-agent': agent, authorization } = requests[0]?.headers ?? {}
    expect([type, agent]).toEqual(['application/x-www-form-urlencoded', 'hardkey'])
    expect(authorization).toMatch(/Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/sts\/aws4_request/)
    expect(authorization).not.toContain('user-agent')
  })

  it('gives who the access key is', async () => {
    const { client } = await bench(() => ({ body: identityXml() }))
    expect(await client.getCallerIdentity()).toEqual({
      account: '123456789012',
      arn: 'arn:aws:iam::123456789012:user/me',
      userId: 'AIDACKCEVSQ6C2EXAMPLE',
    })
  })

  it('gives a session', async () => {
    const { client } = await bench(() => ({ body: sessionTokenXml({ expiration: inAnHour() }) }))
    expect((await client.getSessionToken()).credentials.accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
  })

  it('keeps to the path of an endpoint', async () => {
    const { url, requests } = await loopback(() => ({ body: identityXml() }))
    await stsClient({
      keys: secretDateKeys(identity),
      region: 'eu-west-1',
      endpoint: `${url}/sts/`,
    }).getCallerIdentity()
    expect(requests[0]?.path).toBe('/sts/')
  })

  it('asks the key source once for many calls', async () => {
    const { client, device } = await bench(() => ({ body: identityXml() }))
    for (let call = 0; call < 3; call += 1) await client.getCallerIdentity()
    expect(device.asked).toBe(1)
  })
})

describe('a bad input', () => {
  const calls: [string, (client: StsClient) => Promise<unknown>][] = [
    ['B-044 role ARN', (client) => client.assumeRole({ roleArn: 'arn:aws:iam::12345:role/reader' })],
    ['B-044 role of another partition', (client) => client.assumeRole({ roleArn: roleArn.replace('aws', 'aws-cn') })],
    ['B-045 duration', (client) => client.getSessionToken({ durationSeconds: 899 })],
    ['B-047 session name', (client) => client.assumeRole({ roleArn, roleSessionName: 'a b' })],
    ['B-048 policy', (client) => client.getFederationToken({ name: 'bob', policy: 'x' })],
    ['B-049 code', (client) => client.getSessionToken({ serialNumber: mfaSerial, tokenCode: async () => '12345' })],
  ]
  it.each(calls)('%s is refused before the device and the network are used', async (_, call) => {
    const { client, requests, device } = await bench(() => ({ body: identityXml() }))
    await expect(call(client)).rejects.toThrow(failure({ code: 'ERR_CONFIG_INVALID' }))
    expect([requests.length, device.asked]).toEqual([0, 0])
  })

  it.each([
    { maxAttempts: 0 },
    { maxAttempts: 11 },
    { deadlineMilliseconds: 0 },
    { region: 'eu-west', endpoint: undefined },
  ])('of the client is refused: %j', (options) => {
    expect(() => stsClient({ keys: secretDateKeys(identity), region: 'eu-west-1', ...options })).toThrow(
      failure({ code: 'ERR_CONFIG_INVALID' }),
    )
  })
})

describe('MFA', () => {
  it('asks for the code with the device named, and sends it', async () => {
    const asked: string[] = []
    const { client, requests } = await bench(() => ({ body: sessionTokenXml({ expiration: inAnHour() }) }))
    await client.getSessionToken({
      serialNumber: mfaSerial,
      tokenCode: async ({ serialNumber }) => {
        asked.push(serialNumber)
        return '654321'
      },
    })
    expect(asked).toEqual([mfaSerial])
    expect(new URLSearchParams(requests[0]?.body).get('TokenCode')).toBe('654321')
  })

  it.each([refusal('Throttling'), { status: 503 }, 'cut' as const, refusal('AccessDenied', 403)])(
    'F-H17: sends a code once, whatever comes: %j',
    async (answer) => {
      let asked = 0
      const tokenCode = async (): Promise<string> => String(100_000 + asked++)
      const { client, requests } = await bench(() => answer)
      await expect(client.assumeRole({ roleArn, serialNumber: mfaSerial, tokenCode })).rejects.toThrow()
      expect([requests.length, asked]).toEqual([1, 1])
    },
  )

  it('hands on what the callback throws, and sends nothing', async () => {
    const { client, requests } = await bench(() => refusal('AccessDenied'))
    const tokenCode = (): Promise<string> => Promise.reject(new Error('nobody is there'))
    await expect(client.getSessionToken({ serialNumber: mfaSerial, tokenCode })).rejects.toThrow('nobody is there')
    expect(requests.length).toBe(0)
  })
})

describe('the time a call takes', () => {
  it('F-H06: ends with the one deadline', async () => {
    const { client } = await bench(() => 'hang', { deadlineMilliseconds: 50 })
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ code: 'ERR_TIMEOUT', tryAgain: true }))
  })

  it('includes the pauses', async () => {
    const sleep = (_: number, signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('woken'))))
    const { client, requests } = await bench(() => ({ status: 503 }), { deadlineMilliseconds: 3000, sleep })
    await expect(client.getCallerIdentity()).rejects.toThrow(failure({ code: 'ERR_TIMEOUT' }))
    expect(requests.length).toBe(1)
  })

  it('ends with the reason of the caller', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const { client } = await bench(() => {
      abort.abort(reason)
      return 'hang'
    })
    await expect(client.getCallerIdentity({ signal: abort.signal })).rejects.toBe(reason)
  })

  it('is none where the caller has ended it before', async () => {
    const { client, requests, device } = await bench(() => ({ body: identityXml() }))
    const signal = AbortSignal.abort('enough')
    await expect(client.assumeRole({ roleArn }, { signal })).rejects.toBe('enough')
    expect([requests.length, device.asked]).toEqual([0, 0])
  })
})

describe('a session that signs', () => {
  it('never shows its token in a refusal', async () => {
    const keys = { ...secretDateKeys(identity), sessionToken: 'session-token-canary' }
    const { client } = await bench(
      (request) => ({ status: 403, body: errorXml('AccessDenied', `got ${request.headers['x-amz-security-token']}`) }),
      { keys },
    )
    await expect(client.getCallerIdentity()).rejects.toThrow(/got \[secret\]$/)
  })
})

describe('an endpoint of AWS', () => {
  /** A network of its own: no test reaches AWS. */
  function atAws(body: string): { client: StsClient; urls: string[] } {
    const urls: string[] = []
    const http: HttpClient = {
      async send({ url }) {
        urls.push(url)
        return { status: 200, headers: {}, body: bytes(body) }
      },
      close: () => undefined,
    }
    return {
      client: stsClient({ keys: secretDateKeys(identity), region: 'us-gov-west-1', useFipsEndpoint: true, http }),
      urls,
    }
  }

  it('is the one of the region', async () => {
    const { client, urls } = atAws(identityXml())
    await client.getCallerIdentity()
    expect(urls).toEqual(['https://sts.us-gov-west-1.amazonaws.com/'])
  })

  it('T-3 gives no session under a permanent access key ID', async () => {
    const text = sessionTokenXml({ expiration: inAnHour(), accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    await expect(atAws(text).client.getSessionToken()).rejects.toThrow(failure({ code: 'ERR_STS_RESPONSE_INVALID' }))
  })

  it('F-H10: gives no session of another role', async () => {
    const input = { roleArn: 'arn:aws-us-gov:iam::123456789012:role/writer', roleSessionName: 'session' }
    await expect(atAws(assumeRoleXml({ expiration: inAnHour() })).client.assumeRole(input)).rejects.toThrow(
      'is for another',
    )
  })
})
