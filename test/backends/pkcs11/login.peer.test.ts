// Logging in (F-P01 to F-P08): a PIN is asked for once and tried once, never where it could lock the token, and not at
// all where the token asks for it itself or asks nobody.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { testPin } from '../../peers/softhsm.ts'
import { childrenLeft, day, dayAnswer, type Fixture, fixture, hex, pins } from './fixture.ts'

const aws = 'token=prod;object=aws'
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

async function refusal(order: string, pinSource = ''): Promise<unknown> {
  device.shim.order(order)
  const uri = pinSource === '' ? device.uri(aws) : device.uri(aws).with({ query: { 'pin-source': pinSource } })
  return await device.open(uri).then(
    async (key) => await key.close(),
    (error: unknown) => error,
  )
}

it('F-P01: tries a wrong PIN once', async () => {
  const pin = pins('canary-wrong-pin')
  const opening = device.open(device.uri(aws), { pin })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_PIN_INCORRECT', serviceCode: 'CKR_PIN_INCORRECT' })
  expect([pin.asked(), device.shim.count('C_Login')]).toEqual([1, 1])
})

it('F-P01: tells the tries that are left when a PIN was wrong', async () => {
  device.shim.order('C_GetTokenInfo 2 set 0x20000', 'C_GetTokenInfo 3 set 0x20000')
  const opening = device.open(device.uri(aws), { pin: pins('canary-wrong-pin') })
  await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('one try is left') })
})

it.each([
  ['F-P01', 'CKR_GENERAL_ERROR, as some answer a wrong PIN', 'C_Login * return 0x5', 'ERR_PIN_INCORRECT'],
  ['F-P02', 'CKR_PIN_LOCKED', 'C_Login * return 0xa4', 'ERR_PIN_LOCKED'],
  ['F-P05', 'CKR_PIN_EXPIRED', 'C_Login * return 0xa3', 'ERR_POLICY_REFUSED'],
  ['F-P05', 'CKR_PIN_LEN_RANGE', 'C_Login * return 0xa2', 'ERR_PIN_INCORRECT'],
  ['F-P05', 'CKR_USER_PIN_NOT_INITIALIZED', 'C_Login * return 0x102', 'ERR_PIN_REQUIRED'],
  ['F-P07', 'CKR_USER_ANOTHER_ALREADY_LOGGED_IN', 'C_Login * return 0x104', 'ERR_DEVICE_FAILED'],
  ['F-P07', 'CKR_USER_TOO_MANY_TYPES', 'C_Login * return 0x105', 'ERR_DEVICE_FAILED'],
  ['F-P08', 'CKR_FUNCTION_CANCELED', 'C_Login * return 0x50', 'ERR_PIN_REQUIRED'],
])('%s: does not log in again after %s', async (_id, _name, order, code) => {
  expect(await refusal(order)).toMatchObject({ code, tryAgain: false })
  expect(device.shim.count('C_Login')).toBe(1)
})

it.each([
  ['F-P02', 'whose PIN is locked', '0x40000', '', 'ERR_PIN_LOCKED'],
  ['F-P03', 'that the next wrong PIN would lock', '0x20000', '', 'ERR_PIN_LOCKED'],
  ['F-P04', 'that had a wrong PIN, where no person is asked', '0x10000', 'file:/run/pin', 'ERR_PIN_LOCKED'],
])('%s: tries no PIN on a token %s', async (_id, _what, flag, source, code) => {
  expect(await refusal(`C_GetTokenInfo * set ${flag}`, source)).toMatchObject({ code })
  expect(device.shim.count('C_Login')).toBe(0)
})

it('F-P04: warns the person before the login when the PIN before was wrong', async () => {
  device.shim.order('C_GetTokenInfo * set 0x10000')
  const pin = pins(testPin)
  const key = await device.open(device.uri(aws), { pin })
  await key.close()
  expect(pin.targets()[0]).toMatch(/token "prod".*few tries are left/)
  expect(key.info.warnings.join()).toMatch(/wrong PIN/)
})

it('F-P06: being logged in already is success', async () => {
  device.shim.order('C_Login * after 0x100')
  const key = await device.open(device.uri(aws))
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
})

it('lets the person type the PIN at the device where it has keys of its own', async () => {
  device.shim.order('C_GetTokenInfo * set 0x100', `C_Login * pad ${testPin}`)
  const pin = pins(testPin)
  const key = await device.open(device.uri(aws), { pin })
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  expect(pin.asked()).toBe(0)
  expect(device.shim.calls()).toContain('C_Login pad')
})

it('takes the PIN from the pin-source that the URI names, also where the device has keys of its own', async () => {
  device.shim.order('C_GetTokenInfo * set 0x100')
  const uri = device.uri(aws).with({ query: { 'pin-source': 'file:/run/pin' } })
  await (await device.open(uri)).close()
  expect(device.shim.calls()).toContain('C_Login pin')
})

it('F-P08: waits longer for a person at the device than for the device, and ends then', async () => {
  device.shim.order('C_GetTokenInfo * set 0x100', 'C_Login * sleep 6000', `C_Login * pad ${testPin}`)
  const times = { timeoutMilliseconds: 5000, pinPadTimeoutMilliseconds: 60_000 }
  await (await device.open(device.uri(aws), times)).close()
  device.shim.order('C_GetTokenInfo * set 0x100', 'C_Login * hang')
  const opening = device.open(device.uri(aws), { ...times, pinPadTimeoutMilliseconds: 6000 })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_TIMEOUT', message: expect.stringContaining('6 s') })
})

it('asks for no PIN on a token that wants none, and says so', async () => {
  device.shim.order('C_GetTokenInfo * clear 0x4')
  const pin = pins(testPin)
  const imported = await device.importKey(device.uri('token=prod;object=open-to-all'), { pin })
  const key = await device.open(imported.uri, { pin })
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  await imported.remove()
  expect(key.info.warnings.join()).toMatch(/asks nobody for a PIN/)
  expect([pin.asked(), device.shim.count('C_Login')]).toEqual([0, 0])
})

it('ends the process of the module when the call is aborted before the PIN is given', async () => {
  const controller = new AbortController()
  const late = new Uint8Array(Buffer.from(testPin))
  let give = (_pin: Uint8Array): void => {}
  const pin = () => {
    controller.abort(new Error('given up'))
    return new Promise<Uint8Array>((resolve) => {
      give = resolve
    })
  }
  const opening = device.open(device.uri(aws), { pin, signal: controller.signal })
  await expect(opening).rejects.toThrow('given up')
  give(late)
  await new Promise((resolve) => setImmediate(resolve))
  expect([device.shim.count('C_Login'), late.every((byte) => byte === 0)]).toEqual([0, true])
})

it('gives an empty PIN to no token', async () => {
  const opening = device.open(device.uri(aws), { pin: async () => new Uint8Array(0) })
  await expect(opening).rejects.toMatchObject({ code: 'ERR_PIN_REQUIRED' })
  expect(device.shim.count('C_Login')).toBe(0)
})

it('wipes the PIN, also when it was wrong', async () => {
  for (const text of [testPin, 'canary-wrong-pin']) {
    const given = new Uint8Array(Buffer.from(text))
    const opening = device.open(device.uri(aws), { pin: async () => given })
    await opening.then(
      (key) => key.close(),
      () => undefined,
    )
    expect(given.every((byte) => byte === 0)).toBe(true)
  }
})
