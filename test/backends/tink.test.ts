// The Tink backend: the contract, how its file is made and removed, its URI, and a key-encryption key of the caller's own.

import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { tinkBackend } from '../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { expectNoCanary } from '../contract/canary.ts'
import { describeHmacKey } from '../contract/hmac-key.contract.ts'
import {
  encrypt,
  inFolder,
  infoOf,
  keyBytes,
  keyset,
  keysetFile,
  keysetUri,
  passphrase,
  wrapped,
} from './tink-files.ts'

/** The least cost that a file may have: the suite opens many. */
const importer = tinkImporter({ N: 2 ** 14 })
const pin = async (): Promise<Uint8Array> => Uint8Array.from(passphrase)

describeHmacKey('tink with a passphrase', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hardkey-tink-'))
  const uri = keysetUri(join(folder, 'prod.keyset.json'))
  await importer.import(uri, Secret.join(keyBytes), { pin })
  let places = 0
  return {
    backend: tinkBackend(),
    importer,
    key: keyBytes,
    uri,
    pin: passphrase,
    wrongPin: Buffer.from('wrong horse battery staple'),
    missing: keysetUri(join(folder, 'missing.keyset.json')),
    freshPlace: () => keysetUri(join(folder, `${places++}.keyset.json`)),
    close: () => rm(folder, { recursive: true }),
  }
})

describe('the file of an embedded keyset', () => {
  it('holds scrypt with N = 2^17 and an ordinary encrypted keyset', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'prod.keyset.json')
      await tinkImporter().import(keysetUri(path), Secret.join(keyBytes), { pin })
      const file = JSON.parse(await readFile(path, 'utf8'))
      expect(Object.keys(file)).toEqual(['version', 'kdf', 'keyset'])
      expect(file).toMatchObject({ version: 1, kdf: { name: 'scrypt', N: 131072, r: 8, p: 1 } })
      const id = file.keyset.keysetInfo.primaryKeyId
      expect(file.keyset).toEqual({ encryptedKeyset: expect.any(String), keysetInfo: infoOf(id) })
      expectNoCanary(file, { keyBytes, passphrase })
    }))

  it.skipIf(process.platform === 'win32')('can be read by its owner alone', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'prod.keyset.json')
      await importer.import(keysetUri(path), Secret.join(keyBytes), { pin })
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(await readdir(folder)).toEqual(['prod.keyset.json'])
    }),
  )

  it('has another salt, nonce and key id each time', () =>
    inFolder(async (folder) => {
      const texts = new Set<string>()
      for (const name of ['a', 'b']) {
        await importer.import(keysetUri(join(folder, name)), Secret.join(keyBytes), { pin })
        const { kdf, keyset: inner } = JSON.parse(await readFile(join(folder, name), 'utf8'))
        for (const part of [kdf.salt, inner.encryptedKeyset.slice(0, 16), inner.keysetInfo.primaryKeyId])
          texts.add(part)
      }
      expect(texts.size).toBe(6)
    }))

  it('is not made for a key that Tink could not read', () =>
    inFolder(async (folder) => {
      for (const length of [1, 15, 65]) {
        const attempt = importer.import(keysetUri(join(folder, 'k')), Secret.join(new Uint8Array(length)), { pin })
        await expect(attempt).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
      }
      expect(await readdir(folder)).toEqual([])
    }))

  it('stays away when the import is aborted', () =>
    inFolder(async (folder) => {
      const aborter = new AbortController()
      const aborting = async (): Promise<Uint8Array> => {
        aborter.abort(new Error('no longer wanted'))
        return pin()
      }
      const context = { pin: aborting, signal: aborter.signal }
      const attempt = importer.import(keysetUri(join(folder, 'k')), Secret.join(keyBytes), context)
      await expect(attempt).rejects.toThrow('no longer wanted')
      expect(await readdir(folder)).toEqual([])
    }))

  it.each(['x', '1234567', 'äöüßäöü'])('is not made under the passphrase %j, which could be guessed', (short) =>
    inFolder(async (folder) => {
      const guessable = { pin: async () => Buffer.from(short) }
      const attempt = importer.import(keysetUri(join(folder, 'k')), Secret.join(keyBytes), guessable)
      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: 'the passphrase is too short: 8 characters at least',
      })
      expect(await readdir(folder)).toEqual([])
    }),
  )

  it('is not overwritten, though it appears while the passphrase is typed', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'prod.keyset.json')
      const slow = async (): Promise<Uint8Array> => {
        await writeFile(path, 'of another process', { mode: 0o600 })
        return pin()
      }
      const attempt = importer.import(keysetUri(path), Secret.join(keyBytes), { pin: slow })
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
      expect(await readFile(path, 'utf8')).toBe('of another process')
      expect(await readdir(folder)).toEqual(['prod.keyset.json'])
    }))

  it('that cannot be written is a failed device, before the passphrase is asked for', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '')
      const uri = keysetUri(join(folder, 'file', 'prod.keyset.json'))
      const attempt = importer.import(uri, Secret.join(keyBytes), { pin: () => Promise.reject(new Error('asked')) })
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED', serviceCode: 'ENOTDIR' })
    }))

  it('is the only kind of file that is removed', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'notes.txt')
      await writeFile(path, 'not a keyset', { mode: 0o600 })
      await expect(importer.remove(keysetUri(path), { pin })).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
      expect(await readdir(folder)).toEqual(['notes.txt'])
    }))

  it('is refused while others may change it', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'open.keyset.json')
      await writeFile(path, JSON.stringify(wrapped(keyset())), { mode: 0o600 })
      await chmod(path, 0o666)
      await expect(openKey(keysetUri(path), { pin })).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    }))
})

describe('the URI of a keyset', () => {
  it.each([
    ['tink:file=k', 'passphrase:'],
    ['tink:file=k?kek=vogon-kms:x', 'passphrase:'],
    ['tink:?kek=passphrase:', 'tink:file='],
    ['tink:fil=k?kek=passphrase:', '"file"'],
  ])('%s is refused with what is meant', async (uri, hint) => {
    await expect(openKey(uri)).rejects.toMatchObject({ code: 'ERR_URI_INVALID', hint: expect.stringContaining(hint) })
  })
})

describe("a key-encryption key of the caller's own", () => {
  const kek = Buffer.alloc(32, 7)
  const file = { encryptedKeyset: encrypt(kek, keyset()).toString('base64'), keysetInfo: infoOf() }

  it('opens a keyset in Tink’s own form', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, file)
      const seen: number[] = []
      const decrypt = async (ciphertext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array> => {
        seen.push(ciphertext.length, associatedData.length)
        return keyset()
      }
      const key = await openKey(`tink:file=${path}`, { backends: [tinkBackend({ kek: decrypt })] })
      expect(await key.hmac(Buffer.from('x'))).toHaveLength(32)
      expect(seen).toEqual([keyset().length + 28, 0])
      await key.close()
    }))

  it('is not asked again where the key may stay for ever', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, file)
      let asked = 0
      const decrypt = async (): Promise<Uint8Array> => {
        asked += 1
        return keyset()
      }
      const backends = [tinkBackend({ kek: decrypt, idleMilliseconds: Number.POSITIVE_INFINITY })]
      const key = await openKey(`tink:file=${path}`, { backends })
      await new Promise((later) => setTimeout(later, 20))
      await key.hmac(Buffer.from('x'))
      expect(asked).toBe(1)
      await key.close()
    }))

  it('that fails is a failed device, and what it threw is not shown', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, file)
      const decrypt = async (): Promise<Uint8Array> => {
        throw new Error(`could not decrypt ${keyBytes.toString()}`)
      }
      const opening = openKey(`tink:file=${path}`, { backends: [tinkBackend({ kek: decrypt })] })
      const failure = await opening.catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'ERR_DEVICE_FAILED' })
      expectNoCanary(failure, { keyBytes })
    }))

  it('is needed for such a keyset: a passphrase does not open it', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, file)
      const asked = { pin: () => Promise.reject(new Error('asked')) }
      await expect(openKey(keysetUri(path), asked)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    }))

  it('is not asked for a file that a passphrase wraps', () =>
    inFolder(async (folder) => {
      const path = await keysetFile(folder, wrapped(keyset()))
      const backends = [tinkBackend({ kek: () => Promise.reject(new Error('asked')) })]
      await expect(openKey(`tink:file=${path}`, { backends })).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
    }))
})
