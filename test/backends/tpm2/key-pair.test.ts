// A key as two raw files, as tpm2-tools write it. B-061, B-063: each wrong one is refused with ERR_KEY_FILE_INVALID and named.

import { describe, expect, it } from 'vitest'
import { formatKeyPair, readKeyPair } from '../../../src/backends/tpm2/documents/key-pair.ts'
import { parentsFor } from '../../../src/backends/tpm2/documents/parents.ts'
import { expectLibraryRefuses } from '../../bad-input/refused.ts'
import * as tools from './made-by-tools.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex')
const publicFile = bytes(tools.hmacPublic2b)
const privateFile = bytes(tools.hmacPrivate2b)
const code = 'ERR_KEY_FILE_INVALID'

describe('a pair of files of tpm2_import', () => {
  it('is read, with its parent to be searched for', () => {
    const pair = readKeyPair(publicFile, privateFile)
    expect(pair).toMatchObject({ form: 'loadable', policy: [], object: { attributes: 0x0004_0040 } })
    expect(parentsFor(pair.parent)).toContain('h2')
    expect(Buffer.from(pair.publicArea)).toEqual(publicFile.subarray(2))
    expect(Buffer.from(pair.privateArea)).toEqual(privateFile.subarray(2))
  })

  it('is written as it was read', () => {
    const written = formatKeyPair(readKeyPair(publicFile, privateFile))
    expect(Buffer.from(written.publicFile)).toEqual(publicFile)
    expect(Buffer.from(written.privateFile)).toEqual(privateFile)
  })

  it('B-061 is refused wherever one of the two is cut off', async () => {
    for (let length = 0; length < publicFile.length; length++) {
      const cut = publicFile.subarray(0, length)
      await expectLibraryRefuses(() => readKeyPair(cut, privateFile), { code, says: 'the public file is malformed' })
    }
    for (let length = 0; length < privateFile.length; length++) {
      const cut = privateFile.subarray(0, length)
      await expectLibraryRefuses(() => readKeyPair(publicFile, cut), { code, says: 'the private file is malformed' })
    }
  })

  it.each<[string, Uint8Array, Uint8Array, string]>([
    ['the two the other way round', privateFile, publicFile, 'the public file is malformed at byte 2 of the file'],
    [
      'bytes behind the public area',
      Buffer.concat([publicFile, bytes('00')]),
      privateFile,
      'the public file is malformed',
    ],
    [
      'bytes behind the private area',
      publicFile,
      Buffer.concat([privateFile, bytes('00')]),
      'the private file is malformed',
    ],
    [
      'an empty private area',
      publicFile,
      bytes('0000'),
      'the private file is malformed at byte 0 of the file: it is empty',
    ],
    ['a PEM', Buffer.from(tools.pemWithoutAuth), privateFile, 'the public file is a PEM'],
    ['a file of 8 KiB', publicFile, Buffer.alloc(8192), 'the private file has more than 4096 bytes'],
    ['B-063 an RSA key', bytes(tools.rsaEkPublic2b), privateFile, 'the public file holds an RSA-2048 key, no HMAC key'],
  ])('is refused: %s', async (_, first, second, says) => {
    await expectLibraryRefuses(() => readKeyPair(first, second), { code, says })
  })
})
