// B-070 to B-075 through the command: a keyset of another kind or form is refused by its path, without a part of it. The
// many single cases of the format stand in test/backends/tink-keysets.test.ts.

import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  field,
  infoOf,
  type KeysetParts,
  keyBytes,
  keyId,
  keyset,
  passphrase,
  wrapped,
} from '../backends/tink-files.ts'
import { CommandHome } from '../cli/hardkey.ts'
import { expectCommandRefuses, type Refusal } from './refused.ts'

let home: CommandHome
beforeAll(() => {
  home = new CommandHome()
  home.write('passphrase', passphrase)
})
afterAll(() => home.remove())

const canaries = { keyBytes, secret: keyBytes.subarray(4), passphrase }
const invalid = (says: string, hint?: string): Refusal => ({ code: 'ERR_KEY_FILE_INVALID', says, hint, canaries })

async function expectRefusedKeyset(content: string | Uint8Array | object, refusal: Refusal): Promise<void> {
  const isText = typeof content === 'string' || content instanceof Uint8Array
  home.write('k.keyset.json', isText ? content : JSON.stringify(content))
  const uri = `tink:file=k.keyset.json?kek=passphrase:&pin-source=file:${home.folder}/passphrase`
  const words = ['whoami', uri, '--access-key-id', 'AKIAABCDEFGHIJKLMNOP', '--region', 'eu-west-1']
  await expectCommandRefuses(home, words, refusal)
}

const right = Object(wrapped(keyset()))
const inKeyset = (change: object): object => ({ ...right, keyset: { ...right.keyset, ...change } })

describe('a keyset', () => {
  it('B-070: that is not encrypted is refused, and its key called leaked', async () => {
    const clear = { primaryKeyId: keyId, key: [{ keyData: { value: keyBytes.toString('base64') } }] }
    await expectRefusedKeyset(clear, invalid('not encrypted', 'leaked'))
    await expectRefusedKeyset({ ...right, keyset: clear }, invalid('not encrypted', 'leaked'))
  })

  it.each<[string, string | object, string]>([
    ['text', 'hello', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['a member twice', JSON.stringify(right).replace('"r":8', '"r":8,"r":8'), 'twice'],
    ['an id out of range', inKeyset({ keysetInfo: { primaryKeyId: 2 ** 32, keyInfo: [] } }), 'primaryKeyId'],
    ['base64url', inKeyset({ encryptedKeyset: right.keyset.encryptedKeyset.replace(/.{4}/, '-_-_') }), 'not base64'],
    ['10 MiB', JSON.stringify(right).padEnd(10 * 1024 * 1024), '65536'],
    ['10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000), 'not a JSON object'],
    ['a scrypt that would take 16 GiB', { ...right, kdf: { ...right.kdf, N: 2 ** 24 } }, 'kdf.N'],
  ])('B-071: of %s is refused', async (_, content, says) => {
    await expectRefusedKeyset(content, invalid(says))
  })

  it.each<[string, KeysetParts, string]>([
    ['SHA-1', { hash: 1 }, 'not SHA256'],
    ['a tag of 16 bytes', { tagSize: 16 }, '16 bytes'],
    ['a key of 15 bytes', { key: Buffer.alloc(15) }, '15 bytes'],
    ['another type', { type: 'type.googleapis.com/google.crypto.tink.AesGcmKey' }, 'no HMAC key'],
    ['an unknown status', { status: 9 }, 'status 9'],
    ['an unknown prefix', { prefix: 9 }, 'prefix type 9'],
  ])('B-072: with %s is refused', async (_, parts, says) => {
    await expectRefusedKeyset(wrapped(keyset(parts)), invalid(says))
  })

  it('B-072: without a primary key, or with one that is not in the list, is refused', async () => {
    const missing = Buffer.concat([field(1, 7), keyset().subarray(field(1, keyId).length)])
    await expectRefusedKeyset(wrapped(missing), invalid('no primary key'))
    await expectRefusedKeyset(wrapped(missing.subarray(2)), invalid('no primary key'))
  })

  it.each<[string, Buffer, string]>([
    ['a cut number', Buffer.from([0x08, 0x80, ...Array<number>(30).fill(0x80)]), 'byte 1'],
    ['a wrong wire type', Buffer.concat([field(1, Buffer.from('id')), keyset()]), 'byte 0'],
    ['a length past the end', keyset().subarray(0, -1), 'byte'],
    ['a group', Buffer.from([0x0b, 0x0c, ...keyset()]), 'byte 1'],
  ])('B-073: with %s is refused by its place', async (_, serialized, says) => {
    await expectRefusedKeyset(wrapped(serialized), invalid(says))
  })

  it.each([0, 12, 28])('B-074: whose encrypted part has %i bytes is refused', async (length) => {
    const encryptedKeyset = Buffer.alloc(length).toString('base64')
    await expectRefusedKeyset(inKeyset({ encryptedKeyset }), invalid('encryptedKeyset'))
  })

  it('B-074: of nothing, rightly encrypted, is refused', async () => {
    await expectRefusedKeyset(wrapped(Buffer.alloc(0)), invalid('too short'))
  })

  it.each([{ keyId: 1 }, { status: 'DISABLED' }, { outputPrefixType: 'TINK' }])(
    'B-075: whose keysetInfo says %j of another key is refused',
    async (change) => {
      await expectRefusedKeyset(wrapped(keyset(), infoOf(keyId, change)), invalid('keysetInfo'))
    },
  )
})
