// Keyset files of any kind, right and wrong, for the tests of the Tink backend. Written without the code under test:
// the wire format of protocol buffers by hand, scrypt and AES-GCM by node:crypto.

import { createCipheriv, randomBytes, scryptSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyUri } from '../../src/key/uri.ts'

export const keyBytes: Buffer = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
export const passphrase: Buffer = Buffer.from('correct horse battery staple')
export const keyId = 0x1234_5678
const typeUrl = 'type.googleapis.com/google.crypto.tink.HmacKey'

/** A folder that is removed after `use`. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hardkey-tink-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function keysetUri(path: string): KeyUri {
  return KeyUri.of('tink', { file: path }, { kek: 'passphrase:' })
}

/** One field: a number is a varint, bytes and nested fields are length-delimited. */
export function field(number: number, value: number | Uint8Array | readonly Buffer[]): Buffer {
  if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)])
  const bytes = value instanceof Uint8Array ? value : Buffer.concat(value)
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes])
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

/** The parts of a keyset that a test may change. */
export interface KeysetParts {
  readonly key?: Uint8Array
  readonly hash?: number
  readonly tagSize?: number
  readonly hmacVersion?: number
  readonly type?: string
  readonly material?: number
  readonly status?: number
  readonly prefix?: number
  readonly id?: number
}

/** Keyset.Key of proto/tink.proto. */
export function keyEntry(parts: KeysetParts = {}): Buffer {
  const { hash = 3, tagSize = 32, hmacVersion = 0, key = keyBytes } = parts
  const hmac = [field(1, hmacVersion), field(2, [field(1, hash), field(2, tagSize)]), field(3, key)]
  const data = [field(1, Buffer.from(parts.type ?? typeUrl)), field(2, hmac), field(3, parts.material ?? 1)]
  const { status = 1, id = keyId, prefix = 3 } = parts
  return field(2, [field(1, data), field(2, status), field(3, id), field(4, prefix)])
}

/** A serialized keyset of one key, its primary. */
export function keyset(parts: KeysetParts = {}): Buffer {
  return Buffer.concat([field(1, parts.id ?? keyId), keyEntry(parts)])
}

/** What the file says in clear of the keyset of one key. */
export function infoOf(id: number = keyId, change: object = {}): object {
  const only = { typeUrl, status: 'ENABLED', keyId: id, outputPrefixType: 'RAW', ...change }
  return { primaryKeyId: id, keyInfo: [only] }
}

/** Our wrapper around a serialized keyset, encrypted under `passphrase`; `info: undefined` leaves keysetInfo out. */
export function wrapped(serialized: Uint8Array, info: object | undefined = infoOf()): Record<string, unknown> {
  const salt = randomBytes(16)
  const N = 2 ** 14
  const kek = scryptSync(passphrase, salt, 32, { N, r: 8, p: 1 })
  const encryptedKeyset = encrypt(kek, serialized).toString('base64')
  const kdf = { name: 'scrypt', N, r: 8, p: 1, salt: salt.toString('base64') }
  return { version: 1, kdf, keyset: { encryptedKeyset, ...(info === undefined ? {} : { keysetInfo: info }) } }
}

/** nonce || ciphertext || tag */
export function encrypt(kek: Uint8Array, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', kek, nonce)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Writes a file that only we may read, and gives its path. */
export async function keysetFile(folder: string, content: string | object): Promise<string> {
  const path = join(folder, 'test.keyset.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return path
}
