// B-020 to B-029 and B-035 through the command: a key URI, or what unlocks its device, is refused before a device is
// asked; a PIN is never shown. Which tokens and keys a right URI finds is the business of test/backends/.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CheckedIn, region } from '../cli/checked-in.ts'
import type { Ran } from '../cli/hardkey.ts'
import { temporaryFolder } from '../files/temporary-folder.ts'
import { expectCommandRefuses, expectRefused, type Refusal } from './refused.ts'

const pin = 'canary-pin-8431'
const canaries = { pin: Buffer.from(pin) }
const uriInvalid = (says?: string | RegExp, hint?: string | RegExp): Refusal => ({
  code: 'ERR_URI_INVALID',
  says,
  hint,
  canaries,
})

let there: CheckedIn
beforeAll(async () => {
  there = await CheckedIn.make()
})
afterAll(() => there.remove())

const whoami = (uri: string): string[] => ['whoami', uri, '--access-key-id', there.accessKeyId, '--region', region]

describe('what names no device', () => {
  it.each([
    'vault:key=fleet',
    'tink:file=two.keyset.json?kek=azure-kv://k',
    'tink:file=two.keyset.json?kek=aws-kms://k',
  ])('%s is refused before anybody is asked for a secret', async (uri) =>
    expectCommandRefuses(there.home, ['import', 'two', '--to', uri, '--offline'], uriInvalid()),
  )

  it.each(['tpm9:handle=1', 'file:/etc/key', 'https://example.com/key'])(
    'B-020: %s is refused with the schemes that there are',
    async (uri) => {
      const refusal: Refusal = { code: 'ERR_BACKEND_UNKNOWN', hint: 'pkcs11:, tpm2:, vault:, tink:' }
      await expectCommandRefuses(there.home, whoami(uri), refusal)
      await expectCommandRefuses(there.home, ['import', 'two', '--to', uri, '--offline'], refusal)
    },
  )

  it('B-020: a URI without a scheme is refused', async () => {
    await expectCommandRefuses(there.home, whoami(':object=aws'), uriInvalid('scheme'))
  })

  it.each(['/dev/tpmrm0', 'prod'])('B-020: %s as a device is refused', async (to) => {
    const words = ['import', 'two', '--to', to, '--offline']
    await expectCommandRefuses(there.home, words, { code: 'ERR_USAGE', says: 'no device', hint: 'hardkey devices' })
  })

  it('B-020: nothing at all is refused', async () => {
    await expectCommandRefuses(there.home, whoami(''), { code: 'ERR_USAGE', says: 'NAME is empty' })
  })
})

describe('a key URI', () => {
  const there28 = '?module-path=/m.so'
  it.each([
    ['B-021', 'an unknown attribute', 'pkcs11:token=a;objekt=b?module-path=/m.so', '"objekt"', 'did you mean "object"'],
    ['B-021', 'an attribute twice', 'pkcs11:token=a;token=b', '"token" stands twice, again at character 16', undefined],
    ['B-021', 'a bad percent code', 'pkcs11:token=a%2', '"token" has a bad percent code at character 15', undefined],
    ['B-021', 'a NUL byte', 'pkcs11:token=a%00', '"token" at character 8 has a NUL byte', undefined],
    ['B-021', 'a ";" at the end', 'pkcs11:token=a;', 'empty attribute at character 16', undefined],
    ['B-021', 'a "?" twice', 'pkcs11:token=a?pin-source=fd:3?x=y', 'character at 31', undefined],
    ['B-021', 'an unknown attribute of a keyset', 'tink:fiel=x?kek=passphrase:', '"fiel"', 'did you mean "file"'],
    ['B-022', 'neither object nor id', `pkcs11:token=a${there28}`, 'names no key', 'quote the URI'],
    ['B-023', 'an odd number of hexadecimal digits', `pkcs11:id=010${there28}`, 'odd number', 'id=%01%02'],
    ['B-023', 'half of a byte', `pkcs11:id=%0${there28}`, '"id" has a bad percent code', undefined],
    ['B-024', 'type=private', `pkcs11:object=b;type=private${there28}`, 'type=private', 'type=secret-key'],
    ['B-024', 'type=cert', `pkcs11:object=b;type=cert${there28}`, 'type=cert', 'type=secret-key'],
    ['B-026', 'a command as pin-source', 'tink:file=x?kek=passphrase:&pin-source=|touch%20here', 'command', 'file:'],
    ['B-028', 'a relative module', 'pkcs11:object=b?module-path=m.so', 'not absolute', undefined],
    ['B-028', 'module-name', 'pkcs11:object=b?module-name=softhsm2', 'module-name', 'module-path='],
    ['B-028', 'a module that is not there', 'pkcs11:object=b?module-path=/no/such.so', '/no/such.so', 'install'],
    ['B-029', 'a slot that is no number', `pkcs11:object=b;slot-id=x${there28}`, 'slot-id', undefined],
    ['B-029', 'a slot beyond 32 bits', `pkcs11:object=b;slot-id=4294967296${there28}`, '0 to 4294967295', undefined],
    ['B-029', 'a negative slot', `pkcs11:object=b;slot-id=-1${there28}`, 'slot-id', undefined],
  ])('%s: is refused with %s', async (_id, _what, uri, says, hint) => {
    await expectCommandRefuses(there.home, whoami(uri), uriInvalid(says, hint))
  })

  it('B-035: of 64 KiB is refused', async () => {
    await expectCommandRefuses(there.home, whoami(`pkcs11:object=${'a'.repeat(65_536)}`), uriInvalid('65535'))
  })

  it('B-028: is refused where others can change its module', async () => {
    const folder = join(temporaryFolder(), 'folder')
    mkdirSync(folder)
    const module = join(folder, 'module.so')
    writeFileSync(module, '')
    chmodSync(module, 0o666)
    await expectCommandRefuses(there.home, whoami(`pkcs11:object=b?module-path=${module}`), uriInvalid(module, 'chmod'))
  })
})

describe('a key URI that a shell has cut', () => {
  const full = 'pkcs11:token=prod;object=aws?module-path=/m.so&pin-source=file:/p'
  it.each<[string, Refusal['code'], string[]]>([
    ['at ";", with all that stood behind it', 'ERR_USAGE', [full.split(';')[0] ?? '']],
    ['at "&", with all that stood behind it', 'ERR_USAGE', [full.split('&')[0] ?? '']],
    // Without p11-kit no module is found, with it no key is named: either way the hint is the same.
    ['at ";", behind the ID', 'ERR_URI_INVALID', ['--access-key-id', 'AKIAABCDEFGHIJKLMNOP', full.split(';')[0] ?? '']],
  ])('B-022: %s, is refused with the advice to quote it', async (_, code, words) => {
    const refusal: Refusal = { code, hint: /quote (?:the URI|it): a shell ends a word at/ }
    await expectCommandRefuses(there.home, ['whoami', ...words, '--region', region], refusal)
  })

  it('B-022: is refused likewise where a module is set by PKCS11_MODULE_PATH', async () => {
    const environment = { PKCS11_MODULE_PATH: '/m.so' }
    const refusal = uriInvalid('names no key', 'quote the URI')
    await expectCommandRefuses(there.home, whoami('pkcs11:token=prod'), refusal, { environment })
  })
})

describe('a pin-value', () => {
  const warned = (ran: Ran): void => {
    expect(ran.stderr.match(/^hardkey: warning: pin-value .*$/gm)).toHaveLength(1)
  }
  const uri = `tink:file=missing?kek=passphrase:&pin-value=${pin}`

  it('B-025: is warned of, and shown nowhere', async () => {
    const ran = await there.home.run(['--verbose', ...whoami(uri)])
    warned(ran)
    expectRefused(ran, { code: 'ERR_KEY_NOT_FOUND', canaries })
  })

  it('B-025: is warned of at an import, and not kept in the record', async () => {
    const words = ['import', 'pinned', '--to', uri.replace('missing', 'pinned'), '--offline', '--from', 'stdin']
    const ran = await there.home.run(['--verbose', ...words, '--access-key-id', there.accessKeyId], {
      input: there.secretAccessKey,
    })
    warned(ran)
    expect([ran.status, ran.stdout.includes(pin), ran.stderr.includes(pin)]).toEqual([0, false, false])
    expect(there.home.read('hardkey/keys/pinned.json')).not.toContain('pin-value')
  })

  it('B-025: beside a pin-source is refused', async () => {
    await expectCommandRefuses(there.home, whoami(`${uri}&pin-source=fd:3`), uriInvalid('both'))
  })
})

describe('a pin-source', () => {
  const inspect = (source: string): string[] => ['inspect', 'prod', '--pin-source', source]

  it('B-026: that is a command is refused, and not run', async () => {
    const marker = join(temporaryFolder(), 'ran')
    for (const source of [`|touch ${marker}`, `file:|touch ${marker}`]) {
      await expectCommandRefuses(there.home, inspect(source), uriInvalid('command'))
    }
    expect(() => chmodSync(marker, 0o600)).toThrow('ENOENT')
  })

  it.each<[string, string, Refusal['code'], string]>([
    ['empty', '', 'ERR_SECRET_INVALID', 'is empty'],
    ['nothing but a line ending', '\n', 'ERR_SECRET_INVALID', 'is empty'],
    ['two lines', `${pin}\n${pin}\n`, 'ERR_SECRET_INVALID', 'more than one line'],
    ['1025 bytes', pin.padEnd(1025, 'x'), 'ERR_SECRET_INVALID', 'longer than 1024'],
    ['100 KiB', pin.repeat(7000), 'ERR_URI_INVALID', 'at most'],
  ])('B-027: whose file is or has %s is refused, and the file not shown', async (_, content, code, says) => {
    const source = `file:${there.home.write('pin', content)}`
    await expectCommandRefuses(there.home, inspect(source), { code, says, canaries })
  })

  it.each([
    ['world-readable', 0o644],
    ['readable by the group', 0o640],
    ['writable by others', 0o602],
  ])('B-027: whose file is %s is refused, and the file not shown', async (_, mode) => {
    const path = there.home.write('open-pin', pin)
    chmodSync(path, mode)
    await expectCommandRefuses(there.home, inspect(`file:${path}`), uriInvalid(path))
  })

  it('B-027: that is missing, or a folder, is refused by its name', async () => {
    await expectCommandRefuses(there.home, inspect('file:/no/such/pin'), uriInvalid('/no/such/pin'))
    await expectCommandRefuses(there.home, inspect(`file:${there.home.folder}`), uriInvalid(there.home.folder))
  })

  it('B-027: that is the PIN itself is refused, and not shown', async () => {
    const refusal: Refusal = { code: 'ERR_USAGE', hint: 'visible to others', canaries }
    await expectCommandRefuses(there.home, inspect(pin), refusal)
  })
})
