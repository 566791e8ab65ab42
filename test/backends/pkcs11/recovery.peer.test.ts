// A key that is open for long (F-P09 to F-P16): the token is taken out and comes back, sessions are lost, the device
// errs, the object is removed or made anew. The call is answered rightly or fails clearly, and the PIN is asked for once
// more at most.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { HmacKey } from '../../../src/key/hmac-key.ts'
import type { PinSource } from '../../../src/key/pin-source.ts'
import { testPin } from '../../peers/softhsm.ts'
import { childrenLeft, day, dayAnswer, type Fixture, fixture, hex, pins } from './fixture.ts'

let device: Fixture
let pin: ReturnType<typeof pins>
let key: HmacKey

beforeAll(async () => {
  device = await fixture()
})
afterAll(() => device.remove())
beforeEach(async () => {
  device.shim.order()
  pin = pins(testPin)
  key = await device.open(device.uri('token=prod;object=aws'), { pin, pauseMilliseconds: 1 })
  device.shim.forget()
})
afterEach(async () => {
  await key.close()
  expect(childrenLeft()).toEqual([])
})

it('F-P09: names the token that was taken out, and finds it again when it is back', async () => {
  device.hsm.unplug()
  const gone = { code: 'ERR_DEVICE_UNAVAILABLE', message: expect.stringContaining('"prod"'), tryAgain: true }
  await expect(key.hmac(day)).rejects.toMatchObject(gone)
  await expect(key.hmac(day)).rejects.toMatchObject(gone)
  expect(pin.asked()).toBe(1)
  device.hsm.plug()
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  expect([pin.asked(), device.shim.count('C_Login')]).toEqual([2, 1])
})

it.each([
  ['CKR_SESSION_HANDLE_INVALID', '0xb3'],
  ['CKR_SESSION_CLOSED', '0xb0'],
  ['CKR_DEVICE_REMOVED', '0x32'],
  ['CKR_TOKEN_NOT_PRESENT', '0xe0'],
  ['CKR_TOKEN_NOT_RECOGNIZED', '0xe1'],
  ['CKR_CRYPTOKI_NOT_INITIALIZED', '0x190'],
  ['CKR_USER_NOT_LOGGED_IN', '0x101'],
])('F-P12: starts over once after %s, with one new login', async (_name, status) => {
  device.shim.order(`C_Sign +1 return ${status}`)
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  expect([pin.asked(), device.shim.count('C_Login')]).toEqual([2, 1])
})

it('F-P12: does not start over for ever', async () => {
  device.shim.order('C_Sign * return 0xb3')
  await expect(key.hmac(day)).rejects.toMatchObject({ serviceCode: 'CKR_SESSION_HANDLE_INVALID' })
  expect([device.shim.count('C_Login'), device.shim.count('C_Sign')]).toEqual([1, 2])
})

it('F-P10: refuses another token that has taken the place under the same label', async () => {
  device.shim.order('C_Sign * return 0x32', 'C_GetTokenInfo * serial 4711')
  await expect(key.hmac(day)).rejects.toMatchObject({
    code: 'ERR_DEVICE_UNAVAILABLE',
    hint: expect.stringContaining('4711'),
  })
  expect(pin.asked()).toBe(1)
})

it.each([
  ['CKR_DEVICE_ERROR', '0x30'],
  ['CKR_DEVICE_MEMORY', '0x31'],
  ['CKR_GENERAL_ERROR', '0x5'],
  ['CKR_FUNCTION_FAILED', '0x6'],
  ['CKR_OPERATION_ACTIVE', '0x90'],
  ['CKR_KEY_HANDLE_INVALID', '0x60'],
])('F-P13, F-P15, F-P16: takes a new session once after %s, without a login', async (_name, status) => {
  device.shim.order(`C_SignInit 1 return ${status}`)
  // The first call of the process was counted before the orders came.
  await key.hmac(day)
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  expect([pin.asked(), device.shim.count('C_Login'), device.shim.count('C_OpenSession')]).toEqual([1, 0, 1])
})

it('F-P13: leaves a device alone for a while that errs again on a new session', async () => {
  const patient = await device.open(device.uri('token=prod;object=aws'), { pauseMilliseconds: 60_000 })
  device.shim.order('C_Sign * return 0x30')
  device.shim.forget()
  await expect(patient.hmac(day)).rejects.toMatchObject({ serviceCode: 'CKR_DEVICE_ERROR' })
  await expect(patient.hmac(day)).rejects.toMatchObject({ serviceCode: 'CKR_DEVICE_ERROR' })
  expect(device.shim.count('C_Sign')).toBe(2)
  await patient.close()
})

it('F-P16: says that the key is gone when its object was removed, and finds a new one of its name', async () => {
  const made = await device.importKey(device.uri('token=prod;object=passing'))
  const passing = await device.open(device.uri('token=prod;object=passing'), { pauseMilliseconds: 1 })
  await made.remove()
  device.shim.order('C_SignInit * return 0x60')
  await expect(passing.hmac(day)).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' })
  device.shim.order()
  const again = await device.importKey(device.uri('token=prod;object=passing'))
  expect(hex(await passing.hmac(day))).toBe(dayAnswer)
  await passing.close()
  await again.remove()
})

it('F-P01: a PIN that is refused after a lost session is not tried again by this key', async () => {
  const changing = pins(testPin, 'canary-other-pin')
  const other = await device.open(device.uri('token=prod;object=aws'), { pin: changing })
  device.shim.forget()
  device.shim.order('C_Sign * return 0xb3')
  const refused = { code: 'ERR_PIN_INCORRECT', tryAgain: false }
  for (let times = 0; times < 3; times++) await expect(other.hmac(day)).rejects.toMatchObject(refused)
  expect([changing.asked(), device.shim.count('C_Login')]).toEqual([2, 1])
  await other.close()
})

it('F-P01: calls that wait behind a login refused by CKR_GENERAL_ERROR do not try the PIN again', async () => {
  device.shim.order('C_Sign * return 0xb3', 'C_Login * return 0x5')
  const calls = await Promise.allSettled([1, 2, 3].map(() => key.hmac(day)))
  expect(calls).toEqual(
    [1, 2, 3].map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'ERR_PIN_INCORRECT' }) })),
  )
  expect([pin.asked(), device.shim.count('C_Login')]).toEqual([2, 1])
})

it('can be closed when a call was given up while the PIN was asked for again', async () => {
  const controller = new AbortController()
  const first = pins(testPin)
  const asking: PinSource = async (request) => {
    if (first.asked() === 0) return await first(request)
    controller.abort(new Error('given up'))
    return await new Promise(() => {})
  }
  const other = await device.open(device.uri('token=prod;object=aws'), { pin: asking })
  device.shim.order('C_Sign * return 0xb3')
  await expect(other.hmac(day, { signal: controller.signal })).rejects.toThrow('given up')
  await expect(other.close()).resolves.toBeUndefined()
})

it('F-P19: after a login that hung, logs in again only where the token shows that no PIN was refused', async () => {
  device.shim.order('C_Sign * return 0xb3', 'C_Login * hang')
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  device.shim.order('C_GetTokenInfo * set 0x10000')
  await new Promise((resolve) => setTimeout(resolve, 10))
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_PIN_LOCKED' })
  expect(device.shim.count('C_Login')).toBe(1)
})

it('F-P19: calls that wait behind a login that hung do not give the PIN again', async () => {
  const place = device.uri('token=prod;object=aws')
  const patient = await device.open(place, { timeoutMilliseconds: 5000, pauseMilliseconds: 60_000 })
  device.shim.forget()
  device.shim.order('C_Sign * return 0xb3', 'C_Login * hang')
  const calls = await Promise.allSettled([1, 2, 3].map(() => patient.hmac(day)))
  expect(calls.map((call) => call.status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(device.shim.count('C_Login')).toBe(1)
  await patient.close()
})

it('F-P19: after a login that hung, the next call logs in again where the token shows no wrong PIN', async () => {
  device.shim.order('C_Sign * return 0xb3', 'C_Login * hang')
  await expect(key.hmac(day)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  device.shim.order()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
})
