// Wycheproof's vectors of HMAC-SHA256 with the keys in SoftHSM, each checked in and opened: every message that a device
// takes. SoftHSM takes keys of more than 64 bytes too, and must hash them first as HMAC says.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { pkcs11Backend } from '../../src/backends/pkcs11/backend.ts'
import { pkcs11Importer } from '../../src/backends/pkcs11/import.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { accepts, byKey, wycheproofCases } from './wycheproof-cases.ts'

// Each key is checked in and opened by a child process of its own.
let hsm: SoftHsm
beforeAll(async () => {
  hsm = await softHsm()
  await hsm.addToken('wycheproof')
})
afterAll(() => hsm?.remove())

const pin = async (): Promise<Uint8Array> => new TextEncoder().encode(testPin)
const keys = [...byKey(wycheproofCases())]

async function checkIn(name: string): Promise<KeyUri> {
  const path = { token: 'wycheproof', object: name.slice(0, 40) }
  const uri = KeyUri.of('pkcs11', path, { 'module-path': hsm.module })
  const key = Secret.take(Uint8Array.from(Buffer.from(name, 'hex')))
  const imported = await pkcs11Importer({ environment: hsm.environment }).import(uri, key, { pin })
  return imported.uri
}

const opened = async (name: string): Promise<HmacKey> =>
  openKey(await checkIn(name), { pin, backends: [pkcs11Backend({ environment: hsm.environment })] })

/** SoftHSM computes no HMAC-SHA256 with a key that is shorter than the digest. */
const shortest = 32
const isTaken = ([hex]: readonly [string, unknown]): boolean => hex.length >= 2 * shortest

describe('the vectors of Wycheproof', () => {
  it('all hold for keys in the token', async () => {
    let compared = 0
    for (const [name, ofKey] of keys.filter(isTaken)) {
      const messages = ofKey.filter(({ message }) => message.length >= 1 && message.length <= 64)
      if (messages.length === 0) continue
      const key = await opened(name)
      for (const one of messages) expect(accepts(one, await key.hmac(one.message)), `case ${one.id}`).toBe(one.isValid)
      compared += messages.length
      await key.close()
    }
    // Of 174 cases, 6 have such a short key, 58 of the others an empty message and 8 one of more than 64 bytes.
    expect(compared).toBe(102)
  })

  it.each(keys.filter((one) => !isTaken(one)))('name a key that is too short for the token: %s', async (name) => {
    const key = await opened(name)
    await expect(key.hmac(new Uint8Array(8))).rejects.toMatchObject({ serviceCode: 'CKR_KEY_SIZE_RANGE' })
    await key.close()
  })
})
