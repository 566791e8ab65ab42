// The provider with real SDK clients against moto, which checks each signature and each policy.

import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { type CredentialProvider, fromHardkey } from '../../src/credentials/provider.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { type Moto, startMoto } from '../peers/moto.ts'

let moto: Moto
beforeAll(async () => {
  moto = await startMoto()
})
afterAll(() => moto?.stop())

async function keyOf(secretAccessKey: string): Promise<HmacKey> {
  const secret = new TextEncoder().encode(`AWS4${secretAccessKey}`)
  const key = await openKey('memory:', { pin: async () => secret, backends: [memoryBackend()] })
  onTestFinished(() => key.close())
  return key
}

async function readerOf(secretAccessKey = moto.secretAccessKey): Promise<CredentialProvider> {
  const { accessKeyId, roleArn, url } = moto
  const sts = { action: 'AssumeRole', roleArn, roleSessionName: 'me', durationSeconds: 900 } as const
  return fromHardkey({ key: await keyOf(secretAccessKey), accessKeyId, sts, endpoint: url })
}

it('lets an S3 client make and list buckets', async () => {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: moto.url,
    forcePathStyle: true,
    credentials: await readerOf(),
  })
  onTestFinished(() => client.destroy())
  await client.send(new CreateBucketCommand({ Bucket: 'hardkey-bucket' }))
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
  expect(Buckets.map(({ Name }) => Name)).toContain('hardkey-bucket')
})

it('opens another role from the first, by the SDK', async () => {
  const clientConfig = { region: 'us-east-1', endpoint: moto.url }
  const params = { RoleArn: moto.roleArn, RoleSessionName: 'second' }
  const credentials = fromTemporaryCredentials({ masterCredentials: await readerOf(), params, clientConfig })
  const client = new STSClient({ ...clientConfig, credentials })
  onTestFinished(() => client.destroy())
  const { Arn } = await client.send(new GetCallerIdentityCommand({}))
  expect(Arn).toBe('arn:aws:sts::123456789012:assumed-role/reader/second')
})

it('tells an SDK client that the device holds another secret', async () => {
  const client = new STSClient({
    region: 'us-east-1',
    endpoint: moto.url,
    credentials: await readerOf('another secret'),
  })
  onTestFinished(() => client.destroy())
  const hint = expect.stringContaining('the device holds another secret')
  await expect(client.send(new GetCallerIdentityCommand({}))).rejects.toThrow(expect.objectContaining({ hint }))
})
