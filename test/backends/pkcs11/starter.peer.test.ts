// An opening that was begun ahead: what it may do before it is wanted, and what becomes of it where nobody wants it.

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { pkcs11Starter } from '../../../src/backends/pkcs11/starter.ts'
import { testPin } from '../../peers/softhsm.ts'
import { day, dayAnswer, type Fixture, fixture, hex, pins } from './fixture.ts'

let device: Fixture

beforeAll(async () => {
  device = await fixture()
})
afterAll(() => device.remove())
beforeEach(() => {
  device.shim.order()
  device.shim.forget()
})

const startedAt = (uri = device.uri('token=prod;object=aws')) => ({
  uri,
  started: pkcs11Starter({ environment: device.shim.environment }).start(uri),
})

it('goes on in the process that was started, and asks for the PIN once', async () => {
  const pin = pins(testPin)
  const { uri, started } = startedAt()
  const key = await started.open(uri, { pin })
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
  await started.end()
  expect([device.shim.count('C_Initialize'), pin.asked()]).toEqual([1, 1])
})

it('logs in nowhere and opens no session where nobody opens the key', async () => {
  const { started } = startedAt()
  await started.end()
  await started.end()
  expect([device.shim.count('C_OpenSession'), device.shim.count('C_Login')]).toEqual([0, 0])
})

it('opens another process for another key', async () => {
  const { started } = startedAt()
  const key = await started.open(device.uri('token=prod;object=aws'), { pin: pins(testPin) })
  await started.end()
  expect(hex(await key.hmac(day))).toBe(dayAnswer)
  await key.close()
})

it('tells what failed to whoever opens the key', async () => {
  device.shim.order('C_Initialize * return 0x30')
  const { uri, started } = startedAt()
  const pin = pins(testPin)
  await expect(started.open(uri, { pin })).rejects.toMatchObject({ code: 'ERR_DEVICE_FAILED' })
  expect(pin.asked()).toBe(0)
})

it('ends what it started where the key URI names no key', async () => {
  const { uri, started } = startedAt(device.uri('token=prod'))
  await expect(started.open(uri, { pin: pins(testPin) })).rejects.toMatchObject({ code: 'ERR_URI_INVALID' })
  await started.end()
})
