// Where the TPM is, in every form that hardkey, tpm2-tools and the Go programs write it.

import { expect, it } from 'vitest'
import {
  describeTpmAddress,
  formatTpmAddress,
  parseTpmAddress,
  type TpmAddress,
} from '../../../src/backends/tpm2/wire/tcti.ts'

const tcp = (host: string, port: number): TpmAddress => ({ kind: 'tcp', host, port })

it.each<[string | undefined, TpmAddress]>([
  [undefined, { kind: 'device', path: '/dev/tpmrm0' }],
  ['/dev/tpm0', { kind: 'device', path: '/dev/tpm0' }],
  ['device:/dev/tpmrm1', { kind: 'device', path: '/dev/tpmrm1' }],
  ['device', { kind: 'device', path: '/dev/tpmrm0' }],
  ['libtss2-tcti-device.so.0:/dev/tpm0', { kind: 'device', path: '/dev/tpm0' }],
  ['swtpm', tcp('127.0.0.1', 2321)],
  ['swtpm:', tcp('127.0.0.1', 2321)],
  ['swtpm:host=tpm.lan,port=2400', tcp('tpm.lan', 2400)],
  ['swtpm:port=2400', tcp('127.0.0.1', 2400)],
  ['swtpm:host=::1,port=2400', tcp('::1', 2400)],
  ['libtss2-tcti-swtpm.so:host=localhost,port=65535', tcp('localhost', 65_535)],
  ['swtpm:path=/run/tpm/sock', { kind: 'unix', path: '/run/tpm/sock' }],
  ['unix:/run/tpm/sock', { kind: 'unix', path: '/run/tpm/sock' }],
  ['127.0.0.1:2321', tcp('127.0.0.1', 2321)],
  ['localhost:1', tcp('localhost', 1)],
  ['mssim:2321', tcp('mssim', 2321)],
  ['[::1]:2321', tcp('::1', 2321)],
])('%s is read', (text, address) => {
  expect(parseTpmAddress(text)).toEqual(address)
  expect(parseTpmAddress(formatTpmAddress(address))).toEqual(address)
})

it.each([
  ['', 'is not the address of a TPM'],
  ['tpm0', 'is not the address of a TPM'],
  ['device:tpm0', 'not a path that starts with "/"'],
  ['swtpm:host=a,host=b', '"host" twice'],
  ['swtpm:path=/x,port=1', 'a path and a host or port'],
  ['swtpm:sock=/x', '"sock=/x" is no part'],
  ['swtpm:port=0', 'not a port'],
  ['swtpm:port=65536', 'not a port'],
  ['swtpm:port=1e3', 'not a port'],
  ['host:123456', 'not a port'],
  ['unix:', 'is not the address of a TPM'],
  ['::1:2321', 'is not the address of a TPM'],
  ['/dev/tpm\0', 'a zero byte'],
])('refuses %j', (text, words) => {
  expect(() => parseTpmAddress(text)).toThrow(
    expect.objectContaining({ code: 'ERR_URI_INVALID', message: expect.stringContaining(words) }),
  )
})

it.each([
  ['tabrmd:bus_type=session', 'tabrmd', '/dev/tpmrm0'],
  ['mssim:host=localhost,port=2321', 'mssim', 'swtpm'],
  ['libtss2-tcti-tabrmd.so.0', 'tabrmd', '/dev/tpmrm0'],
  ['simulator', 'simulator', 'swtpm'],
])('refuses %s by name and says what to use', (text, name, remedy) => {
  expect(() => parseTpmAddress(text)).toThrow(
    expect.objectContaining({
      code: 'ERR_URI_INVALID',
      message: `a TPM cannot be reached by ${name}`,
      hint: expect.stringContaining(remedy),
    }),
  )
})

it('shows an address to a person without the words of a TCTI', () => {
  const shown = ['device:/dev/tpm0', 'swtpm:host=::1,port=7', 'unix:/s', '127.0.0.1:7'].map((text) =>
    describeTpmAddress(parseTpmAddress(text)),
  )
  expect(shown).toEqual(['/dev/tpm0', '[::1]:7', '/s', '127.0.0.1:7'])
})
