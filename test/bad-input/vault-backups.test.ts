// B-080 to B-082: backups of Vault and OpenBao as a source of import, right ones and odd ones. No refusal shows a part of a key.

import { afterAll, describe, expect, it } from 'vitest'
import { CommandHome } from '../cli/hardkey.ts'
import { expectCommandRefuses } from './refused.ts'

const home = new CommandHome()
afterAll(() => home.remove())

const secret = 'T1ny+Canary/Secret0Of1The2Backup3Tests4A'
const hmacKey = Buffer.from(`AWS4${secret}`).toString('base64')
const id = 'AKIAABCDEFGHIJKLMNOP'
const canaries = { secret: Buffer.from(secret), encoded: Buffer.from(hmacKey) }

type Members = Readonly<Record<string, unknown>>
/** As the seed's own file: an AES key without a key, and the HMAC key. */
const backup = (policy: Members = {}, key: Members = {}): Members => ({
  policy: {
    name: 'fleet',
    keys: { '1': { key: null, hmac_key: hmacKey, time: '2022-04-01T00:00:00Z', ec_x: null, ...key } },
    derived: false,
    convergent_encryption: false,
    exportable: false,
    allow_plaintext_backup: false,
    latest_version: 1,
    type: 0,
    ...policy,
  },
  archived_keys: { keys: [] },
})
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

async function imports(content: string, more: readonly string[] = []): Promise<void> {
  const path = home.write('backup', content)
  const pin = `file:${home.write('passphrase', 'correct horse battery staple')}`
  const words = ['import', 'kept', '--to', 'embedded', '--from', `backup:${path}`, '--access-key-id', id, '--offline']
  const ran = await home.run([...words, '--pin-source', pin, ...more])
  expect([ran.stderr.includes('error'), ran.status]).toEqual([false, 0])
  await home.run(['forget', 'kept', '--from-device', '--yes'])
}

async function refuses(content: string, says: string, more: readonly string[] = [], to = 'embedded'): Promise<void> {
  const path = home.write('backup', content)
  const words = ['import', 'k', '--to', to, '--from', `backup:${path}`, '--access-key-id', id, '--offline']
  await expectCommandRefuses(home, [...words, ...more], {
    code: 'ERR_KEY_FILE_INVALID',
    says,
    hint: undefined,
    canaries,
  })
}

describe('a backup of Vault or OpenBao', () => {
  it.each([
    ['as the seed wrote it', backup()],
    ['of OpenBao, type hmac', backup({ type: 10 }, { key: hmacKey })],
    ['of Vault, type hmac', backup({ type: 11 }, { key: hmacKey })],
  ])('%s is checked in, as JSON and as base64', async (_, value) => {
    await imports(JSON.stringify(value, null, 2))
    await imports(`${base64(value)}\n`)
  })

  it.each<[string, string, string]>([
    ['text', 'hello, world', 'neither JSON nor base64'],
    ['base64url', base64(backup()).replace(/.{4}/, '-_-_'), 'neither JSON nor base64'],
    ['base64 of text', Buffer.from('hello').toString('base64'), 'not JSON'],
    ['half of it', base64(backup()).slice(0, 200), 'not JSON'],
    ['a member twice', JSON.stringify(backup()).replace('"key":null', '"hmac_key":"QUJD"'), 'twice'],
    ['another object', '{"a":1}', 'no backup'],
    ['a list', base64([]), 'no backup'],
    ['an hmac_key that is not base64', JSON.stringify(backup({}, { hmac_key: 'a b' })), 'hmac_key that is not base64'],
    ['no hmac_key', JSON.stringify(backup({}, { hmac_key: null })), 'no hmac_key'],
    ['another key than AWS4', JSON.stringify(backup({}, { hmac_key: 'QUJDREVGR0g=' })), 'not AWS4'],
  ])('B-080: of %s is refused', async (_, content, says) => refuses(content, says))

  it.each(['exportable', 'allow_plaintext_backup'])('B-080: with %s on is taken only where asked', async (name) => {
    const content = base64(backup({ [name]: true }))
    await refuses(content, name)
    await imports(content, ['--allow-exportable'])
  })

  it.each<[string, Members]>([
    ['of type 9', backup({ type: 9 })],
    ['of no type', backup({ type: null })],
    ['with an hmac_key that differs from its key', backup({ type: 10 }, { key: Buffer.alloc(44).toString('base64') })],
    [
      'with 2 versions',
      backup({ keys: { '1': { hmac_key: hmacKey }, '2': { hmac_key: hmacKey } }, latest_version: 2 }),
    ],
    ['with 0 versions', backup({ keys: {} })],
    ['whose latest version is another', backup({ latest_version: 2 })],
    ['with derived', backup({ derived: true })],
    ['with convergent_encryption', backup({ convergent_encryption: true })],
  ])('B-081: %s is refused by name', async (name, value) => {
    const [, words = ''] = /(type|differs from its key|versions|latest|derived|convergent_encryption)/.exec(name) ?? []
    await refuses(base64(value), words)
  })

  it('B-082: of another name than the key that --to names is refused', async () => {
    const to = 'vault:key=other?address=https://127.0.0.1:1&login=none'
    await refuses(base64(backup()), 'holds the key "fleet", not "other"', [], to)
  })
})
