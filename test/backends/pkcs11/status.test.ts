// What a CK_RV means to a user: one code for one cause, the name of the specification, one line.

import { expect, it } from 'vitest'
import { recoveryOf, refusalError, statusName } from '../../../src/backends/pkcs11/status.ts'

it.each([
  ['C_Login', 0xa0, 'CKR_PIN_INCORRECT', 'ERR_PIN_INCORRECT'],
  ['C_Login', 0xa4, 'CKR_PIN_LOCKED', 'ERR_PIN_LOCKED'],
  ['C_Sign', 0x32, 'CKR_DEVICE_REMOVED', 'ERR_DEVICE_UNAVAILABLE'],
  ['C_Sign', 0x1b, 'CKR_ACTION_PROHIBITED', 'ERR_POLICY_REFUSED'],
  ['C_SignInit', 0x63, 'CKR_KEY_TYPE_INCONSISTENT', 'ERR_KEY_UNUSABLE'],
  ['C_SignInit', 0x82, 'CKR_OBJECT_HANDLE_INVALID', 'ERR_KEY_NOT_FOUND'],
  ['C_CreateObject', 0xd1, 'CKR_TEMPLATE_INCONSISTENT', 'ERR_BACKEND_UNSUPPORTED'],
  ['C_OpenSession', 0xb1, 'CKR_SESSION_COUNT', 'ERR_DEVICE_UNAVAILABLE'],
])('%s answering %i is %s, %s', (name, status, serviceCode, code) => {
  const error = refusalError(name, status, 'token "prod"')
  expect(error).toMatchObject({ code, serviceCode, message: expect.stringContaining('token "prod"') })
})

it('names a status that no specification knows by its number', () => {
  expect(statusName(0x8000_0001)).toBe('CKR_0x80000001')
  expect(refusalError('C_Sign', 0x8000_0001, 'token "prod"')).toMatchObject({ code: 'ERR_DEVICE_FAILED' })
})

it('starts over for a lost session, takes a new session after a device error, and does neither for a PIN', () => {
  const after = (status: number) => recoveryOf(refusalError('C_Sign', status, 'token'))
  expect([0xb3, 0x30, 0xa0].map(after)).toEqual(['reopen', 'session', 'none'])
  expect(recoveryOf(new Error('CKR_SESSION_CLOSED'))).toBe('none')
})
