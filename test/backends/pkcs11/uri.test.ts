// What a pkcs11: URI may say (B-020 to B-029), told before any process is started or any PIN asked for.

import { chmodSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pkcs11Backend } from '../../../src/backends/pkcs11/backend.ts'
import { findP11KitProxy } from '../../../src/backends/pkcs11/module-path.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { temporaryFolder } from '../../files/temporary-folder.ts'

async function failureOf(uri: string): Promise<unknown> {
  const pin = async () => {
    throw new Error('a PIN was asked for')
  }
  try {
    return await pkcs11Backend().open(KeyUri.parse(uri), { pin })
  } catch (error) {
    return error
  }
}

it.each([
  ['B-021', 'an unknown attribute', 'pkcs11:token=a;objekt=b?module-path=/m.so', 'did you mean "object"'],
  ['B-022', 'neither object nor id', 'pkcs11:token=a?module-path=/m.so', 'quote the URI'],
  ['B-023', 'an odd number of hexadecimal digits as id', 'pkcs11:id=010?module-path=/m.so', 'id=%01%02'],
  ['B-024', 'type=private', 'pkcs11:object=b;type=private?module-path=/m.so', 'type=secret-key'],
  ['B-024', 'type=cert', 'pkcs11:object=b;type=cert?module-path=/m.so', 'type=secret-key'],
  ['B-028', 'no module-path', 'pkcs11:object=b', 'module-path='],
  ['B-028', 'a relative module-path', 'pkcs11:object=b?module-path=m.so', 'folder in which'],
  ['B-028', 'module-name', 'pkcs11:object=b?module-name=softhsm2', 'module-path='],
  ['B-028', 'a module that is not there', 'pkcs11:object=b?module-path=/no/such/module.so', 'install the module'],
])('%s: refuses %s', async (_id, _what, uri, hint) => {
  expect(await failureOf(uri)).toMatchObject({ code: 'ERR_URI_INVALID', hint: expect.stringContaining(hint) })
})

it.each(['x', '-1', '4294967296', '1e3', ''])('B-029: refuses slot-id=%s', async (slot) => {
  const uri = `pkcs11:object=b;slot-id=${slot}?module-path=/m.so`
  expect(await failureOf(uri)).toMatchObject({ code: 'ERR_URI_INVALID', message: expect.stringContaining('slot-id') })
})

it('refuses a token name that is not UTF-8', async () => {
  expect(await failureOf('pkcs11:token=%ff;object=b?module-path=/m.so')).toMatchObject({ code: 'ERR_URI_INVALID' })
})

it('B-028: refuses a folder as module', async () => {
  const failure = await failureOf(`pkcs11:object=b?module-path=${temporaryFolder()}`)
  expect(failure).toMatchObject({ code: 'ERR_URI_INVALID', message: expect.stringContaining('not a file') })
})

it.skipIf(process.platform === 'win32').each([
  ['that others can write', 0o646, 0o700],
  ['that a group can write', 0o664, 0o700],
  ['in a folder that others can write', 0o644, 0o777],
])('B-028: refuses a module %s, also behind a link', async (_what, fileMode, folderMode) => {
  const folder = join(temporaryFolder(), 'folder')
  mkdirSync(folder)
  const module = join(folder, 'module.so')
  writeFileSync(module, '')
  chmodSync(module, fileMode)
  chmodSync(folder, folderMode)
  const link = join(temporaryFolder(), 'link.so')
  symlinkSync(module, link)
  const isRootsGroup = process.getgid?.() === 0 && fileMode === 0o664
  for (const path of [module, link]) {
    const failure = await failureOf(`pkcs11:object=b?module-path=${path}`)
    if (!isRootsGroup) {
      expect(failure).toMatchObject({ code: 'ERR_URI_INVALID', hint: expect.stringContaining('chmod go-w') })
    }
  }
})

it.runIf(process.getuid?.() === 0).each([
  ['a folder', ''],
  ['the module', 'module.so'],
])('B-028: refuses a link to %s that another user can point elsewhere', async (_what, name) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'module.so'), '')
  const place = temporaryFolder()
  chmodSync(place, 0o1777)
  symlinkSync(join(folder, name), join(place, 'link'))
  lchownSync(join(place, 'link'), 65534, 65534)
  const failure = await failureOf(`pkcs11:object=b?module-path=${join(place, name === '' ? 'link/module.so' : 'link')}`)
  expect(failure).toMatchObject({ code: 'ERR_URI_INVALID', message: expect.stringContaining('another user') })
})

it.each([0, -1, Number.NaN, 2 ** 31])('refuses to wait for %d milliseconds', (time) => {
  for (const name of ['timeoutMilliseconds', 'pinPadTimeoutMilliseconds', 'pauseMilliseconds']) {
    expect(() => pkcs11Backend({ [name]: time })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }))
  }
})

it('finds p11-kit-proxy where it is, and nothing where it is not', () => {
  expect(findP11KitProxy((path) => path.startsWith('/usr/lib64/'))).toBe('/usr/lib64/p11-kit-proxy.so')
  expect(findP11KitProxy(() => false)).toBeUndefined()
})
