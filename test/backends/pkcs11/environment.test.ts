// What the process of a module gets of our environment: what sets the module up, and none of our secrets.

import { expect, it } from 'vitest'
import { childEnvironment } from '../../../src/backends/pkcs11/environment.ts'
import { KeyUri } from '../../../src/key/uri.ts'

const uri = KeyUri.parse('pkcs11:object=b?module-path=/m.so&pin-source=env:TOKEN_PIN')

it('hands on what modules are set up by', () => {
  const given = { SOFTHSM2_CONF: '/etc/softhsm2.conf', VENDOR_SETTING: 'x', PATH: '/usr/bin', HOME: '/root' }
  expect(childEnvironment(given, uri)).toEqual(given)
})

it('withholds credentials, the PIN, and what changes how Node runs', () => {
  const given = {
    AWS_SECRET_ACCESS_KEY: 'a',
    VAULT_TOKEN: 'b',
    BAO_TOKEN: 'c',
    HARDKEY_HOME: 'd',
    NODE_OPTIONS: '--inspect',
    Aws_Session_Token: 'e',
    TOKEN_PIN: 'f',
  }
  expect(childEnvironment(given, uri)).toEqual({})
})
