// signWithKey with the SDK release that is installed here: what its parts show, what they refuse, and how they go with
// configuration of the caller's own. Every release and every way to sign is in releases.peer.test.ts.

import { GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type KeySigning, requestSigner, type SdkAuthScheme, signWithKey } from '../../src/aws-sdk/index.ts'
import { HardkeyError } from '../../src/errors.ts'
import { deviceDateKeys, secretDateKeys } from '../../src/sigv4/date-key.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'
import { officialKey } from '../vectors/describe-official-vectors.ts'
import { CheckingServer } from './checking-server.ts'

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const region = 'us-east-1'

let server: CheckingServer
let counted: CountedKey
let signing: KeySigning
beforeAll(async () => {
  server = await new CheckingServer({ [accessKeyId]: secretAccessKey, AKIDOTHER: 'of another' }).start()
  counted = await countedKey()
})
afterAll(async () => {
  await server?.close()
  await counted?.key.close()
})
beforeEach(() => {
  server.reset()
  counted.asked.length = 0
  signing = signWithKey({ key: counted.key, accessKeyId })
})

const sts = (more: object = {}) => new STSClient({ region, endpoint: server.url, maxAttempts: 1, ...signing, ...more })
const s3 = (more: object = {}) =>
  new S3Client({ region, endpoint: server.url, forcePathStyle: true, ...signing, ...more })
const whoAmI = () => new GetCallerIdentityCommand({})
const incompatible = expect.objectContaining({ code: 'ERR_SDK_INCOMPATIBLE' })

describe('what signWithKey gives', () => {
  it('holds no secret, and says so', async () => {
    const credentials = await signing.credentials()
    expect(credentials.secretAccessKey).toMatch(/^hardkey-placeholder-no-secret-/)
    const client = sts()
    await client.send(whoAmI())
    const secrets = { key: officialKey(), secret: Buffer.from(secretAccessKey) }
    for (const shown of [signing, credentials, client.config]) expectNoCanary(shown, secrets)
  })

  it('carries the session token of temporary credentials that are in the device', async () => {
    const { credentials } = signWithKey({ key: counted.key, accessKeyId, sessionToken: 'token' })
    expect((await credentials()).sessionToken).toBe('token')
    expect({ ...(await credentials()) }).toMatchObject({ sessionToken: 'token' })
  })

  it('is nothing to sign with once it was copied, and a client with the copy says so', async () => {
    const copy = { ...(await signing.credentials()) }
    expect(copy).toEqual({ accessKeyId, secretAccessKey: '' })
    await expect(sts({ credentials: copy }).send(whoAmI())).rejects.toEqual(incompatible)
    expect(server.connections).toBe(0)
  })

  it('serves clients of several services and regions with one use of the device', async () => {
    await sts().send(whoAmI())
    await s3({ region: 'eu-west-1' }).send(new ListBucketsCommand({}))
    await s3({ region: 'ap-south-1' }).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }))
    expect(server.accepted.map((one) => one.region)).toEqual([region, 'eu-west-1', 'ap-south-1'])
    expect(counted.asked).toHaveLength(1)
  })

  it.each([
    ['an access key ID', { accessKeyId: 'a/b' }],
    ['a session token', { sessionToken: 'a b' }],
  ])('is not made for %s that cannot stand in a request', (_, wrong) => {
    const make = () => signWithKey({ key: counted.key, accessKeyId, ...wrong })
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})

describe('a client', () => {
  it('is tested once, however many of its calls are first', async () => {
    const client = sts()
    const asked: unknown[] = []
    const { signer } = client.config
    client.config.signer = async (scheme) => {
      asked.push(scheme)
      return await signer(scheme)
    }
    await Promise.all(Array.from({ length: 5 }, () => client.send(whoAmI())))
    await client.send(whoAmI())
    // One for each of the six calls, one for the test.
    expect(asked).toHaveLength(7)
  })

  it('throws what the device throws, and signs once it is there again', async () => {
    let there = false
    const { key } = await countedKey(async () => {
      if (!there) throw new HardkeyError('ERR_DEVICE_UNAVAILABLE', 'the token is not there')
    })
    const client = sts(signWithKey({ key, accessKeyId }))
    await expect(client.send(whoAmI())).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(server.connections).toBe(0)
    there = true
    await client.send(whoAmI())
    expect(server.accepted).toHaveLength(1)
  })

  it('does not sign a day that is not near', async () => {
    const client = sts({ systemClockOffset: 3 * 86_400_000 })
    await expect(client.send(whoAmI())).rejects.toMatchObject({ code: 'ERR_DATE_REFUSED' })
    expect([server.connections, counted.asked]).toEqual([0, []])
  })

  it('keeps the extensions of its owner beside ours, and refuses when they take their place', async () => {
    let configured = 0
    const own = {
      configure: () => {
        configured += 1
      },
    }
    await sts({ extensions: [...signing.extensions, own] }).send(whoAmI())
    await expect(sts({ extensions: [own] }).send(whoAmI())).rejects.toEqual(incompatible)
    expect([configured, server.accepted.length]).toEqual([2, 1])
  })

  it('with other credentials beside ours signs with those', async () => {
    await sts({ credentials: { accessKeyId: 'AKIDOTHER', secretAccessKey: 'of another' } }).send(whoAmI())
    expect(server.accepted).toMatchObject([{ accessKeyId: 'AKIDOTHER' }])
    expect(counted.asked).toEqual([])
  })

  it('takes a signer of ours as its own', async () => {
    const keys = deviceDateKeys({ key: counted.key, accessKeyId })
    await sts({ signer: requestSigner({ keys, region, service: 'sts' }) }).send(whoAmI())
    expect(server.accepted).toHaveLength(1)
  })

  it('does not take a signer that signs with another key of the same name', async () => {
    const keys = secretDateKeys({ accessKeyId, secretAccessKey: 'another' })
    const signer = requestSigner({ keys, region, service: 'sts' })
    await expect(sts({ signer }).send(whoAmI())).rejects.toEqual(incompatible)
    expect(server.connections).toBe(0)
  })
})

describe('B-117: SigV4a', () => {
  const identity = { accessKeyId }
  const request = { method: 'GET', protocol: 'https:', hostname: 'h', path: '/', headers: {} }

  function schemeAfter(): SdkAuthScheme {
    const sign = async (one: object) => ({ ...request, ...one })
    const schemes: SdkAuthScheme[] = [{ schemeId: 'aws.auth#sigv4a', signer: { sign } }]
    const setHttpAuthScheme = (scheme: SdkAuthScheme) => void schemes.splice(0, 1, scheme)
    for (const extension of signing.extensions)
      extension.configure({ httpAuthSchemes: () => schemes, setHttpAuthScheme })
    const [scheme] = schemes
    if (scheme === undefined) throw new Error('the scheme is gone')
    return scheme
  }

  it('is refused before anything signs', async () => {
    await expect(schemeAfter().signer.sign(request, identity, {})).rejects.toMatchObject({
      code: 'ERR_REQUEST_INVALID',
    })
  })

  it('goes on for other credentials', async () => {
    const temporary = { accessKeyId: 'ASIAOTHER' }
    expect(await schemeAfter().signer.sign(request, temporary, {})).toEqual(request)
  })
})
