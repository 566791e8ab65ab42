// The provider with real AWS SDK clients, against servers on this machine that answer by a script.

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { createCredentialChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { type FromHardkeyOptions, fromHardkey, type StsAction } from '../../src/credentials/provider.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import {
  assumeRoleXml,
  errorXml,
  federationTokenXml,
  identityXml,
  mfaSerial,
  roleArn,
  sessionTokenXml,
} from '../sts/answers.ts'
import { loopback, type ReceivedRequest, type Script } from '../sts/loopback.ts'

const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const canary = 'canary0123456789'
const assumeRole: StsAction = { action: 'AssumeRole', roleArn, roleSessionName: 'session' }

let key: HmacKey
beforeAll(async () => {
  const secret = new TextEncoder().encode(`AWS4${canary}`)
  key = await openKey('memory:', { pin: async () => secret, backends: [memoryBackend()] })
})
afterAll(() => key.close())

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString()
const actionOf = ({ body }: ReceivedRequest): string | null => new URLSearchParams(body).get('Action')

/** A server that gives a session for each of the three actions, and the caller's identity. */
const givesSessions: Script = (request) => {
  const expiration = inAnHour()
  const bodies: Record<string, string> = {
    AssumeRole: assumeRoleXml({ expiration }),
    GetSessionToken: sessionTokenXml({ expiration }),
    GetFederationToken: federationTokenXml({ expiration }),
    GetCallerIdentity: identityXml(),
  }
  return { body: bodies[actionOf(request) ?? ''] ?? '' }
}

function provider(endpoint: string, more: Partial<FromHardkeyOptions> = {}): ReturnType<typeof fromHardkey> {
  return fromHardkey({ key, accessKeyId, sts: assumeRole, region: 'eu-west-1', endpoint, ...more })
}

/** The key, with a count of its uses. */
function countedKey(): { counted: HmacKey; uses: () => number } {
  let uses = 0
  const counted: HmacKey = {
    info: key.info,
    hmac(data, options) {
      uses += 1
      return key.hmac(data, options)
    },
    close: () => key.close(),
    [Symbol.asyncDispose]: () => key.close(),
  }
  return { counted, uses: () => uses }
}

/** The access key ID that a request was signed with. */
const signedBy = ({ headers }: ReceivedRequest): string | undefined =>
  /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]

describe('the provider', () => {
  it.each([
    [assumeRole, '123456789012'],
    [{ action: 'GetFederationToken', name: 'bob' } as const, '123456789012'],
    [{ action: 'GetSessionToken' } as const, undefined],
  ])('gives credentials with end and account: %j', async (sts, accountId) => {
    const { url } = await loopback(givesSessions)
    const credentials = await provider(url, { sts })()
    expect(credentials.expiration).toBeInstanceOf(Date)
    expect(credentials.accountId).toBe(accountId)
  })

  it('asks STS and the device once for twenty callers', async () => {
    const { counted, uses } = countedKey()
    const { url, requests } = await loopback(givesSessions)
    const credentials = provider(url, { key: counted })
    await Promise.all(Array.from({ length: 20 }, () => credentials()))
    expect([uses(), requests.length]).toEqual([1, 1])
  })

  it('keeps what signs for STS in one region, and not the DateKey', async () => {
    const { counted, uses } = countedKey()
    const { url } = await loopback(givesSessions)
    const credentials = provider(url, { key: counted, region: undefined })
    for (const region of ['eu-west-1', 'eu-west-1', 'us-east-1']) {
      await credentials({ forceRefresh: true, callerClientConfig: { region: async () => region } })
    }
    expect(uses()).toBe(2)
  })

  it('forgets a failure', async () => {
    const { url } = await loopback((request, index) =>
      index === 0 ? { status: 403, body: errorXml('AccessDenied') } : givesSessions(request, index),
    )
    const credentials = provider(url)
    await expect(credentials()).rejects.toThrow('AccessDenied')
    expect((await credentials()).accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
  })

  it('gives each caller an object of its own', async () => {
    const { url } = await loopback(givesSessions)
    const credentials = provider(url)
    const [one, other] = [await credentials(), await credentials()]
    expect(one).toEqual(other)
    expect([one === other, one.expiration === other.expiration]).toEqual([false, false])
  })

  it('gets a new session when the SDK insists', async () => {
    const { url, requests } = await loopback(givesSessions)
    const credentials = provider(url)
    await credentials()
    await credentials({ forceRefresh: true })
    expect(requests.length).toBe(2)
  })

  it('takes the region of the client that asks', async () => {
    const { url, requests } = await loopback(givesSessions)
    const credentials = provider(url, { region: undefined })
    await credentials({ callerClientConfig: { region: async () => 'ap-south-1' } })
    expect(requests[0]?.headers.authorization).toContain('/ap-south-1/sts/')
  })

  it('says that no region is there', async () => {
    const credentials = fromHardkey({ key, accessKeyId, sts: assumeRole })
    await expect(credentials()).rejects.toThrow('no region is given')
  })

  it('asks for an MFA code once a session', async () => {
    let asked = 0
    const tokenCode = async (): Promise<string> => String(100_000 + asked++)
    const { url } = await loopback(givesSessions)
    const credentials = provider(url, { sts: { action: 'GetSessionToken', serialNumber: mfaSerial, tokenCode } })
    await credentials()
    await credentials()
    expect(asked).toBe(1)
  })

  it('takes the input of its one action only', () => {
    // @ts-expect-error: GetSessionToken has no role
    const mixed: StsAction = { action: 'GetSessionToken', roleArn }
    expect(() => provider('http://127.0.0.1:1', { sts: mixed })).toThrow('"roleArn" is not an input of this action')
  })

  it('checks its input at once', () => {
    const wrong = { ...assumeRole, durationSeconds: 1 }
    expect(() => provider('http://127.0.0.1:1', { sts: wrong })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    )
    expect(() => provider('http://store.example.net')).toThrow('is not https')
    expect(() => provider('http://127.0.0.1:1', { refreshAheadSeconds: -1 })).toThrow('refreshAheadSeconds')
    // The cast: a caller in JavaScript.
    const unknown = { action: 'AssumeRoot' } as unknown as StsAction
    expect(() => provider('http://127.0.0.1:1', { sts: unknown })).toThrow('sts.action')
  })
})

describe('an AWS SDK client', () => {
  it('of S3 signs with the session', async () => {
    const sts = await loopback(givesSessions)
    const store = await loopback(() => ({ body: 'hello' }))
    const client = new S3Client({
      region: 'eu-west-1',
      endpoint: store.url,
      forcePathStyle: true,
      credentials: provider(sts.url),
    })
    onTestFinished(() => client.destroy())
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
    expect(await Body?.transformToString()).toBe('hello')
    expect(store.requests.map(signedBy)).toEqual(['ASIAIOSFODNN7EXAMPLE'])
    expect(store.requests[0]?.headers['x-amz-security-token']).toBe('AQoDYXdzEPT//////////wEXAMPLE==')
  })

  it('of STS in another place shares the session', async () => {
    const sts = await loopback(givesSessions)
    const credentials = provider(sts.url, { region: undefined })
    for (const region of ['eu-west-1', 'us-east-1']) {
      const client = new STSClient({ region, endpoint: sts.url, credentials })
      onTestFinished(() => client.destroy())
      await client.send(new GetCallerIdentityCommand({}))
    }
    expect(sts.requests.map(signedBy)).toEqual([accessKeyId, 'ASIAIOSFODNN7EXAMPLE', 'ASIAIOSFODNN7EXAMPLE'])
  })

  it('takes it as master credentials of another role', async () => {
    const sts = await loopback(givesSessions)
    const credentials = fromTemporaryCredentials({
      masterCredentials: provider(sts.url, { region: undefined }),
      params: { RoleArn: roleArn, RoleSessionName: 'session' },
      clientConfig: { region: 'eu-west-1', endpoint: sts.url },
    })
    expect((await credentials()).accessKeyId).toBe('ASIAIOSFODNN7EXAMPLE')
    expect(sts.requests.map(signedBy)).toEqual([accessKeyId, 'ASIAIOSFODNN7EXAMPLE'])
  })

  it('sees why there are no credentials', async () => {
    const { url } = await loopback(() => ({ status: 403, body: errorXml('InvalidClientTokenId') }))
    const client = new STSClient({ region: 'eu-west-1', credentials: provider(url) })
    onTestFinished(() => client.destroy())
    const expected = { code: 'ERR_STS_REFUSED', serviceCode: 'InvalidClientTokenId' }
    await expect(client.send(new GetCallerIdentityCommand({}))).rejects.toThrow(expect.objectContaining(expected))
  })

  it('never goes on to another identity after a failure', async () => {
    const { url } = await loopback(() => ({ status: 403, body: errorXml('AccessDenied') }))
    let others = 0
    const other = async (): Promise<never> => {
      others += 1
      throw new Error('another identity')
    }
    await expect(createCredentialChain(provider(url), other)()).rejects.toThrow('AccessDenied')
    expect(others).toBe(0)
  })
})
