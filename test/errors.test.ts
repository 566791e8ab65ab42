// The one error class, as far as foreign text in it goes. In: names as long as files and headers may be.
// Out: one line that a terminal can bear.

import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { HardkeyError } from '../src/errors.ts'
import { KeyUri } from '../src/key/uri.ts'
import { UrlSplitter } from '../src/sigv4/request.ts'
import { sigV4Signer } from '../src/sigv4/signer.ts'

const long = 'x'.repeat(60_000)

it('tells the beginning of a message that foreign text makes longer than 2000 characters', () => {
  const { message } = new HardkeyError('ERR_URI_INVALID', `no attribute ${long}`)
  expect([message.length, message.slice(0, 14), message.at(-1)]).toEqual([2001, 'no attribute x', '…'])
})

it('leaves a message of 2000 characters as it is', () => {
  const whole = 'x'.repeat(2000)
  expect(new HardkeyError('ERR_URI_INVALID', whole).message).toBe(whole)
})

it('shows what it has, and nothing that it has not', () => {
  const shown = inspect(new HardkeyError('ERR_TIMEOUT', 'too late', { hint: 'ask again' }))
  expect(shown.slice(shown.lastIndexOf('{'))).toBe(
    "{\n  code: 'ERR_TIMEOUT',\n  tryAgain: true,\n  hint: 'ask again'\n}",
  )
})

const keys = { accessKeyId: 'AKIDEXAMPLE', dateKey: () => Promise.reject(new Error('not asked')) }

it.each([
  ['an attribute of a key URI', () => KeyUri.parse(`pkcs11:${long}=a;${long}=b`)],
  ['a region', () => sigV4Signer({ keys, region: long.toUpperCase(), service: 's3' })],
  ['a scheme', () => new UrlSplitter().split(`${long}://a`)],
])('is short for %s of 60,000 characters', (_, act) => {
  try {
    act()
    expect.unreachable('it was taken')
  } catch (error) {
    expect(error).toBeInstanceOf(HardkeyError)
    expect(String(error).length).toBeLessThan(2100)
  }
})
