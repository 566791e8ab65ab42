// F-K03 and F-K04: a service that decrypts rightly, and what comes out is no keyset of ours. Each is encrypted by the service.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoCanary } from '../../contract/canary.ts'
import { kmsDone } from '../../peers/moto-kms.ts'
import { field, infoOf, type KeysetParts, keyBytes, keyEntry, keyId, keyset } from '../tink-files.ts'
import { behindProxy, type Proxied } from './behind-proxy.ts'
import { startAwsKms, startTransit } from './services.ts'

interface Place {
  readonly proxied: Proxied
  encrypted(plaintext: Uint8Array): Promise<Uint8Array>
}
let aws: Place
let transit: Place

beforeAll(async () => {
  const kms = await startAwsKms()
  aws = {
    proxied: await behindProxy(kms),
    encrypted: async (plaintext) => {
      const input = { KeyId: kms.arn, Plaintext: Buffer.from(plaintext).toString('base64') }
      return Buffer.from(String((await kmsDone(kms.moto, 'Encrypt', input)).CiphertextBlob), 'base64')
    },
  }
  const engine = await startTransit()
  transit = {
    proxied: await behindProxy(engine),
    encrypted: async (plaintext) => {
      const input = { plaintext: Buffer.from(plaintext).toString('base64') }
      return Buffer.from(String((await engine.bao.done('POST', 'transit/encrypt/kek', input)).data?.ciphertext))
    },
  }
})
afterAll(async () => {
  await aws?.proxied.stop()
  await transit?.proxied.stop()
})

/** Under both services: refused by the reason, without a part of the key. */
async function refused(plaintext: Uint8Array, says: string, keysetInfo?: object): Promise<void> {
  for (const { proxied, encrypted } of [aws, transit]) {
    const encryptedKeyset = Buffer.from(await encrypted(plaintext)).toString('base64')
    proxied.write(
      'wrong.json',
      JSON.stringify({ encryptedKeyset, ...(keysetInfo === undefined ? {} : { keysetInfo }) }),
    )
    const { error, requests } = await proxied.refusal({}, 'wrong.json')
    expect(error).toMatchObject({ code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(says) })
    expect(requests).toBe(1)
    expectNoCanary(error, { keyBytes, client: proxied.service.secret })
  }
}

describe('F-K03: what the service decrypts', () => {
  it.each<[string, Uint8Array, string]>([
    ['one byte', Buffer.of(1), 'malformed'],
    ['random bytes', Buffer.concat([Buffer.of(0x0f), randomBytes(100)]), 'malformed'],
    ['the bare key', keyBytes, 'malformed'],
    ['half a keyset', keyset().subarray(0, 40), 'malformed'],
  ])('is %s, and is refused', async (_, plaintext, says) => refused(plaintext, says))

  it.each<[string, KeysetParts, string]>([
    ['of another type', { type: 'type.googleapis.com/google.crypto.tink.AesGcmKey' }, 'no HMAC key'],
    ['with SHA-1', { hash: 1 }, 'not SHA256'],
    ['with SHA-512', { hash: 4 }, 'not SHA256'],
    ['with a tag of 16 bytes', { tagSize: 16 }, '16 bytes'],
    ['of 15 bytes', { key: Buffer.alloc(15) }, '15 bytes'],
    ['of a public key', { material: 3 }, 'not SYMMETRIC'],
  ])('is a key %s, and is refused', async (_, parts, says) => refused(keyset(parts), says))

  it('is another keyset than keysetInfo tells, and is refused', async () => {
    await refused(keyset(), 'keysetInfo', infoOf(keyId + 1))
  })
})

describe('F-K04: the keyset that the service decrypts', () => {
  it.each<[string, KeysetParts, string]>([
    ['a disabled primary', { status: 2 }, 'DISABLED'],
    ['a destroyed primary', { status: 3 }, 'DESTROYED'],
    ['prefix TINK', { prefix: 1 }, 'prefix TINK'],
    ['prefix LEGACY', { prefix: 2 }, 'prefix LEGACY'],
    ['prefix CRUNCHY', { prefix: 4 }, 'prefix CRUNCHY'],
  ])('has %s, and is refused', async (_, parts, says) => refused(keyset(parts), says))

  it('has two keys of one id, and is refused', async () => {
    await refused(Buffer.concat([keyEntry(), keyset()]), 'two keys with one id')
  })

  it('has no primary key, and is refused', async () => {
    await refused(Buffer.concat([field(1, 7), keyEntry()]), 'no primary key')
  })
})
