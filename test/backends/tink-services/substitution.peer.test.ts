// A service that gives something else than was asked: F-K05 to F-K07, and what comes of them at a check-in.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kmsDone } from '../../peers/moto-kms.ts'
import type { ServiceAnswer } from '../../peers/service-proxy.ts'
import { keyset } from '../tink-files.ts'
import { behindProxy, type Proxied } from './behind-proxy.ts'
import { startAwsKms, startGoogle, startTransit } from './services.ts'

type Started<T> = { readonly proxied: Proxied; readonly own: T }
let aws: Started<Awaited<ReturnType<typeof startAwsKms>>>
let google: Started<Awaited<ReturnType<typeof startGoogle>>>
let transit: Started<Awaited<ReturnType<typeof startTransit>>>

beforeAll(async () => {
  const [kms, cloud, engine] = [await startAwsKms(), await startGoogle(), await startTransit()]
  aws = { own: kms, proxied: await behindProxy(kms) }
  google = { own: cloud, proxied: await behindProxy(cloud) }
  transit = { own: engine, proxied: await behindProxy(engine) }
})
afterAll(async () => {
  for (const { proxied } of [aws, google, transit]) await proxied?.stop()
})

const file = (encrypted: Uint8Array): string =>
  JSON.stringify({ encryptedKeyset: Buffer.from(encrypted).toString('base64') })
const inJson = (change: (body: Record<string, unknown>) => object) => (answer: ServiceAnswer) => ({
  body: Buffer.from(JSON.stringify(change(JSON.parse(answer.body.toString())))),
})

describe('F-K05: a keyset that was encrypted with associated data', () => {
  const refused = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining('associated data') }
  const Plaintext = keyset().toString('base64')

  it('is refused under AWS KMS', async () => {
    const EncryptionContext = { associatedData: Buffer.from('prod').toString('hex') }
    const made = await kmsDone(aws.own.moto, 'Encrypt', { KeyId: aws.own.arn, Plaintext, EncryptionContext })
    aws.proxied.write('context.json', file(Buffer.from(String(made.CiphertextBlob), 'base64')))
    expect((await aws.proxied.refusal({}, 'context.json')).error).toMatchObject(refused)
  })

  it("is refused under Google's KMS", async () => {
    const { url, kek, secret } = google.own
    const answer = await fetch(`${url}/v1/${kek.slice('gcp-kms://'.length)}:encrypt`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ plaintext: Plaintext, additionalAuthenticatedData: 'cHJvZA==' }),
    })
    const { ciphertext } = Object(await answer.json())
    google.proxied.write('context.json', file(Buffer.from(ciphertext, 'base64')))
    expect((await google.proxied.refusal({}, 'context.json')).error).toMatchObject(refused)
  })

  it('is refused under the transit engine', async () => {
    const input = { plaintext: Plaintext, associated_data: 'cHJvZA==' }
    const made = await transit.own.bao.done('POST', 'transit/encrypt/kek', input)
    transit.proxied.write('context.json', file(Buffer.from(String(made.data?.ciphertext))))
    expect((await transit.proxied.refusal({}, 'context.json')).error).toMatchObject(refused)
  })
})

describe('F-K06: an answer about another key', () => {
  const other = 'arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000'
  const refused = { code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('another key') }

  it('of AWS KMS is refused', async () => {
    aws.proxied.proxy.next(inJson((body) => ({ ...body, KeyId: other })))
    expect(await aws.proxied.refusal()).toMatchObject({ error: refused, requests: 1 })
  })

  it('of AWS KMS without any name is refused', async () => {
    aws.proxied.proxy.next(inJson(({ KeyId, ...body }) => body))
    expect(await aws.proxied.refusal()).toMatchObject({ error: refused, requests: 1 })
  })

  it('leaves no keyset behind at a check-in', async () => {
    aws.proxied.proxy.next(inJson((body) => ({ ...body, KeyId: other })))
    await expect(aws.proxied.import('new.json')).rejects.toMatchObject(refused)
    google.proxied.proxy.next(inJson((body) => ({ ...body, name: 'projects/x/cryptoKeyVersions/1' })))
    await expect(google.proxied.import('new.json')).rejects.toMatchObject(refused)
    for (const { proxied } of [aws, google]) expect(existsSync(join(proxied.folder, 'new.json'))).toBe(false)
  })

  it('of the transit engine, which names none: the ciphertext of another key does not open', async () => {
    const { bao } = transit.own
    await bao.done('POST', 'transit/keys/other', {})
    const made = await bao.done('POST', 'transit/encrypt/other', { plaintext: keyset().toString('base64') })
    transit.proxied.write('other.json', file(Buffer.from(String(made.data?.ciphertext))))
    expect((await transit.proxied.refusal({}, 'other.json')).error).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
  })
})

describe("F-K07: a checksum of Google's KMS that does not match", () => {
  const damage = inJson((body) => ({ ...body, plaintextCrc32c: '1', ciphertextCrc32c: '1' }))
  const unverified = inJson(({ verifiedPlaintextCrc32c, ...body }) => body)

  it('once is asked for again', async () => {
    google.proxied.proxy.next(damage)
    const before = google.proxied.proxy.exchanges.length
    await (await google.proxied.open()).close()
    expect(google.proxied.proxy.exchanges.length - before).toBe(2)
  })

  it('twice is refused', async () => {
    google.proxied.proxy.next(damage, damage, damage)
    const { error, requests } = await google.proxied.refusal()
    google.proxied.proxy.next()
    expect(error).toMatchObject({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('checksum') })
    expect(requests).toBe(2)
  })

  it.each([
    ['of the ciphertext', damage],
    ['of the request', unverified],
  ])('%s, twice, leaves no keyset behind', async (_, fault) => {
    google.proxied.proxy.next(fault, fault)
    await expect(google.proxied.import('sum.json')).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
    expect(existsSync(join(google.proxied.folder, 'sum.json'))).toBe(false)
  })
})
