// What a TPM's response code means to a user: one code for one cause, the name of the specification, where it lies.

import { expect, it } from 'vitest'
import {
  commandName,
  decodeStatus,
  recoveryOf,
  refusalError,
  repeatOf,
  statusText,
} from '../../../src/backends/tpm2/status.ts'
import { statusRows } from '../../../src/backends/tpm2/wire/status-table.ts'
import { HardkeyError } from '../../../src/errors.ts'

const hmac = { commandCode: 0x155, device: '/dev/tpmrm0' }

it.each([
  ['F-T01 resubmit', 0x922, 'TPM_RC_RETRY', 'ERR_DEVICE_UNAVAILABLE'],
  ['F-T02 testing', 0x90a, 'TPM_RC_TESTING', 'ERR_DEVICE_UNAVAILABLE'],
  ['F-T03 wrong auth, counted', 0x98e, 'TPM_RC_AUTH_FAIL', 'ERR_PIN_INCORRECT'],
  ['F-T03 wrong auth, noDA', 0x9a2, 'TPM_RC_BAD_AUTH', 'ERR_PIN_INCORRECT'],
  ['F-T04 lockout', 0x921, 'TPM_RC_LOCKOUT', 'ERR_PIN_LOCKED'],
  ['F-T06 no room', 0x902, 'TPM_RC_OBJECT_MEMORY', 'ERR_DEVICE_UNAVAILABLE'],
  ['F-T11 cleared, key file', 0x1df, 'TPM_RC_INTEGRITY', 'ERR_KEY_UNUSABLE'],
  ['F-T11 cleared, handle', 0x18b, 'TPM_RC_HANDLE', 'ERR_KEY_NOT_FOUND'],
  ['F-T11 handle out of range', 0x184, 'TPM_RC_VALUE', 'ERR_KEY_NOT_FOUND'],
  ['F-T13 PCR changed', 0x99d, 'TPM_RC_POLICY_FAIL', 'ERR_POLICY_REFUSED'],
  ['F-T14 no session', 0x12f, 'TPM_RC_AUTH_UNAVAILABLE', 'ERR_POLICY_REFUSED'],
  ['F-T18 failure mode', 0x101, 'TPM_RC_FAILURE', 'ERR_DEVICE_FAILED'],
  ['F-T18 not started', 0x100, 'TPM_RC_INITIALIZE', 'ERR_DEVICE_FAILED'],
  ['F-T19 lost session', 0x918, 'TPM_RC_REFERENCE_S0', 'ERR_DEVICE_FAILED'],
  ['F-T19 lost object', 0x910, 'TPM_RC_REFERENCE_H0', 'ERR_KEY_NOT_FOUND'],
  ['command not there', 0x143, 'TPM_RC_COMMAND_CODE', 'ERR_BACKEND_UNSUPPORTED'],
  ['handle taken', 0x14c, 'TPM_RC_NV_DEFINED', 'ERR_KEY_EXISTS'],
  ['object is no HMAC key', 0x19c, 'TPM_RC_KEY', 'ERR_KEY_UNUSABLE'],
  ['a parameter of the same kind', 0x2dc, 'TPM_RC_KEY', 'ERR_DEVICE_FAILED'],
])('%s: %i is %s, %s', (_, responseCode, serviceCode, code) => {
  const error = refusalError(responseCode, hmac)
  expect(error).toMatchObject({ code, serviceCode, message: expect.stringContaining('/dev/tpmrm0') })
})

it.each([
  [0x1df, 'TPM_RC_INTEGRITY (parameter 1, 0x1df)'],
  [0x98e, 'TPM_RC_AUTH_FAIL (session 1, 0x98e)'],
  [0xa8e, 'TPM_RC_AUTH_FAIL (session 2, 0xa8e)'],
  [0x28b, 'TPM_RC_HANDLE (handle 2, 0x28b)'],
  [0xfd5, 'TPM_RC_SIZE (parameter 15, 0xfd5)'],
  [0x095, 'TPM_RC_SIZE (0x095)'],
  [0x921, 'TPM_RC_LOCKOUT (0x921)'],
  [0x000b_0143, 'TPM_RC_COMMAND_CODE (0x143)'],
  [0x57f, 'TPM_RC_0x57f (0x57f)'],
])('shows 0x%s as %s', (responseCode, text) => {
  expect(statusText(responseCode)).toBe(text)
})

it('names whose auth value was refused', () => {
  const authorized = ['the owner hierarchy', 'the key']
  const command = { commandCode: 0x155, device: 'x', authorized }
  expect(refusalError(0xa8e, command).message).toBe(
    'the TPM at x refused the auth value of the key: TPM2_HMAC with TPM_RC_AUTH_FAIL (session 2, 0xa8e)',
  )
  expect(refusalError(0x9a2, command).message).toContain('the owner hierarchy')
  expect(refusalError(0x9a2, hmac).message).toContain('of an object')
})

it('F-T01 F-T02 sends the same bytes again after codes that say that nothing has happened, and after no other', () => {
  const again = statusRows.filter(({ base }) => repeatOf(base) !== undefined).map(({ name }) => name.slice(7))
  expect(again).toEqual(['YIELDED', 'CANCELED', 'TESTING', 'NV_RATE', 'RETRY', 'NV_UNAVAILABLE'])
  expect([0x98e, 0x9a2, 0x921, 0x99d].map(repeatOf)).toEqual([undefined, undefined, undefined, undefined])
})

it('F-T03 F-T04 F-T18 starts over after lost handles and a full TPM, never after a refused auth value, lockout or failure', () => {
  const after = (code: number) => recoveryOf(refusalError(code, hmac))
  expect([0x902, 0x903, 0x905, 0x906, 0x901, 0x910, 0x918].map(after)).toEqual(Array(7).fill('session'))
  expect([0x98e, 0x9a2, 0x921, 0x99d, 0x101, 0x100, 0x1df].map(after)).toEqual(Array(7).fill('none'))
  expect(recoveryOf(new HardkeyError('ERR_DEVICE_FAILED', 'other'))).toBe('none')
  expect(recoveryOf(new Error('TPM_RC_REFERENCE_S0'))).toBe('none')
})

it('has one row for each code, and gives each back by its number', () => {
  expect(new Set(statusRows.map(({ base }) => base)).size).toBe(statusRows.length)
  expect(new Set(statusRows.map(({ name }) => name)).size).toBe(statusRows.length)
  for (const { base, name } of statusRows) expect(decodeStatus(base).name).toBe(name)
})

it('names commands as the specification does', () => {
  expect([0x155, 0x17e, 0x7777].map(commandName)).toEqual(['TPM2_HMAC', 'TPM2_PCR_Read', 'TPM2_0x7777'])
})
