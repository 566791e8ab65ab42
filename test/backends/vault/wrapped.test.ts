// A key on its way to the server: only the holder of the wrapping key's private half can read it.

import { constants, createDecipheriv, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkedWrappingKey, wrapped } from '../../../src/backends/vault/wrapped.ts'
import { Secret } from '../../../src/key/secret.ts'
import { expectNoCanary } from '../../contract/canary.ts'
import { secretBytes } from './fixture.ts'

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent })

describe('a wrapped key', () => {
  const { publicKey, privateKey } = rsa(4096)

  it.each([32, 44, 64])('of %i bytes is what the server unwraps', (length) => {
    const key = Buffer.alloc(length, 0x5a)
    const ciphertext = wrapped(Secret.join(key), checkedWrappingKey(pem(publicKey), 'vault.example'))
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const transport = privateDecrypt({ key: privateKey, padding, oaepHash: 'sha256' }, ciphertext.subarray(0, 512))
    const unwrap = createDecipheriv('id-aes256-wrap-pad', transport, Buffer.from('a65959a6', 'hex'))
    expect(Buffer.concat([unwrap.update(ciphertext.subarray(512)), unwrap.final()])).toEqual(key)
  })

  it('is another one each time, and shows nothing of the key', () => {
    const key = checkedWrappingKey(pem(publicKey), 'vault.example')
    const [one, other] = [wrapped(Secret.join(secretBytes), key), wrapped(Secret.join(secretBytes), key)]
    expect(Buffer.compare(one, other)).not.toBe(0)
    expectNoCanary(Buffer.from(one).toString('latin1'), { key: secretBytes })
  })
})

describe('a wrapping key', () => {
  it.each([
    ['of RSA-2048', pem(rsa(2048).publicKey)],
    ['of RSA-3072', pem(rsa(3072).publicKey)],
    ['with the exponent 3', pem(rsa(4096, 3).publicKey)],
    ['of another kind', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
    ['that is private', rsa(4096).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['that is none', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['that is no PEM', 'canary'],
  ])('F-V11: %s is refused', (_what, text) => {
    expect(() => checkedWrappingKey(text, 'vault.example')).toThrow(
      expect.objectContaining({ code: 'ERR_DEVICE_FAILED', message: expect.stringContaining('not RSA-4096') }),
    )
  })
})
