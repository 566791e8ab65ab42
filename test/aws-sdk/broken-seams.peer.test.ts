// Each seam between the AWS SDK and the key, broken on purpose in every release: the client, presigner or signer then
// refuses with ERR_SDK_INCOMPATIBLE, and no connection is opened, no URL and no form given out.

import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type KeySigning, type SdkRequest, signWithKey } from '../../src/aws-sdk/index.ts'
import { type SdkRelease, sdkRelease, sdkReleases } from '../peers/sdk-releases.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'
import { CheckingServer } from './checking-server.ts'
import { StockSha256 } from './stock-sha256.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secrets = { [accessKeyId]: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const region = 'us-east-1'
const where = { Bucket: 'bucket', Key: 'k' }
const refusal = expect.objectContaining({ name: 'HardkeyError', code: 'ERR_SDK_INCOMPATIBLE' })

/** A signer that takes the secret once and does all by itself. */
const foreignSigner = (credentials: KeySigning['credentials']) => ({
  async sign<Request extends SdkRequest>(request: Request): Promise<Request> {
    const { accessKeyId: id, secretAccessKey } = await credentials()
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
    const signature = createHmac('sha256', secretAccessKey).update(time).digest('hex')
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=host, Signature=${signature}`
    return { ...request, headers: { ...request.headers, 'x-amz-date': time, authorization } }
  },
})

describe.each(sdkReleases)('B-118, L-14: %s', (name) => {
  let sdk: SdkRelease
  let server: CheckingServer
  let counted: CountedKey
  let signing: KeySigning
  beforeAll(async () => {
    sdk = await sdkRelease(name)
    server = await new CheckingServer(secrets).start()
    counted = await countedKey()
  })
  afterAll(async () => {
    await server?.close()
    await counted?.key.close()
  })
  beforeEach(() => {
    server.reset()
    signing = signWithKey({ key: counted.key, accessKeyId })
  })

  const s3 = (broken: object = {}) =>
    new sdk.s3.S3Client({ region, endpoint: server.url, forcePathStyle: true, ...signing, ...broken })
  const get = () => new sdk.s3.GetObjectCommand(where)
  /** The stock signer with a SHA-256 of its own, as in a release that takes none from the configuration. */
  const deaf = () => {
    class Deaf extends sdk.SignatureV4 {
      constructor(options: object) {
        super({ ...options, sha256: StockSha256 })
      }
    }
    return Deaf
  }

  it.each([
    ['another SHA-256', () => ({ sha256: StockSha256 })],
    ['another class of signers', () => ({ signerConstructor: deaf() })],
    ['a signer of its own', () => ({ signer: foreignSigner(signing.credentials) })],
    ['extensions of its own', () => ({ extensions: [], sha256: StockSha256 })],
  ])('a client with %s sends nothing', async (_, broken) => {
    await expect(s3(broken()).send(get())).rejects.toEqual(refusal)
    expect(server.connections).toBe(0)
  })

  it('a client with the credentials alone sends nothing', async () => {
    const { credentials } = signing
    const client = new sdk.s3.S3Client({ region, endpoint: server.url, forcePathStyle: true, credentials })
    await expect(client.send(get())).rejects.toEqual(refusal)
    expect(server.connections).toBe(0)
  })

  it('a client of another service with a signer of its own sends nothing', async () => {
    const signer = foreignSigner(signing.credentials)
    const client = new sdk.sts.STSClient({ region, endpoint: server.url, ...signing, signer })
    await expect(client.send(new sdk.sts.GetCallerIdentityCommand({}))).rejects.toEqual(refusal)
    expect(server.connections).toBe(0)
  })

  it('a client without the SHA-256 gives out no URL and no form', async () => {
    const client = s3({ sha256: StockSha256 })
    await expect(sdk.presigner.getSignedUrl(client, get())).rejects.toEqual(refusal)
    await expect(sdk.post.createPresignedPost(client, where)).rejects.toEqual(refusal)
  })

  it.each([false, true])('a presigner without the SHA-256 gives out no URL (after a request: %s)', async (after) => {
    const client = s3()
    if (after) await client.send(get())
    if (after) await sdk.presigner.getSignedUrl(client, get())
    const presigner = new sdk.presigner.S3RequestPresigner({ ...client.config, sha256: StockSha256 })
    const request = { method: 'GET', protocol: 'https:', hostname: 'h', path: '/k', query: {}, headers: { host: 'h' } }
    for (let time = 0; time < 3; time += 1) await expect(presigner.presign({ ...request })).rejects.toEqual(refusal)
  })

  it('a form made with another SHA-256 than the client has is not given out', async () => {
    const client = s3()
    await client.send(get())
    const config = new Proxy(client.config, {
      get: (target, member) => (member === 'sha256' ? StockSha256 : Reflect.get(target, member)),
    })
    const deafened = Object.create(client, { config: { value: config } })
    await expect(sdk.post.createPresignedPost(deafened, where)).rejects.toEqual(refusal)
  })

  it('a signer of database tokens that has the credentials alone gives out no token', async () => {
    const place = { hostname: 'db.example', port: 5432, username: 'me', region }
    const signer = new sdk.rds.Signer({ ...place, credentials: signing.credentials })
    await expect(signer.getAuthToken()).rejects.toEqual(refusal)
  })

  it('many broken signers at once, beside good ones, are all refused, and the good ones are not', async () => {
    const good = s3()
    const presigner = new sdk.presigner.S3RequestPresigner({ ...good.config, sha256: StockSha256 })
    const request = { method: 'GET', protocol: 'https:', hostname: 'h', path: '/k', query: {}, headers: { host: 'h' } }
    const [right, wrong] = await Promise.all([
      Promise.allSettled(Array.from({ length: 10 }, () => good.send(get()))),
      Promise.allSettled(Array.from({ length: 10 }, () => presigner.presign({ ...request, headers: { host: 'h' } }))),
    ])
    expect(right.map(({ status }) => status)).toEqual(Array(10).fill('fulfilled'))
    // The first release shares one object among all signers of a client, and there a broken one may get through.
    expect(wrong.map(({ status }) => status)).toEqual(Array(10).fill('rejected'))
  })
})
