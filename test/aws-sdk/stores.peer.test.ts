// A stock S3 client with signWithKey against the stores that check each signature, with the key in every backend: a large
// stream with its checksum behind it, parts, a list, URLs that live 7 days, a form. The device is asked once.

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type KeySigning, signWithKey } from '../../src/aws-sdk/index.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { everyBackend } from '../backends/every-backend.ts'
import { type Minio, startMinio } from '../peers/minio.ts'
import { type SdkRelease, sdkRelease, sdkReleases } from '../peers/sdk-releases.ts'
import { startVersitygw } from '../peers/versitygw.ts'

interface Store extends Pick<Minio, 'region' | 'accessKeyId' | 'secretAccessKey' | 'stop'> {
  readonly s3Url: string
}
const stores: readonly [string, () => Promise<Store>][] = [
  ['MinIO', async () => startMinio().then((minio) => ({ ...minio, s3Url: minio.url }))],
  ['versitygw', startVersitygw],
]

const mebibyte = 2 ** 20
/** 64 MiB, each MiB of another byte. */
function large(): Readable {
  return Readable.from(Array.from({ length: 64 }, (_, at) => Buffer.alloc(mebibyte, at)))
}

/** The key, which counts how often it is asked. */
function counting(key: HmacKey): { key: HmacKey; asked: string[] } {
  const asked: string[] = []
  const hmac: HmacKey['hmac'] = (data, options) => {
    asked.push(Buffer.from(data).toString())
    return key.hmac(data, options)
  }
  return { key: { info: key.info, hmac, close: () => key.close(), [Symbol.asyncDispose]: () => key.close() }, asked }
}

describe.each(stores)('%s', (_, start) => {
  let store: Store
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store?.stop())

  function client(sdk: SdkRelease, signing: KeySigning): InstanceType<SdkRelease['s3']['S3Client']> {
    const made = new sdk.s3.S3Client({ region: store.region, endpoint: store.s3Url, forcePathStyle: true, ...signing })
    onTestFinished(() => made.destroy())
    return made
  }

  async function useStore(sdk: SdkRelease, signing: KeySigning, Bucket: string, body: () => Readable): Promise<void> {
    const s3 = client(sdk, signing)
    await s3.send(new sdk.s3.CreateBucketCommand({ Bucket }))
    const Key = 'a b/ü+~(1).bin'
    const whole = createHash('sha256')
    let ContentLength = 0
    for await (const piece of body()) {
      whole.update(piece)
      ContentLength += piece.length
    }
    const put = { Bucket, Key, Body: body(), ContentLength, ChecksumAlgorithm: 'CRC32' } as const
    await s3.send(new sdk.s3.PutObjectCommand(put))
    await new sdk.storage.Upload({ client: s3, params: { Bucket, Key: 'parts', Body: body() } }).done()
    const { Contents = [] } = await s3.send(new sdk.s3.ListObjectsV2Command({ Bucket }))
    expect(Contents.map((one) => [one.Key, one.Size])).toEqual([
      [Key, ContentLength],
      ['parts', ContentLength],
    ])
    const link = await sdk.presigner.getSignedUrl(s3, new sdk.s3.GetObjectCommand({ Bucket, Key }), {
      expiresIn: 604_800,
    })
    const got = new Uint8Array(await (await fetch(link)).arrayBuffer())
    expect(createHash('sha256').update(got).digest('hex')).toBe(whole.digest('hex'))
    const upload = await sdk.presigner.getSignedUrl(s3, new sdk.s3.PutObjectCommand({ Bucket, Key: 'by-url' }))
    expect((await fetch(upload, { method: 'PUT', body: 'by URL' })).status).toBe(200)
    await useForm(sdk, s3, Bucket)
  }

  async function useForm(sdk: SdkRelease, s3: ReturnType<typeof client>, Bucket: string): Promise<void> {
    const { url, fields } = await sdk.post.createPresignedPost(s3, { Bucket, Key: 'by-form', Expires: 600 })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob(['by form']))
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204)
    const { Body } = await s3.send(new sdk.s3.GetObjectCommand({ Bucket, Key: 'by-form' }))
    expect(await Body?.transformToString()).toBe('by form')
  }

  it.each(everyBackend)('takes 64 MiB and all else with the key in $scheme:, asked once', async ({ scheme, open }) => {
    const inDevice = await open(store.secretAccessKey)
    onTestFinished(() => inDevice.close())
    const { key, asked } = counting(inDevice.key)
    const sdk = await sdkRelease('awssdk1175')
    await useStore(sdk, signWithKey({ key, accessKeyId: store.accessKeyId }), `of-${scheme}`, large)
    // Twice where midnight (UTC) passed meanwhile.
    expect(asked).toEqual([...new Set(asked)])
    expect(asked.length).toBeLessThanOrEqual(2)
  })

  it.each(sdkReleases.slice(0, -1))('takes the same of %s', async (name) => {
    const inDevice = await everyBackend[0]?.open(store.secretAccessKey)
    if (inDevice === undefined) throw new Error('there is no backend')
    onTestFinished(() => inDevice.close())
    const signing = signWithKey({ key: inDevice.key, accessKeyId: store.accessKeyId })
    const body = (): Readable => Readable.from([Buffer.alloc(6 * mebibyte, 'a')])
    await useStore(await sdkRelease(name), signing, `of-${name}`, body)
  })

  it('refuses the same client with the secret of another', async () => {
    const inDevice = await everyBackend[0]?.open(`${store.secretAccessKey}x`)
    if (inDevice === undefined) throw new Error('there is no backend')
    onTestFinished(() => inDevice.close())
    const sdk = await sdkRelease('awssdk1175')
    const s3 = client(sdk, signWithKey({ key: inDevice.key, accessKeyId: store.accessKeyId }))
    await expect(s3.send(new sdk.s3.ListBucketsCommand({}))).rejects.toThrow(
      expect.objectContaining({ name: 'SignatureDoesNotMatch' }),
    )
  })
})
