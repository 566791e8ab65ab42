// A secret checks in (F-P24, F-P25, F-R11): what the token must keep is set and read back, and what it
// does not protect is removed again. An independent client, pkcs11-tool, looks at what is there.

import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { KeyUri } from '../../../src/key/uri.ts'
import { kryoptic } from '../../peers/kryoptic.ts'
import { testPin } from '../../peers/softhsm.ts'
import { childrenLeft, day, dayAnswer, type Fixture, fixture, hex, pins } from './fixture.ts'
import { pkcs11Tool } from './pkcs11-tool.ts'

const place = 'token=prod;object=fresh;id=%01%02'
let device: Fixture

beforeAll(async () => {
  device = await fixture()
})
afterAll(() => device.remove())
beforeEach(() => device.shim.forget())
afterEach(() => {
  device.shim.order()
  expect(childrenLeft()).toEqual([])
})

/** What pkcs11-tool lists on the token `prod`. */
function listed(): Promise<string> {
  return pkcs11Tool(device.hsm, '--list-objects')
}

async function expectRefusal(order: readonly string[], expected: object): Promise<void> {
  device.shim.order(...order)
  await expect(device.importKey(device.uri(place))).rejects.toMatchObject(expected)
  device.shim.order()
  expect(await listed()).not.toContain('fresh')
}

async function expectImport(order: readonly string[], look: (uri: KeyUri) => void = () => {}): Promise<void> {
  device.shim.order(...order)
  const imported = await device.importKey(device.uri(place))
  look(imported.uri)
  const key = await device.open(imported.uri)
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  await imported.remove()
}

it('sets every attribute that keeps the secret in and binds the key to HMAC-SHA256', async () => {
  const imported = await device.importKey(device.uri(place))
  const on = { CKA_TOKEN: true, CKA_PRIVATE: true, CKA_SENSITIVE: true, CKA_SIGN: true }
  const off = { CKA_EXTRACTABLE: false, CKA_DERIVE: false, CKA_WRAP: false, CKA_UNWRAP: false, CKA_ENCRYPT: false }
  const rest = { CKA_DECRYPT: false, CKA_MODIFIABLE: false, CKA_COPYABLE: false, CKA_VERIFY: false }
  const mechanisms = { CKA_ALLOWED_MECHANISMS: 'CKM_SHA256_HMAC' }
  expect(imported.info.attributes).toMatchObject({ ...on, ...off, ...rest, ...mechanisms, CKA_ID: '0102' })
  expect(imported.info.warnings).toEqual([])
  expect(await listed()).toMatch(/fresh[\s\S]*sensitive/)
  await imported.remove()
  expect(await listed()).not.toContain('fresh')
})

it('gives a URI that names this very key, keeps the pin-source and holds no PIN', async () => {
  const uri = device.uri(place).with({ query: { 'pin-source': 'file:/run/pin' } })
  const imported = await device.importKey(uri)
  await imported.remove()
  expect(imported.uri.names()).toEqual(expect.arrayContaining(['token', 'serial', 'object', 'id', 'module-path']))
  expect(imported.uri.get('pin-source')).toBe('file:/run/pin')
  expect(`${imported.uri}`).not.toContain(testPin)
})

it('reads an id of hexadecimal digits as bytes, and says so', async () => {
  const imported = await device.importKey(device.uri('token=prod;object=digits;id=0a0b'))
  await imported.remove()
  expect(imported.info.attributes).toMatchObject({ CKA_ID: '0a0b' })
  expect(imported.info.warnings.join()).toMatch(/hexadecimal digits/)
})

it('makes an id of its own where the URI names none', async () => {
  const first = await device.importKey(device.uri('token=prod;object=one'))
  const second = await device.importKey(device.uri('token=prod;object=two'))
  expect(first.uri.bytes('id')).toHaveLength(8)
  expect(first.uri.bytes('id')).not.toEqual(second.uri.bytes('id'))
  await Promise.all([first.remove(), second.remove()])
})

it.each([
  ['label', 'token=prod;object=aws;id=%09'],
  ['id', 'token=prod;object=another;id=%01%02'],
])('F-R11: never overwrites a key of the same %s', async (_name, path) => {
  const taken = await device.importKey(device.uri(place))
  await expect(device.importKey(device.uri(path))).rejects.toMatchObject({ code: 'ERR_KEY_EXISTS' })
  await taken.remove()
})

it('lets one of two imports of the same name win', async () => {
  const name = `race-${randomUUID()}`
  const both = await Promise.allSettled([1, 2].map(() => device.importKey(device.uri(`token=prod;object=${name}`))))
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  for (const result of both) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_KEY_EXISTS' })
    else await result.value.remove()
  }
  expect(await listed()).not.toContain(name)
})

it.each([
  ['CKA_EXTRACTABLE', 'tell 0x162 1'],
  ['CKA_SENSITIVE', 'tell 0x103 0'],
  ['CKA_PRIVATE', 'tell 0x2 0'],
  ['CKA_TOKEN', 'tell 0x1 0'],
  ['CKA_DERIVE', 'tell 0x10c 1'],
  ['CKA_WRAP', 'tell 0x106 1'],
  ['CKA_COPYABLE', 'tell 0x171 1'],
  ['CKA_MODIFIABLE', 'tell 0x170 1'],
  ['CKA_EXTRACTABLE', 'untell 0x162'],
  ['CKA_SENSITIVE', 'untell 0x103'],
])('F-P24: removes the object where the token does not keep %s (%s)', async (name, order) => {
  const expected = { code: 'ERR_KEY_UNUSABLE', message: expect.stringContaining(name) }
  await expectRefusal([`C_GetAttributeValue * ${order}`], expected)
})

it.each([
  ['CKA_ALLOWED_MECHANISMS', ['C_CreateObject * refuse 0x40000600 0x12', 'C_GetAttributeValue * untell 0x40000600']],
  ['CKA_COPYABLE', ['C_CreateObject * refuse 0x171 0xd1', 'C_GetAttributeValue * untell 0x171']],
  ['either', ['C_CreateObject * refuse 0x171 0x12', 'C_CreateObject * refuse 0x40000600 0x13']],
])('works on a token that does not know %s', async (_name, orders) => {
  await expectImport([...orders, 'C_GetAttributeValue * untell 0x171'])
})

it.each([
  ['CKA_DERIVE', '0x10c'],
  ['CKA_WRAP', '0x106'],
  ['CKA_PRIVATE', '0x2'],
])('says that the token does not tell %s', async (name, type) => {
  device.shim.order(`C_GetAttributeValue * untell ${type}`)
  const imported = await device.importKey(device.uri(place))
  await imported.remove()
  expect(imported.info.warnings).toEqual([`the token does not tell ${name}`])
})

it('makes a CKK_SHA256_HMAC key where the token takes no generic secret', async () => {
  device.shim.order('C_CreateObject * refusekey 0x10 0x13')
  const imported = await device.importKey(device.uri(place))
  expect(imported.info.attributes).toMatchObject({ CKA_KEY_TYPE: 'CKK_SHA256_HMAC' })
  const key = await device.open(imported.uri)
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  await imported.remove()
})

it('F-P25: refuses a write-protected token before anything is asked or changed', async () => {
  await expectRefusal(['C_GetTokenInfo * set 0x2'], { code: 'ERR_BACKEND_UNSUPPORTED' })
  expect([device.shim.count('C_Login'), device.shim.count('C_CreateObject')]).toEqual([0, 0])
})

it('F-P25: says that the token is full, and leaves nothing there', async () => {
  await expectRefusal(['C_CreateObject * return 0x31'], {
    code: 'ERR_DEVICE_FAILED',
    hint: expect.stringMatching(/room/),
  })
})

it.each([
  ['hangs', 'C_GetAttributeValue * hang', 'ERR_TIMEOUT'],
  ['crashes', 'C_GetAttributeValue * crash', 'ERR_DEVICE_FAILED'],
])('F-R01: removes the object again when the module %s before it was read back', async (_what, order, code) => {
  device.shim.order(order)
  const importing = device.importKey(device.uri(place), { pin: untilLogin(2) })
  await expect(importing).rejects.toMatchObject({ code })
  expect(await listed()).not.toContain('fresh')
})

it.each([
  ['CKR_GENERAL_ERROR', '0x5'],
  ['CKR_DEVICE_ERROR', '0x30'],
])('F-R01: leaves no object behind where the module makes it and answers %s', async (serviceCode, status) => {
  await expectRefusal([`C_CreateObject * after ${status}`], { serviceCode })
})

it('F-R01: removes the object again when the look for others of its name fails', async () => {
  await expectRefusal(['C_FindObjectsInit 3 return 0x30'], { serviceCode: 'CKR_DEVICE_ERROR' })
})

it('tells that an unchecked key may be left where it cannot be looked for', async () => {
  device.shim.order('C_GetAttributeValue * crash')
  const lost = device.uri('token=prod;object=lost;id=%0f')
  await expect(device.importKey(lost)).rejects.toMatchObject({
    code: 'ERR_DEVICE_FAILED',
    message: expect.stringContaining('unchecked'),
    hint: expect.stringMatching(/: pkcs11-tool --delete-object .*object=lost/),
  })
  await pkcs11Tool(device.hsm, '--delete-object', '--type', 'secrkey', '--label', 'lost')
})

it('says what kryoptic keeps less narrow than asked, and that the key is good', async () => {
  const token = await kryoptic('prod')
  const uri = device.uri(place, token.module)
  const imported = await device.importKey(uri, { environment: token.environment })
  const key = await device.open(imported.uri, { environment: token.environment })
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  await imported.remove()
  expect(imported.info.attributes).toMatchObject({ CKA_SENSITIVE: true, CKA_EXTRACTABLE: false, CKA_PRIVATE: true })
  token.remove()
})

/** Takes the orders back when the PIN is asked for the nth time, so that what follows works. */
function untilLogin(times: number): ReturnType<typeof pins> {
  const pin = pins(testPin)
  const counting: typeof pin = Object.assign(
    async (request: Parameters<typeof pin>[0]) => {
      if (pin.asked() + 1 === times) device.shim.order()
      return await pin(request)
    },
    { asked: pin.asked, targets: pin.targets },
  )
  return counting
}
