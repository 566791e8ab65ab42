// Keys in a software TPM, as a caller of the library uses them: auth values, parents with an auth value, and how
// long the TPM is held.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { tpm2Backend } from '../../../src/backends/tpm2/backend.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { leftInTpm, wrongAuthCount } from '../../peers/tpm-questions.ts'
import { answerAt, answerText, authSource, importAt, openAt, type Place } from './opening.ts'
import { day, dayAnswer, hex, importByTools, ownedAlone, type TpmWithKey, tpmWithKey } from './tpm-with-key.ts'

let device: TpmWithKey
const folder = mkdtempSync(join(tmpdir(), 'hardkey-tpm-backend-'))
let files = 0
beforeAll(async () => {
  device = await tpmWithKey('unix')
})
afterAll(async () => {
  await device?.remove()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  expect(await leftInTpm(device.tpm)).toEqual([])
})

const at = () => device.tpm.device
const fresh = (query: Place['query'] = {}, auth?: string): Place => ({
  path: { file: join(folder, `key-${++files}.tss2.pem`) },
  query,
  auth,
})

/** Checks a key in and gives what a record would hold of it. */
async function checkedIn(query: Place['query'] = {}, auth?: string): Promise<KeyUri> {
  return (await importAt(at(), fresh(query, auth))).uri
}

async function ask(uri: KeyUri, auth?: string): Promise<string> {
  const key = await openKey(uri, { pin: authSource(auth) })
  try {
    return answerText(await key.hmac(day))
  } finally {
    await key.close()
  }
}

const clearLockout = () => device.tools.run('dictionarylockout', '-c')

describe('an auth value', () => {
  afterEach(clearLockout)

  it('is asked for once by an opened key, however often it computes', async () => {
    const pin = authSource('typed')
    const key = await openKey(await checkedIn({ auth: 'yes' }, 'typed'), { pin })
    for (let turn = 0; turn < 3; turn += 1) expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await key.close()
    expect(pin.asked()).toBe(1)
  })

  it('that nobody told of is asked for when the key refuses the empty one', async () => {
    const place = fresh({ auth: 'yes' }, 'typed')
    await importAt(at(), place)
    expect(await answerAt(at(), { path: place.path, auth: 'typed' })).toBe(dayAnswer)
    expect(await wrongAuthCount(device.tpm)).toBe(1)
  })

  it('B-067: is not asked for where the file says that there is one and there is none', async () => {
    await importByTools(device.tools, 'plain', ['-a', 'sign|userwithauth|noda'])
    const files = ['-u', 'plain.pub', '-r', 'plain.priv']
    await device.tools.run('encodeobject', '-C', hex(device.parent), ...files, '-o', 'plain.pem')
    ownedAlone(device.tools, 'plain.pem')
    // tpm2_encodeobject leaves a session.
    await device.tools.flush()
    expect(await answerAt(at(), { path: { file: device.tools.path('plain.pem') } })).toBe(dayAnswer)
  })

  it('F-T03: that is wrong ends the key: it is not tried again', async () => {
    const uri = await checkedIn({ auth: 'yes' }, 'typed')
    const untold = uri.with({ query: { auth: undefined } })
    const key = await openKey(untold, { pin: authSource('wrong') })
    for (let turn = 0; turn < 3; turn += 1) {
      await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    }
    await key.close()
    // The empty one, and the wrong one.
    expect(await wrongAuthCount(device.tpm)).toBe(2)
  })

  it('is not tried where the next wrong one would lock the TPM, nor from half way on where nobody types it', async () => {
    const uri = await checkedIn({ auth: 'yes' }, 'typed')
    await expect(ask(uri, 'wrong')).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    const unattended = uri.with({ query: { 'pin-source': 'env:HARDKEY_TEST_NO_SUCH_VARIABLE' } })
    const refusal = { code: 'ERR_PIN_LOCKED', hint: expect.stringContaining('1 of 3 wrong tries count') }
    await expect(openKey(unattended)).rejects.toMatchObject(refusal)
    await expect(ask(uri, 'wrong')).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    const pin = authSource('typed')
    await expect(openKey(uri, { pin })).rejects.toMatchObject({ code: 'ERR_PIN_LOCKED', tryAgain: false })
    expect([await wrongAuthCount(device.tpm), pin.asked()]).toEqual([2, 0])
  })

  it('that is longer than any is refused before the TPM is asked', async () => {
    const uri = await checkedIn({ auth: 'yes' }, 'typed')
    await expect(ask(uri, 'x'.repeat(65))).rejects.toMatchObject({ code: 'ERR_SECRET_INVALID' })
    expect(await wrongAuthCount(device.tpm)).toBe(0)
  })
})

describe('a parent', () => {
  it('with an auth value is used with that of the URI, and named where the URI has none', async () => {
    await device.tools.keep(
      'createprimary',
      '-C',
      'o',
      '-G',
      'ecc256:aes128cfb',
      '-p',
      'parent-auth',
      '-c',
      'locked.ctx',
    )
    await device.tools.run('evictcontrol', '-C', 'o', '-c', 'locked.ctx', '0x81000300')
    const query = { 'parent-auth-source': 'prompt:' }
    const place = { ...fresh(query, 'parent-auth'), path: { ...fresh().path, parent: '0x81000300' } }
    const { uri } = await importAt(at(), place)
    expect(await ask(uri, 'parent-auth')).toBe(dayAnswer)
    const untold = uri.with({ query: { 'parent-auth-source': undefined } })
    const refusal = { code: 'ERR_PIN_REQUIRED', hint: expect.stringContaining('parent-auth-source=') }
    await expect(ask(untold)).rejects.toMatchObject(refusal)
    await expect(ask(uri, 'wrong')).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT' })
    await clearLockout()
    await device.tools.run('evictcontrol', '-C', 'o', '-c', '0x81000300')
  })

  it('that is not the one of the file is refused as foreign, and says what was tried', async () => {
    const uri = await checkedIn({})
    const elsewhere = uri.with({ path: { parent: 'rsa-srk' }, query: { 'salt-name': undefined } })
    await expect(ask(elsewhere)).rejects.toMatchObject({ code: 'ERR_KEY_UNUSABLE' })
  })

  it('that is looked for may be another key than the one that sessions are salted to', async () => {
    const place = fresh({ salt: hex(device.parent) })
    const { uri } = await importAt(at(), { ...place, path: { ...place.path, parent: 'rsa-srk' } })
    // The salt that was made beforehand is used up by the first parent that is tried.
    const untold = KeyUri.of('tpm2', { file: uri.get('file') ?? '' }, { device: at(), salt: hex(device.parent) })
    const pinned = { 'salt-name': uri.get('salt-name') ?? '', 'salt-public': uri.get('salt-public') ?? '' }
    expect(await ask(untold.with({ query: pinned }))).toBe(dayAnswer)
  })

  it('may be another key than the one that sessions are salted to', async () => {
    const { uri } = await importAt(at(), fresh({ salt: hex(device.parent) }))
    expect([uri.get('salt'), uri.get('parent')]).toEqual([hex(device.parent), 'h2'])
    expect(uri.has('salt-public')).toBe(true)
    expect(await ask(uri)).toBe(dayAnswer)
  })
})

describe('the TPM', () => {
  it('is given back soon after a use, so that another program can have it, and taken again for the next', async () => {
    const key = await openAt(at(), { path: { handle: hex(device.handle) } })
    for (let turn = 0; turn < 2; turn += 1) {
      expect(answerText(await key.hmac(day))).toBe(dayAnswer)
      // swtpm has one client: tpm2-tools would wait for ever.
      expect(await device.tools.run('getrandom', '--hex', '4')).toMatch(/^[0-9a-f]{8}$/)
    }
    await key.close()
  })

  it('is given back after an opening that nobody uses', async () => {
    const key = await openAt(at(), { path: { handle: hex(device.handle) } })
    await sleep(400)
    expect(await leftInTpm(device.tpm)).toEqual([])
    expect(answerText(await key.hmac(day))).toBe(dayAnswer)
    await key.close()
  })

  it('that is named wrongly is refused by the URI', async () => {
    const uri = KeyUri.parse('tpm2:handle=0x81010100?device=tabrmd:')
    await expect(openKey(uri)).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
  })
})

it('refuses a time that is none', () => {
  for (const commandMilliseconds of [0, -1, Number.NaN, 2 ** 31]) {
    expect(() => tpm2Backend({ commandMilliseconds })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  }
})
