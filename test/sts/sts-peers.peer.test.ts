// The client against servers that check each signature: moto and versitygw.

import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { secretDateKeys } from '../../src/sigv4/date-key.ts'
import { type StsClient, type StsClientOptions, stsClient } from '../../src/sts/client.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { startVersitygw, type Versitygw } from '../peers/versitygw.ts'

interface Peer {
  readonly url: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

function clientOf({ url, accessKeyId, secretAccessKey }: Peer, more: Partial<StsClientOptions> = {}): StsClient {
  const keys = secretDateKeys({ accessKeyId, secretAccessKey })
  const client = stsClient({ keys, region: 'us-east-1', endpoint: url, ...more })
  onTestFinished(() => client.close())
  return client
}
const refused = (serviceCode: string, hint: string): unknown =>
  expect.objectContaining({ code: 'ERR_STS_REFUSED', serviceCode, status: 403, hint: expect.stringContaining(hint) })

describe('moto', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
  })
  afterAll(() => moto?.stop())

  it('says who the user is', async () => {
    expect(await clientOf(moto).getCallerIdentity()).toMatchObject({ account: moto.account, arn: moto.userArn })
  })

  it('gives a session of a role that another client can use', async () => {
    const { roleArn } = moto
    const tags = [{ key: 'team', value: 'a+b' }]
    const input = {
      roleArn,
      roleSessionName: 'me',
      durationSeconds: 900,
      policy: '{"Version":"2012-10-17","Statement":[]}',
      tags,
    }
    const { credentials, assumedRoleUser } = await clientOf(moto).assumeRole(input)
    expect([credentials.accountId, assumedRoleUser?.arn]).toEqual([
      moto.account,
      'arn:aws:sts::123456789012:assumed-role/reader/me',
    ])
    const sdk = new STSClient({ region: 'us-east-1', endpoint: moto.url, credentials })
    onTestFinished(() => sdk.destroy())
    expect((await sdk.send(new GetCallerIdentityCommand({}))).Arn).toBe(assumedRoleUser?.arn)
  })

  it('gives sessions of a user, which are canned there', async () => {
    const { credentials } = await clientOf(moto).getSessionToken({ durationSeconds: 900 })
    expect(credentials.expiration.getTime()).toBeGreaterThan(Date.now())
    const { federatedUser } = await clientOf(moto).getFederationToken({ name: 'bob', durationSeconds: 900 })
    expect(federatedUser?.arn).toContain('federated-user/bob')
  })

  it('refuses another secret, and the hint names the secret', async () => {
    const other = clientOf({ ...moto, secretAccessKey: 'another secret' })
    await expect(other.getCallerIdentity()).rejects.toThrow(
      refused('SignatureDoesNotMatch', 'another secret than that of'),
    )
  })

  it('refuses another access key, and the hint names the access key ID', async () => {
    const other = clientOf({ ...moto, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    await expect(other.getCallerIdentity()).rejects.toThrow(refused('InvalidClientTokenId', 'AKIAIOSFODNN7EXAMPLE'))
  })

  it('refuses a role that trusts another user', async () => {
    const input = { roleArn: moto.closedRoleArn, roleSessionName: 'me' }
    await expect(clientOf(moto).assumeRole(input)).rejects.toThrow(refused('AccessDenied', 'trust policy'))
  })
})

describe('versitygw', () => {
  let gateway: Versitygw
  beforeAll(async () => {
    gateway = await startVersitygw()
  })
  afterAll(() => gateway?.stop())

  it('says who the user is', async () => {
    expect((await clientOf(gateway).getCallerIdentity()).arn).toBe(gateway.userArn)
  })

  it('refuses another secret, and the hint names the secret', async () => {
    const other = clientOf({ ...gateway, secretAccessKey: 'another secret' })
    await expect(other.getCallerIdentity()).rejects.toThrow(
      refused('SignatureDoesNotMatch', 'another secret than that of'),
    )
  })

  it('refuses another access key, and the hint names the access key ID', async () => {
    const other = clientOf({ ...gateway, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' })
    await expect(other.getCallerIdentity()).rejects.toThrow(refused('InvalidClientTokenId', 'AKIAIOSFODNN7EXAMPLE'))
  })

  it.each([20, -20, 23 * 60])('answers a machine whose clock is %i minutes off, once corrected', async (minutes) => {
    const now = (): Date => new Date(Date.now() + minutes * 60_000)
    expect((await clientOf(gateway, { now }).getCallerIdentity()).arn).toBe(gateway.userArn)
  })

  it('refuses what is signed for another region', async () => {
    await expect(clientOf(gateway, { region: 'eu-west-1' }).getCallerIdentity()).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_STS_REFUSED' }),
    )
  })
})
