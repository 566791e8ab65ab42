// Wycheproof's 174 vectors of HMAC-SHA256 with keys in memory: 66 tags that are right, 108 that must not be. A device is
// given keys of at most 64 bytes and messages of 1 to 64; what is longer is refused by name and not answered wrongly.

import { createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory/backend.ts'
import { openKey } from '../../src/backends/open.ts'
import { tinkBackend } from '../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { Secret } from '../../src/key/secret.ts'
import { softwareKey } from '../../src/key/software-key.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { accepts, byKey, type WycheproofCase, wycheproofCases } from './wycheproof-cases.ts'

const cases = wycheproofCases()
const keys = [...byKey(cases)].map(([name, ofKey]) => ({ name, key: ofKey[0]?.key ?? new Uint8Array(0), ofKey }))
const taken = keys.filter(({ key }) => key.length <= 64)
const tooLong = keys.filter(({ key }) => key.length > 64)

const folder = mkdtempSync(join(tmpdir(), 'hardkey-wycheproof-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const info = { scheme: 'memory', protection: 'memory', device: 'a test', attributes: {}, warnings: [] } as const
const pin = async (): Promise<Uint8Array> => new TextEncoder().encode('correct horse battery staple')
const inMemory = (key: Uint8Array): Promise<HmacKey> =>
  openKey('memory:', { pin: async () => Uint8Array.from(key), backends: [memoryBackend()] })

async function verdicts(key: HmacKey, ofKey: readonly WycheproofCase[]): Promise<readonly boolean[]> {
  return await Promise.all(ofKey.map(async (one) => accepts(one, await key.hmac(one.message))))
}

const published = (ofKey: readonly WycheproofCase[]): readonly boolean[] => ofKey.map(({ isValid }) => isValid)

describe('the vectors of Wycheproof', () => {
  it('are 174: 66 right ones and 108 to be refused', () => {
    expect([cases.length, cases.filter(({ isValid }) => isValid).length]).toEqual([174, 66])
  })

  it('all hold in software', async () => {
    for (const { key, ofKey } of keys) {
      expect(await verdicts(softwareKey(createSecretKey(key), info), ofKey)).toEqual(published(ofKey))
    }
  })

  it('of messages that a device takes all hold for an opened key, and the others are refused', async () => {
    for (const { key, ofKey } of taken) {
      const opened = await inMemory(key)
      const short = ofKey.filter(({ message }) => message.length >= 1 && message.length <= 64)
      expect(await verdicts(opened, short)).toEqual(published(short))
      for (const { message } of ofKey.filter((one) => !short.includes(one))) {
        await expect(opened.hmac(message)).rejects.toMatchObject({ code: 'ERR_USAGE' })
      }
      await opened.close()
    }
  })

  it('all hold for a key that went into an embedded keyset and out again', async () => {
    for (const { name, key, ofKey } of taken) {
      const uri = KeyUri.of('tink', { file: join(folder, `${name}.keyset.json`) }, { kek: 'passphrase:' })
      await tinkImporter({ N: 2 ** 14 }).import(uri, Secret.take(Uint8Array.from(key)), { pin })
      expect(await verdicts(await tinkBackend().open(uri, { pin }), ofKey)).toEqual(published(ofKey))
    }
  })

  it.each(tooLong)('with a key of more than 64 bytes are refused: $name', async ({ name, key }) => {
    await expect(inMemory(key)).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
    const uri = KeyUri.of('tink', { file: join(folder, `${name}.keyset.json`) }, { kek: 'passphrase:' })
    const importing = tinkImporter({ N: 2 ** 14 }).import(uri, Secret.take(Uint8Array.from(key)), { pin })
    await expect(importing).rejects.toMatchObject({ name: 'HardkeyError' })
  })
})
