// signWithKey in every release of the AWS SDK that is brought: each way in which the SDK signs, against services on
// loopback that check each signature with lines of their own. One key in memory for each release, its uses counted.

import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type KeySigning, signWithKey } from '../../src/aws-sdk/index.ts'
import { type SdkRelease, sdkRelease, sdkReleases } from '../peers/sdk-releases.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'
import { CheckingServer, movedTo } from './checking-server.ts'
import { EventServer } from './event-server.ts'
import { checkSignature } from './signature-check.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secrets = { [accessKeyId]: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const region = 'us-east-1'

describe.each(sdkReleases)('%s', (name) => {
  let sdk: SdkRelease
  let server: CheckingServer
  let counted: CountedKey
  let signing: KeySigning
  beforeAll(async () => {
    sdk = await sdkRelease(name)
    server = await new CheckingServer(secrets).start()
    counted = await countedKey()
    signing = signWithKey({ key: counted.key, accessKeyId })
  })
  afterAll(async () => {
    await server?.close()
    await counted?.key.close()
  })
  beforeEach(() => server.reset())

  const configuration = () => ({ region, endpoint: server.url, ...signing })
  const s3 = (more: object = {}) => new sdk.s3.S3Client({ ...configuration(), forcePathStyle: true, ...more })
  const where = { Bucket: 'bucket', Key: 'a b/ü+~(1).txt' }

  it('signs a call to STS', async () => {
    const client = new sdk.sts.STSClient(configuration())
    const { Arn } = await client.send(new sdk.sts.GetCallerIdentityCommand({}))
    expect(Arn).toBe('arn:aws:iam::111122223333:user/me')
    expect(server.accepted).toMatchObject([{ accessKeyId, region, service: 'sts' }])
  })

  it('puts, gets and lists in S3', async () => {
    const client = s3()
    await client.send(new sdk.s3.PutObjectCommand({ ...where, Body: 'hello', Metadata: { note: 'a  b' } }))
    await client.send(new sdk.s3.GetObjectCommand(where))
    await client.send(new sdk.s3.ListObjectsV2Command({ Bucket: 'bucket', Prefix: 'a b/ü' }))
    expect(server.accepted.map(({ method }) => method)).toEqual(['PUT', 'GET', 'GET'])
  })

  it('puts a stream with a trailing checksum', async () => {
    const body = Readable.from([Buffer.alloc(100_000, 'a'), Buffer.alloc(1234, 'b')])
    const put = { ...where, Body: body, ContentLength: 101_234, ChecksumAlgorithm: 'CRC32' } as const
    await s3().send(new sdk.s3.PutObjectCommand(put))
    expect(server.accepted).toMatchObject([{ method: 'PUT', service: 's3' }])
    expect(server.accepted[0]?.bytes).toBeGreaterThan(101_234)
  })

  it('uploads in parts', async () => {
    const params = { ...where, Body: Readable.from([Buffer.alloc(6_000_000)]) }
    await new sdk.storage.Upload({ client: s3(), params }).done()
    expect(server.accepted.map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'POST'])
  })

  it('presigns URLs', async () => {
    const [get, put] = [new sdk.s3.GetObjectCommand(where), new sdk.s3.PutObjectCommand({ ...where, Body: 'x' })]
    const link = await sdk.presigner.getSignedUrl(s3(), get, { expiresIn: 604_800 })
    const upload = await sdk.presigner.getSignedUrl(s3(), put)
    expect((await fetch(link)).status).toBe(200)
    expect((await fetch(upload, { method: 'PUT', body: 'x' })).status).toBe(200)
    expect(server.accepted).toHaveLength(2)
  })

  it('makes a form for an upload', async () => {
    const { url, fields } = await sdk.post.createPresignedPost(s3(), { Bucket: 'bucket', Key: 'k', Expires: 60 })
    const form = new FormData()
    for (const [field, value] of Object.entries(fields)) form.append(field, value)
    form.append('file', 'content')
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200)
    expect(server.accepted).toMatchObject([{ accessKeyId, service: 's3' }])
  })

  it('makes a token for a database', async () => {
    const place = { hostname: 'db.example', port: 5432, username: 'me', region }
    const token = await new sdk.rds.Signer({ ...place, ...signing }).getAuthToken()
    const target = token.slice('db.example:5432'.length)
    const received = { method: 'GET', target, headers: { host: 'db.example:5432' }, body: Buffer.alloc(0) }
    expect(checkSignature(received, new Map(Object.entries(secrets)))).toMatchObject({ service: 'rds-db' })
  })

  it('signs a stream of events', async () => {
    const events = await new EventServer(secrets).start()
    const client = new sdk.transcribe.TranscribeStreamingClient({ region, endpoint: events.url, ...signing })
    async function* audio(): AsyncGenerator<object> {
      for (const byte of [1, 2, 3]) yield { AudioEvent: { AudioChunk: new Uint8Array(1000).fill(byte) } }
    }
    const input = { LanguageCode: 'en-US', MediaEncoding: 'pcm', MediaSampleRateHertz: 8000, AudioStream: audio() }
    const answer = await client.send(new sdk.transcribe.StartStreamTranscriptionCommand(input))
    await expect.poll(() => [...events.faults, events.events], { timeout: 20_000 }).toEqual([4])
    expect(answer).toBeDefined()
    client.destroy()
    await events.close()
  })

  it('corrects a clock that is an hour off, and goes on', async () => {
    server.ahead = 3_600_000
    const client = new sdk.sts.STSClient(configuration())
    await client.send(new sdk.sts.GetCallerIdentityCommand({}))
    expect(server.refused).toEqual(['RequestTimeTooSkewed'])
    expect(server.accepted).toHaveLength(1)
  })

  it('follows a bucket to its region', async () => {
    await s3({ followRegionRedirects: true }).send(new sdk.s3.GetObjectCommand({ ...where, Bucket: 'moved' }))
    expect(server.accepted.map((one) => one.region)).toContain(movedTo)
  })

  it('opens and uses sessions of S3 Express', async () => {
    const Bucket = 'bucket--use1-az4--x-s3'
    await s3({ forcePathStyle: false }).send(new sdk.s3.PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    expect(server.accepted.map(({ method, service }) => `${method} ${service}`)).toEqual([
      'GET s3express',
      'PUT s3express',
    ])
    expect(server.accepted.map((one) => one.accessKeyId === accessKeyId)).toEqual([true, false])
  })

  it('gives another client the sessions of a role', async () => {
    const params = { RoleArn: 'arn:aws:iam::111122223333:role/reader', RoleSessionName: 'me' }
    const clientConfig = configuration()
    const credentials = sdk.providers.fromTemporaryCredentials({
      masterCredentials: signing.credentials,
      params,
      clientConfig,
    })
    const client = new sdk.s3.S3Client({ region, endpoint: server.url, forcePathStyle: true, credentials })
    await client.send(new sdk.s3.GetObjectCommand(where))
    expect(server.accepted.map((one) => one.service)).toEqual(['sts', 's3'])
    expect(server.accepted[1]?.accessKeyId).toMatch(/^ASIA/)
  })

  it('serves every kind at once, many times over', async () => {
    const [one, two] = [s3(), new sdk.sts.STSClient(configuration())]
    const express = s3({ forcePathStyle: false })
    const place = { hostname: 'db.example', port: 5432, username: 'me', region }
    const kinds: (() => Promise<unknown>)[] = [
      () => one.send(new sdk.s3.GetObjectCommand(where)),
      () => two.send(new sdk.sts.GetCallerIdentityCommand({})),
      () => express.send(new sdk.s3.GetObjectCommand({ Bucket: 'bucket--use1-az4--x-s3', Key: 'k' })),
      () => sdk.presigner.getSignedUrl(one, new sdk.s3.GetObjectCommand(where)).then((url) => fetch(url)),
      () => sdk.post.createPresignedPost(one, { Bucket: 'bucket', Key: 'k' }),
      () => new sdk.rds.Signer({ ...place, ...signing }).getAuthToken(),
      () => signing.credentials(),
    ]
    const calls = Array.from({ length: 210 }, async (_, at) => {
      if (at % 3 === 0) await new Promise((done) => setTimeout(done, at % 20))
      return await kinds[at % kinds.length]?.()
    })
    const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')
    expect([failed, server.refused]).toEqual([[], []])
  })

  it('has asked the device once for each day, whatever was signed', () => {
    expect(new Set(counted.asked).size).toBe(counted.asked.length)
    expect(counted.asked.length).toBeLessThanOrEqual(2)
  })
})
