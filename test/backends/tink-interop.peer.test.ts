// Keysets go between hardkey and PyPI's tink, both ways. The key-encryption key is made by Python's own hashlib.scrypt,
// encryption and keyset by tink: nothing of ours on the other side.

import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { openKey } from '../../src/backends/open.ts'
import { tinkBackend } from '../../src/backends/tink/backend.ts'
import { tinkImporter } from '../../src/backends/tink/import.ts'
import { Secret } from '../../src/key/secret.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'
import { inFolder, keyBytes, keysetFile, keysetUri, passphrase } from './tink-files.ts'

const day = '20150830'
const kDate = createHmac('sha256', keyBytes).update(day).digest('hex')
const pin = async (): Promise<Uint8Array> => Uint8Array.from(passphrase)
const script = join(import.meta.dirname, 'tink_peer.py')

/** What the Python side prints for a request. */
async function python(request: object): Promise<string> {
  const { command } = await peer('python')
  const child = spawn(command, [script], { stdio: ['pipe', 'pipe', 'pipe'], env: builtEnvironment() })
  child.stdin.end(JSON.stringify(request))
  const exit = new Promise((resolve) => child.once('close', resolve))
  const [output, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  expect(errors.slice(-2000), `exit ${status}`).toBe('')
  return output
}

async function kDateHere(path: string): Promise<string> {
  const key = await openKey(keysetUri(path), { pin })
  try {
    return Buffer.from(await key.hmac(Buffer.from(day))).toString('hex')
  } finally {
    await key.close()
  }
}

it('a keyset that is written here gives the same kDate in tink', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'prod.keyset.json')
    await tinkImporter().import(keysetUri(path), Secret.join(keyBytes), { pin })
    const file = await readFile(path, 'utf8')
    expect(await python({ act: 'open', file, passphrase: passphrase.toString(), data: day })).toBe(kDate)
  }))

it('a keyset that tink writes opens here and gives the same kDate', () =>
  inFolder(async (folder) => {
    const request = { act: 'write', passphrase: passphrase.toString(), key: keyBytes.toString('hex') }
    const path = await keysetFile(folder, await python(request))
    expect(await kDateHere(path)).toBe(kDate)
  }))

it("a keyset in tink's own form opens with the caller's key-encryption key", () =>
  inFolder(async (folder) => {
    const request = { act: 'write', passphrase: passphrase.toString(), key: keyBytes.toString('hex') }
    const { kdf, keyset } = JSON.parse(await python(request))
    const path = await keysetFile(folder, keyset)
    const decrypt = async (ciphertext: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array> => {
      const [bytes, data] = [ciphertext, associatedData].map((part) => Buffer.from(part).toString('hex'))
      return Buffer.from(await python({ act: 'decrypt', passphrase: passphrase.toString(), kdf, bytes, data }), 'hex')
    }
    const backends = [tinkBackend({ kek: decrypt })]
    const key = await openKey(`tink:file=${path}`, { backends })
    expect(Buffer.from(await key.hmac(Buffer.from(day))).toString('hex')).toBe(kDate)
    await key.close()
  }))

it.each(['TINK prefix', '16-byte tag', 'SHA1', 'AES-GCM'])('a keyset that tink writes with %s is refused', (kind) =>
  inFolder(async (folder) => {
    const request = { act: 'generate', passphrase: passphrase.toString(), kind }
    const path = await keysetFile(folder, await python(request))
    await expect(kDateHere(path)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_INVALID' })
  }),
)
