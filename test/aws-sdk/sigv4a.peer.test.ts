// B-117: SigV4a in real clients, with both signers that the SDK has for it, in JavaScript and in native code: no request
// and no URL is signed with a key in a device, nor with the placeholder.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeySigning, type SdkRequest, signWithKey } from '../../src/aws-sdk/index.ts'
import { peer } from '../peers/peer.ts'
import { type SdkRelease, sdkRelease } from '../peers/sdk-releases.ts'
import { type CountedKey, countedKey } from '../sigv4/counted-key.ts'

const accessKeyId = 'AKIDEXAMPLE'
/** A multi-region access point, which knows no other signature. */
const Bucket = 'arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap'

let sdk: SdkRelease
let counted: CountedKey
let signing: KeySigning
beforeAll(async () => {
  sdk = await sdkRelease('awssdk1141')
  counted = await countedKey()
  signing = signWithKey({ key: counted.key, accessKeyId })
})
afterAll(() => counted?.key.close())

// The native one, once loaded, takes the place of the other.
describe.each(['signature-v4a', 'signature-v4-crt'])('@aws-sdk/%s', (name) => {
  const sent: SdkRequest[] = []
  const handle = async (request: SdkRequest): Promise<never> => {
    sent.push(request)
    throw new Error('sent')
  }
  const client = (credentials: object) =>
    new sdk.s3.S3Client(Object.assign({ region: 'us-east-1', requestHandler: { handle }, maxAttempts: 1 }, credentials))
  const get = () => new sdk.s3.GetObjectCommand({ Bucket, Key: 'k' })
  const temporary = { credentials: { accessKeyId: 'ASIAOTHER', secretAccessKey: 'of a session', sessionToken: 't' } }
  beforeAll(async () => {
    createRequire(join((await peer('awssdk1141')).folder, 'package.json'))(`@aws-sdk/${name}`)
  })

  it('signs with temporary credentials', async () => {
    await expect(client(temporary).send(get())).rejects.toThrow('sent')
    expect(sent.splice(0).map(({ headers }) => JSON.stringify(headers))).toEqual([
      expect.stringContaining('AWS4-ECDSA-P256-SHA256'),
    ])
  })

  it('sends nothing that a key in a device would sign', async () => {
    await expect(client(signing).send(get())).rejects.toMatchObject({ code: 'ERR_REQUEST_INVALID' })
    expect(sent).toEqual([])
  })

  it('presigns nothing with a key in a device', async () => {
    await expect(sdk.presigner.getSignedUrl(client(signing), get())).rejects.toThrow()
    expect(counted.asked).toEqual([])
  })

  it('sends and presigns nothing for credentials that lack the rest', async () => {
    const { credentials } = signing
    await expect(client({ credentials }).send(get())).rejects.not.toThrow('sent')
    await expect(sdk.presigner.getSignedUrl(client({ credentials }), get())).rejects.toThrow()
    expect(sent).toEqual([])
  })
})
