// A secret checks in to a software TPM: which attributes it gets, where it lies, what is refused, and that nothing of it is
// left where the import fails or is undone.

import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { parseKeyFile } from '../../../src/backends/tpm2/documents/key-file.ts'
import { formatKeyPair } from '../../../src/backends/tpm2/documents/key-pair.ts'
import { tpm2Importer } from '../../../src/backends/tpm2/import.ts'
import { Secret } from '../../../src/key/secret.ts'
import type { KeyUri } from '../../../src/key/uri.ts'
import { handlesOf, leftInTpm } from '../../peers/tpm-questions.ts'
import { answerAt, answerText, authSource, importAt, type Place, uriOf } from './opening.ts'
import { day, dayAnswer, hex, keyText, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-import-'))
let files = 0
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const fresh = (query: Place['query'] = {}, path: Place['path'] = {}): Place => ({
  path: { file: join(folder, `key-${++files}.tss2.pem`), ...path },
  query,
})
const at = () => device.tpm.device
const importing = (place: Place, key?: string | Uint8Array) => importAt(at(), place, key)
const persistent = async () => (await handlesOf(device.tpm, 'persistent')).map(hex)

/** Part 2, 8.3 TPMA_OBJECT, by the TPM's own words after tpm2_load. */
async function attributesByTools(path: string): Promise<string> {
  const { publicFile, privateFile } = formatKeyPair(parseKeyFile(readFileSync(path)))
  const files = ['-u', device.tools.write('seen.pub', publicFile), '-r', device.tools.write('seen.priv', privateFile)]
  await device.tools.run('load', '-C', hex(device.parent), ...files, '-c', 'seen.ctx')
  const said = await device.tools.run('readpublic', '-c', 'seen.ctx')
  return /attributes:\s+value: (\S+)/.exec(said)?.[1] ?? ''
}

async function answerOf(uri: KeyUri, auth: string | undefined): Promise<string> {
  const key = await openKey(uri, { pin: authSource(auth) })
  try {
    return answerText(await key.hmac(day))
  } finally {
    await key.close()
  }
}

describe('the attributes of a new key', () => {
  it.each([
    ['without anything', {}, undefined, 'fixedTPM fixedParent userWithAuth noDA sign'],
    ['with a typed auth value', { auth: 'yes' }, 'short', 'fixedTPM fixedParent userWithAuth sign'],
    [
      'with a typed auth value, however long',
      { auth: 'yes' },
      'x'.repeat(32),
      'fixedTPM fixedParent userWithAuth sign',
    ],
    ['with PCRs', { pcrs: 'sha256:23' }, undefined, 'fixedTPM fixedParent noDA sign'],
    ['with PCRs and a typed auth value', { pcrs: 'sha256:23', auth: 'yes' }, 'short', 'fixedTPM fixedParent sign'],
  ])('%s', async (_, query, auth, wanted) => {
    const { info, uri } = await importing({ ...fresh(query), auth })
    const set = Object.entries(info.attributes).filter(([, value]) => value === true)
    expect(set.map(([name]) => name).filter((name) => name !== 'saltNamePinned')).toEqual(wanted.split(' '))
    expect(await answerOf(uri, auth)).toBe(dayAnswer)
  })

  it('include noDA where a long auth value comes from a file', async () => {
    const path = join(folder, 'long-auth')
    writeFileSync(path, 'k7Zp0Qm4xW9sB2vT', { mode: 0o600 })
    const place = fresh({ 'pin-source': `file:${path}` })
    const { info } = await importing({ ...place, auth: 'k7Zp0Qm4xW9sB2vT' })
    expect(info.attributes).toMatchObject({ noDA: true, userWithAuth: true, authValue: 'yes' })
  })

  it('are those that tpm2-tools read', async () => {
    const place = fresh({}, { parent: hex(device.parent) })
    await importing(place)
    expect(await attributesByTools(String(place.path.file))).toBe('fixedtpm|fixedparent|userwithauth|noda|sign')
  })
})

describe('a key file', () => {
  it('can be read by its owner alone', async () => {
    const place = fresh()
    await importing(place)
    expect(statSync(String(place.path.file)).mode & 0o777).toBe(0o600)
  })

  it('is never overwritten, be it a key or not', async () => {
    const place = fresh()
    writeFileSync(String(place.path.file), 'mine')
    await expect(importing(place)).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
  })

  it('and nothing else is left where the import is undone', async () => {
    const before = readdirSync(folder)
    const { remove } = await importing(fresh())
    await remove()
    expect(readdirSync(folder)).toEqual(before)
    expect(await leftInTpm(device.tpm)).toEqual([])
  })
})

describe('a persistent key', () => {
  it('lies at its handle, takes no file, and is removed', async () => {
    const before = await persistent()
    const { uri, remove } = await importing({ path: { handle: '0x81000200' } })
    expect(await persistent()).toEqual([...before, '0x81000200'].sort())
    expect(uri.get('name')).toMatch(/^000b[0-9a-f]{64}$/)
    await remove()
    expect(await persistent()).toEqual(before)
  })

  it('never takes the place of another object, be it a storage key', async () => {
    const before = await persistent()
    for (const handle of [hex(device.parent), hex(device.handle)]) {
      await expect(importing({ path: { handle } })).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
    }
    expect(await persistent()).toEqual(before)
  })

  it('is refused in the range of the platform', async () => {
    const refusal = { code: 'ERR_URI_INVALID', hint: expect.stringContaining('0x817FFFFF') }
    await expect(importing({ path: { handle: '0x81800000' } })).rejects.toMatchObject(refusal)
  })

  it('that is no HMAC key is not removed', async () => {
    const uri = uriOf(at(), { path: { handle: hex(device.parent) } })
    await expect(tpm2Importer().remove(uri, { pin: authSource(undefined) })).rejects.toMatchObject({
      code: 'ERR_KEY_UNUSABLE',
    })
    expect(await persistent()).toContain(hex(device.parent))
  })

  it('of another Name than the record has is not removed', async () => {
    const uri = uriOf(at(), { path: { handle: hex(device.handle) }, query: { name: `000b${'00'.repeat(32)}` } })
    await expect(tpm2Importer().remove(uri, { pin: authSource(undefined) })).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
    })
    expect(await persistent()).toContain(hex(device.handle))
  })
})

describe('an import is refused', () => {
  it.each([
    ['a pair of files', { path: { public: '/k/a', private: '/k/b' } }, 'ERR_URI_INVALID'],
    ['PCR 24', fresh({ pcrs: 'sha256:24' }), 'ERR_URI_INVALID'],
    ['a bank that the TPM does not have', fresh({ pcrs: 'sha3_512:7' }), 'ERR_BACKEND_UNSUPPORTED'],
    ['a parent that is not there', fresh({}, { parent: '0x81000999' }), 'ERR_KEY_NOT_FOUND'],
    ['a date rule without a place for approvals', fresh({ 'date-rule': '/k/office.pem' }), 'ERR_URI_INVALID'],
    [
      'a date rule whose key is not there',
      fresh({ 'date-rule': '/k/none.pem', approvals: '/k/a.json' }),
      'ERR_KEY_FILE_INVALID',
    ],
    ['another storage key than the pinned one', fresh({ 'salt-name': `000b${'00'.repeat(32)}` }), 'ERR_DEVICE_FAILED'],
  ])('for %s', async (_, place: Place, code) => {
    await expect(importing(place)).rejects.toMatchObject({ code })
    expect(existsSync(String(place.path.file))).toBe(false)
    expect(await leftInTpm(device.tpm)).toEqual([])
  })

  it('for a key of 65 bytes', async () => {
    await expect(importing(fresh(), new Uint8Array(65).fill(7))).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
  })

  it('for an auth value that no such key can have', async () => {
    const place = { ...fresh({ auth: 'yes' }), auth: 'x'.repeat(33) }
    await expect(importing(place)).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
  })

  it('for a private office key, which has no place on this machine', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const path = join(folder, 'office.pem')
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    const place = fresh({ 'date-rule': path, approvals: join(folder, 'a.json') })
    await expect(importing(place)).rejects.toMatchObject({
      message: expect.stringContaining('no place on this machine'),
    })
  })

  it('and stopped by a signal leaves nothing', async () => {
    const before = readdirSync(folder)
    const stop = new AbortController()
    const key = Secret.take(new Uint8Array(Buffer.from(keyText)))
    const context = { pin: authSource(undefined), signal: stop.signal }
    const importing = tpm2Importer().import(uriOf(at(), { path: { handle: '0x81000201' } }), key, context)
    setTimeout(() => stop.abort(new Error('no longer wanted')), 5)
    await expect(importing).rejects.toThrow('no longer wanted')
    expect(readdirSync(folder)).toEqual(before)
    expect(await persistent()).not.toContain('0x81000201')
    expect(await leftInTpm(device.tpm)).toEqual([])
  })
})

describe('an owner with an auth value', () => {
  const owner = 'canary-owner-3318'
  beforeAll(async () => {
    await device.tools.run('changeauth', '-c', 'o', owner)
  })
  afterAll(async () => {
    await device.tools.run('changeauth', '-c', 'o', '-p', owner)
  })

  it('is asked for where the URI says so, and the key is opened with it', async () => {
    const query = { 'owner-auth-source': 'prompt:' }
    for (const place of [fresh(query), { path: { handle: '0x81000202' }, query }]) {
      const { uri, remove } = await importing({ ...place, auth: owner })
      expect(uri.get('owner-auth-source')).toBe('prompt:')
      expect(await answerAt(at(), { ...place, auth: owner })).toBe(dayAnswer)
      await remove()
    }
  })

  it('is named, with the attribute of the URI, where the URI has none', async () => {
    const refusal = { code: 'ERR_PIN_REQUIRED', hint: expect.stringContaining('owner-auth-source=') }
    await expect(importing(fresh())).rejects.toMatchObject(refusal)
  })

  it('is not needed below a persistent storage key', async () => {
    const place = fresh({}, { parent: hex(device.parent) })
    await importing(place)
    expect(await answerAt(at(), place)).toBe(dayAnswer)
  })

  it('that refuses the value ends the import, tried once', async () => {
    const wrong = { ...fresh({ 'owner-auth-source': 'prompt:' }), auth: 'wrong' }
    await expect(importing(wrong)).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
  })
})
