// Keysets in Tink's binary form, and in its JSON as the seed's own tool prints it. B-070, B-073 and B-074 in binary.

import { createHmac } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { type KeyEncryptionKey, tinkBackend } from '../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { parseKeysetFile } from '../../src/backends/tink/keyset-file.ts'
import { Secret } from '../../src/key/secret.ts'
import { KeyUri } from '../../src/key/uri.ts'
import { field, inFolder, keyBytes, keyId, keyset, keysetFile } from './tink-files.ts'
import { startGoogleKms } from './tink-services/google-kms.ts'

const day = Buffer.from('20150830')
const kDate = createHmac('sha256', keyBytes).update(day).digest('hex')
const typeUrl = Buffer.from('type.googleapis.com/google.crypto.tink.HmacKey')
const info = (id = keyId) => [field(1, id), field(2, [field(1, typeUrl), field(2, 1), field(3, id), field(4, 3)])]
/** The "service" takes a byte off; what stands behind it is the keyset. */
const unwrap: KeyEncryptionKey = async (ciphertext) => ciphertext.slice(1)
const encrypted = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(1), bytes])

async function kDateOf(content: Uint8Array): Promise<string> {
  return await inFolder(async (folder) => {
    const path = await keysetFile(folder, '')
    await writeFile(path, content)
    const key = await openKey(KeyUri.of('tink', { file: path }), { backends: [tinkBackend({ kek: unwrap })] })
    try {
      return Buffer.from(await key.hmac(day)).toString('hex')
    } finally {
      await key.close()
    }
  })
}

describe('a keyset in binary', () => {
  const whole = Buffer.concat([field(2, encrypted(keyset())), field(3, info())])

  it.each([
    ['with keysetInfo', whole],
    ['without keysetInfo', field(2, encrypted(keyset()))],
    ['with its fields in another order', Buffer.concat([field(3, info()), field(2, encrypted(keyset()))])],
    ['with a field that nobody knows', Buffer.concat([whole, field(99, 7)])],
  ])('opens %s', async (_, content) => {
    expect(await kDateOf(content)).toBe(kDate)
  })

  it.each([
    ['B-070 that is not encrypted', keyset(), 'not encrypted'],
    ['B-073 that is cut', whole.subarray(0, -3), 'malformed at byte'],
    ['B-073 with a wrong wire type', Buffer.concat([whole, field(3, 5)]), 'malformed at byte'],
    ['B-074 with an empty encryptedKeyset', Buffer.concat([field(2, Buffer.alloc(0)), field(3, info())]), 'empty'],
    ['B-074 without an encryptedKeyset', field(3, info()), 'empty'],
    ['B-075 whose keysetInfo tells of another key', Buffer.concat([whole, field(3, info(7))]), 'keysetInfo'],
    ['B-072 with an unknown status', Buffer.concat([whole, field(3, [field(2, [field(2, 9)])])]), 'unknown status 9'],
  ])('%s is refused', async (_, content, says) => {
    const refused = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(says) }
    await expect(kDateOf(content)).rejects.toMatchObject(refused)
  })
})

/** Printed in the README of the seed's example for Tink, under a key of Google's KMS that is not ours. */
const printed = `{
	"encryptedKeyset": "CiQASRStDN8qoTkHO1NI1C5kS1E/g0bKRHZt8z43HM//St+sIHISpQEASMovZ7YafWaOTK9MlTyuBonbM0sGcL4wbPPa5w9wX9mX5jtNGAq/sUI0D6s1C5CQwseJSOwbJ343dQrI4Y9tWWvmrZ5LM9xcy1Md50GBoHBJGiJgKaFWlvT6ALArDuXtFc6s+W8bbrqSHmCa9GbgtGjS0Zo6huc8nFMrIC+v85TN4+DPyhLSctrIsW2HW7IDbw/8Ad0S1t3wKcQvwVw23k/LELs=",
	"keysetInfo": {
		"primaryKeyId": 488738866,
		"keyInfo": [
			{
				"typeUrl": "type.googleapis.com/google.crypto.tink.HmacKey",
				"status": "ENABLED",
				"keyId": 488738866,
				"outputPrefixType": "RAW"
			}
		]
	}
}`

describe('the keyset that the seed prints', () => {
  it('is read, and what it holds goes to the KMS that its URI names', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, printed)
      const kek = 'gcp-kms://projects/p/locations/us-central1/keyRings/mykeyring/cryptoKeys/key1'
      const asked: { url: string; ciphertext: string }[] = []
      const http = {
        send: async ({ url, body }: { url: string; body?: Uint8Array | string | undefined }) => {
          asked.push({ url, ciphertext: JSON.parse(Buffer.from(body ?? '').toString()).ciphertext })
          return { status: 403, headers: {}, body: Buffer.from('{"error":{"status":"PERMISSION_DENIED"}}') }
        },
        close: () => {},
      }
      const backends = [tinkBackend({ http, googleToken: Buffer.from('ya29.x') })]
      const uri = KeyUri.of('tink', { file: path }, { kek })
      await expect(openKey(uri, { backends })).rejects.toMatchObject({ code: 'ERR_POLICY_REFUSED' })
      const url = `https://cloudkms.googleapis.com/v1/${kek.slice('gcp-kms://'.length)}:decrypt`
      expect(asked).toEqual([{ url, ciphertext: JSON.parse(printed).encryptedKeyset }])
    }))

  it('tells of its primary key', () => {
    const file = parseKeysetFile(Buffer.from(printed))
    expect(file).toMatchObject({ kdf: undefined, keysetInfo: { primaryKeyId: 488738866 } })
    expect(file.encryptedKeyset.length).toBe(206)
  })

  it('has the very form in which a key is checked in', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'prod.keyset.json')

      const google = await startGoogleKms()
      const uri = KeyUri.of('tink', { file: path }, { kek: `gcp-kms://${google.name}`, 'kek-endpoint': google.url })
      const importer = tinkImporter({ googleToken: Buffer.from(google.token) })
      await importer.import(uri, Secret.join(keyBytes), { pin: async () => Buffer.from('none') })
      await google.close()
      const text = await readFile(path, 'utf8')
      const { encryptedKeyset, keysetInfo } = JSON.parse(text)
      const expected = printed
        .replace(JSON.parse(printed).encryptedKeyset, encryptedKeyset)
        .replaceAll('488738866', String(keysetInfo.primaryKeyId))
      expect(text).toBe(expected)
    }))
})
