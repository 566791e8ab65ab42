// Keysets written elsewhere, right and wrong, opened with a passphrase. B-070 to B-075, F-K03, F-K04.

import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { decodeKeyset } from '../../src/backends/tink/keyset.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { expectNoCanary } from '../contract/canary.ts'
import {
  field,
  inFolder,
  infoOf,
  type KeysetParts,
  keyBytes,
  keyEntry,
  keyId,
  keyset,
  keysetFile,
  keysetUri,
  passphrase,
  wrapped,
} from './tink-files.ts'

const pin = async (): Promise<Uint8Array> => Uint8Array.from(passphrase)

/** Opens a file of this content. */
async function opened(content: string | object, use: (key: HmacKey) => Promise<void> = async () => {}): Promise<void> {
  await inFolder(async (folder) => {
    const key = await openKey(keysetUri(await keysetFile(folder, content)), { pin })
    try {
      await use(key)
    } finally {
      await key.close()
    }
  })
}

/** What opening a file of this content says. */
async function refusal(content: string | object): Promise<{ code?: unknown; message?: unknown; hint?: unknown }> {
  const failure = await opened(content).then(
    () => new Error('this should have been refused'),
    (error: unknown) => error,
  )
  expectNoCanary(failure, { keyBytes, passphrase })
  return Object(failure)
}

describe('a keyset written elsewhere', () => {
  const answersRightly = async (key: HmacKey): Promise<void> => {
    const day = Buffer.from('20150830')
    const right = createHmac('sha256', keyBytes).update(day).digest('hex')
    expect(Buffer.from(await key.hmac(day)).toString('hex')).toBe(right)
  }

  it('opens', () => opened(wrapped(keyset()), answersRightly))
  it('opens without keysetInfo, which Tink may leave out', () => {
    const { version, kdf, keyset: inner } = Object(wrapped(keyset()))
    return opened({ version, kdf, keyset: { encryptedKeyset: inner.encryptedKeyset } }, answersRightly)
  })
  it('B-073 opens with fields that nobody knows', () => {
    const unknown = [field(99, 7), field(98, keyBytes), Buffer.from([0x91, 6, 1, 2, 3, 4, 5, 6, 7, 8]), fixed32]
    return opened(wrapped(Buffer.concat([...unknown, keyset()])), answersRightly)
  })
  it('B-073 takes the last of a field that stands twice', () =>
    opened(wrapped(Buffer.concat([field(1, 5), keyset()])), answersRightly))
  it('signs with its primary key among several', () => {
    const other = keyEntry({ id: 7, key: Buffer.alloc(32, 1) })
    const info = Object(infoOf())
    const keyInfo = [{ ...info.keyInfo[0], keyId: 7 }, ...info.keyInfo]
    return opened(wrapped(Buffer.concat([other, keyset()]), { ...info, keyInfo }), answersRightly)
  })
  it('says that its passphrase is cheap to try', () =>
    opened(wrapped(keyset()), async (key) => {
      expect(key.info.warnings).toContainEqual(expect.stringContaining('N=16384'))
    }))
})

/** Field 97, wire type I32. */
const fixed32 = Buffer.from([0x8d, 6, 1, 2, 3, 4])

describe('B-070 a keyset that is not encrypted', () => {
  const clear = { primaryKeyId: keyId, key: [{ keyData: { value: keyBytes.toString('base64') } }] }
  const leaked = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining('is not encrypted') }

  it('is refused, with the advice to treat the key as leaked', async () => {
    expect(await refusal(clear)).toMatchObject({ ...leaked, hint: expect.stringContaining('leaked') })
  })
  it('is refused in our wrapper too', async () => {
    expect(await refusal({ ...wrapped(keyset()), keyset: clear })).toMatchObject(leaked)
  })
})

describe('B-071 a malformed file', () => {
  const right = Object(wrapped(keyset()))
  const info = Object(infoOf())
  const inKdf = (change: object): object => ({ ...right, kdf: { ...right.kdf, ...change } })
  const inKeyset = (change: object): object => ({ ...right, keyset: { ...right.keyset, ...change } })
  const inInfo = (change: object): object => inKeyset({ keysetInfo: { ...info, ...change } })
  const urlSafe = right.keyset.encryptedKeyset.replace(/.{4}/, '-_-_')

  it.each<[string, string | object, string]>([
    ['nothing', '', 'not JSON'],
    ['text', 'hello', 'not JSON'],
    ['a list', [], 'not a JSON object'],
    ['null', 'null', 'not a JSON object'],
    ['a byte order mark', `\ufeff${JSON.stringify(right)}`, 'not JSON'],
    ['10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000), 'not a JSON object'],
    ['more than 64 KiB', JSON.stringify(right).padEnd(70_000), 'at most 65536'],
    ['a member twice', JSON.stringify(right).replace('"r":8', '"r":8,"r":8'), 'twice'],
    ['an unknown member', { ...right, comment: 'mine' }, 'none of version, kdf, keyset'],
    ['an unknown member within', inKeyset({ more: 1 }), 'none of encryptedKeyset, keysetInfo'],
    ['no keyset', { version: 1, kdf: right.kdf }, 'has no "keyset"'],
    ['another version', { ...right, version: 2 }, 'version'],
    ['another kdf', inKdf({ name: 'argon2id' }), 'kdf.name'],
    ['a salt that is too short', inKdf({ salt: 'AAAA' }), 'kdf.salt'],
    ['base64url', inKeyset({ encryptedKeyset: urlSafe }), 'not base64'],
    ['base64 without padding', inKeyset({ encryptedKeyset: 'QUJDRA' }), 'not base64'],
    ['a negative id', inInfo({ primaryKeyId: -1 }), 'primaryKeyId'],
    ['an id beyond 32 bits', inInfo({ primaryKeyId: 2 ** 32 }), 'primaryKeyId'],
    ['an id with a fraction', inInfo({ primaryKeyId: 1.5 }), 'primaryKeyId'],
    ['an id as text', inInfo({ primaryKeyId: '7' }), 'primaryKeyId'],
    ['keyInfo that is no list', inInfo({ keyInfo: {} }), 'keyInfo'],
  ])('of %s is refused', async (_, content, part) => {
    const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(part) }
    expect(await refusal(content)).toMatchObject(said)
  })

  it.each([2 ** 13, 2 ** 21, 2 ** 31, 3 * 2 ** 14, 0])(
    'is refused before scrypt with N = %i takes memory',
    async (N) => {
      expect(await refusal(inKdf({ N }))).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    },
  )
  it.each([{ r: 16 }, { r: 0 }, { p: 0 }, { p: 5 }])(
    'is refused before scrypt with %j takes memory',
    async (change) => {
      expect(await refusal(inKdf(change))).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    },
  )
  it('that is not UTF-8 is refused', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'k')
      await writeFile(path, Buffer.from([0x7b, 0xff, 0x7d]), { mode: 0o600 })
      await expect(openKey(keysetUri(path), { pin })).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    }))
})

describe('B-072, F-K03 a keyset of another kind', () => {
  it.each<[string, KeysetParts, string]>([
    ['SHA-1', { hash: 1 }, 'not SHA256'],
    ['a tag of 16 bytes', { tagSize: 16 }, '16 bytes'],
    ['a key of 15 bytes', { key: Buffer.alloc(15) }, '15 bytes'],
    ['a key of 65 bytes', { key: Buffer.alloc(65) }, '65 bytes'],
    ['HmacKey version 1', { hmacVersion: 1 }, 'version 1'],
    ['an AEAD key', { type: 'type.googleapis.com/google.crypto.tink.AesGcmKey' }, 'no HMAC key'],
    ['material that is not symmetric', { material: 2 }, 'SYMMETRIC'],
  ])('is refused: %s', async (_, parts, named) => {
    const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(named) }
    expect(await refusal(wrapped(keyset(parts)))).toMatchObject(said)
  })

  it.each<[string, Buffer, string]>([
    ['no key', field(1, keyId), 'no primary key'],
    ['nothing', Buffer.alloc(0), 'too short'],
    ['no primary id', keyEntry(), 'no primary key'],
    ['bytes that are no keyset', Buffer.from('these are not the bytes of a keyset'), 'malformed at byte'],
  ])('is refused: %s', async (_, serialized, named) => {
    const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(named) }
    expect(await refusal(wrapped(serialized))).toMatchObject(said)
  })
})

describe('B-072, F-K04 a keyset whose primary key cannot be used', () => {
  it.each<[string, Buffer, string]>([
    ['a disabled primary key', keyset({ status: 2 }), 'DISABLED'],
    ['a destroyed primary key', keyset({ status: 3 }), 'DESTROYED'],
    ['an unknown status', keyset({ status: 9 }), 'status 9'],
    ['the TINK prefix', keyset({ prefix: 1 }), 'TINK'],
    ['an unknown prefix', keyset({ prefix: 9 }), 'prefix type 9'],
    ['two keys with one id', Buffer.concat([keyset(), keyEntry()]), 'two keys with one id'],
  ])('is refused: %s', async (_, serialized, named) => {
    const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(named) }
    expect(await refusal(wrapped(serialized))).toMatchObject(said)
  })
})

describe('B-073, F-K03 malformed bytes in a keyset', () => {
  it.each<[string, Buffer, string]>([
    ['a cut number', Buffer.from([0x08, 0x80]), 'byte 1'],
    ['a number of 11 bytes', Buffer.from([0x08, ...Array<number>(10).fill(0x80), 0]), 'byte 1'],
    ['a number beyond 64 bits', Buffer.from([0x08, ...Array<number>(9).fill(0xff), 2]), 'byte 1'],
    ['an id beyond 32 bits', Buffer.from([0x08, 0x80, 0x80, 0x80, 0x80, 0x10]), 'byte 0'],
    ['a wrong wire type', field(1, Buffer.from('id')), 'byte 0'],
    ['a number where a key should be', field(2, 1), 'byte 0'],
    ['a fixed number where a key should be', Buffer.from([0x15, 1, 2, 3, 4]), 'byte 0'],
    ['a group', Buffer.from([0x0b, 0x0c]), 'byte 1'],
    ['field number 0', Buffer.from([0x00, 0x00]), 'byte 0'],
    ['a length past the end', Buffer.from([0x12, 0x7f, 0x00]), 'byte 2'],
    ['a length past the end within', Buffer.concat([field(1, keyId), field(2, Buffer.from([0x0a, 9]))]), 'byte 10'],
    ['a cut fixed number', Buffer.from([0x0d, 1, 2]), 'byte 1'],
  ])('are refused with their place: %s', async (_, serialized, place) => {
    const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(`${place} of`) }
    expect(await refusal(wrapped(serialized))).toMatchObject(said)
  })

  it('are refused wherever a keyset is cut off', async () => {
    const whole = keyset()
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeKeyset(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }),
      )
    }
  })
})

describe('what is encrypted and what is in clear', () => {
  const right = Object(wrapped(keyset()))
  const withBytes = (bytes: Uint8Array): object => {
    const encryptedKeyset = Buffer.from(bytes).toString('base64')
    return { ...right, keyset: { ...right.keyset, encryptedKeyset } }
  }

  it('B-074 is refused when the encrypted keyset is empty', async () => {
    expect(await refusal(withBytes(new Uint8Array(0)))).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
  })
  it('B-074 is refused when it is no longer than nonce and tag', async () => {
    expect(await refusal(withBytes(new Uint8Array(28)))).toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
  })
  it.each([0, 12, 40, -1])('is refused when byte %i of it was changed', async (index) => {
    const bytes = Buffer.from(right.keyset.encryptedKeyset, 'base64')
    const place = index < 0 ? bytes.length + index : index
    bytes.writeUInt8((bytes.readUInt8(place) ^ 1) & 0xff, place)
    expect(await refusal(withBytes(bytes))).toMatchObject({ code: 'ERR_PIN_INCORRECT' })
  })
  it.each([{ keyId: 1 }, { status: 'DISABLED' }, { outputPrefixType: 'TINK' }, { typeUrl: 'x' }])(
    'B-075 is refused when keysetInfo says %j of another key',
    async (change) => {
      const said = { code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining('keysetInfo') }
      expect(await refusal(wrapped(keyset(), infoOf(keyId, change)))).toMatchObject(said)
    },
  )
})
