// TSS2 PRIVATE KEY files that are none. B-060 to B-066: each is refused with ERR_KEY_FILE_INVALID, on one line, with its
// place. RFC 7468; X.690; draft-bottomley-tpm2-keys, section 3.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseKeyDer, parseKeyFile } from '../../../src/backends/tpm2/documents/key-file.ts'
import { expectLibraryRefuses } from '../../bad-input/refused.ts'
import { element, explicit, keyDer, keyPem, octets, policyEntry, policyField, types } from './key-files.ts'
import * as tools from './made-by-tools.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex')
const text = (content: string): Uint8Array => new Uint8Array(Buffer.from(content))
const code = 'ERR_KEY_FILE_INVALID'
const refuses = (file: string | Uint8Array, says: string | RegExp): Promise<void> =>
  expectLibraryRefuses(() => parseKeyFile(typeof file === 'string' ? text(file) : file), { code, says })

const True = element(0x01, bytes('ff'))
const secretField = explicit(2, octets(bytes('0003010203')))

describe('B-060 a file that is no PEM of a TPM key', () => {
  const right = tools.pemWithoutAuth
  const [begin = '', first = ''] = right.split('\n')

  it.each<[string, string, string]>([
    ['nothing', '', 'is empty'],
    ['blank lines', '\n \r\n\n', 'is empty'],
    ['PRIVATE KEY', keyPem(keyDer(), 'PRIVATE KEY'), 'is a PEM of "PRIVATE KEY", not of "TSS2 PRIVATE KEY"'],
    ['CERTIFICATE', keyPem(keyDer(), 'CERTIFICATE'), '"CERTIFICATE"'],
    ['a key of a TPM 1.2', keyPem(keyDer(), 'TSS KEY BLOB'), '"TSS KEY BLOB"'],
    ['another label at the end', right.replace('END TSS2', 'END'), 'has no line -----END'],
    ['no end line', right.split('-----END')[0] ?? '', 'has no line -----END'],
    ['no line before the base64', right.slice(begin.length + 1), 'line 1 is another'],
    ['text before it', `key of the machine\n${right}`, 'line 1 is another'],
    ['two blocks', right + right, 'has a second block in line 9'],
    ['text behind it', `${right}more`, 'has text behind its end in line 9'],
    ['text within it', right.replace(first, `${first}\nComment: mine`), 'is not base64 in line 3, column 8'],
    [
      'a header of old',
      right.replace(begin, `${begin}\nProc-Type: 4,ENCRYPTED\n`),
      'is not base64 in line 2, column 5',
    ],
    ['a byte order mark', `\ufeff${right}`, 'line 1 is another'],
    ['NUL bytes', `${begin}\n\0\0\0\n-----END TSS2 PRIVATE KEY-----`, 'in line 2, column 1'],
    ['more than 64 KiB', right.padEnd(70_000), 'has more than 65536 bytes'],
  ])('is refused with the line: %s', (_, file, says) => refuses(file, says))

  it('is refused when it is DER without a PEM around it', () => refuses(keyDer(), 'line 1 is another'))
})

describe('B-061 a PEM of something that is no DER of a key', () => {
  const begin = '-----BEGIN TSS2 PRIVATE KEY-----\n'
  const end = '\n-----END TSS2 PRIVATE KEY-----\n'
  const base64 = keyDer().toString('base64')
  const nested = (depth: number): Buffer =>
    Array.from({ length: depth }).reduce<Buffer>((inner) => explicit(0, inner), True)

  it.each<[string, string, string]>([
    ['no base64', begin + end, 'has base64 that is cut or wrongly padded'],
    ['base64 without padding', begin + base64.replace(/=*$/, '').slice(0, -1) + end, 'cut or wrongly padded'],
    ['padding in the middle', `${begin}AAA=${base64}${end}`, 'cut or wrongly padded'],
    ['base64 with bits behind its end', `${begin}AB==${end}`, 'cut or wrongly padded'],
    ['base64url', begin + base64.replace(/.$/, '_') + end, 'not base64 in line 2'],
  ])('is refused: %s', (_, file, says) => refuses(file, says))

  it.each<[string, Uint8Array, string]>([
    ['another tag', element(0x31, bytes('00')), 'byte 0 of its DER: the key has a wrong tag'],
    [
      'a string in place of the type',
      element(0x30, octets(bytes('00'))),
      'byte 2 of its DER: the type has a wrong tag',
    ],
    ['an indefinite length', bytes('30800000'), 'byte 1 of its DER: a length is indefinite'],
    ['a length of five bytes', bytes('308500000000010000'), 'byte 1 of its DER: a length is too long'],
    [
      'a length that is not the shortest',
      bytes('308103060100'),
      'byte 1 of its DER: a length is not in its shortest form',
    ],
    ['a length past the end', bytes('300a0601'), 'byte 0 of its DER: the key runs past the end'],
    ['a length past the end within', element(0x30, bytes('06ff6781')), 'byte 3 of its DER'],
    [
      'a tag of two bytes',
      element(0x30, element(0x06, bytes(types.loadable)), bytes('bf1f0100')),
      'byte 10 of its DER: a tag',
    ],
    ['bytes behind it', Buffer.concat([keyDer(), bytes('00')]), 'its DER: 1 bytes too many'],
    ['another element behind its private area', element(0x30, keyDer().subarray(3), True), 'bytes too many'],
    ['a thousand nested tags', keyDer({ fields: [nested(1000)] }), 'emptyAuth has a wrong tag'],
    ['fields in another order', keyDer({ fields: [secretField, explicit(0, True)] }), 'not in their order'],
    ['a field twice', keyDer({ fields: [explicit(0, True), explicit(0, True)] }), 'not in their order'],
    ['an empty BOOLEAN', keyDer({ fields: [explicit(0, element(0x01))] }), '1 bytes should follow'],
    ['a BOOLEAN of two bytes', keyDer({ fields: [explicit(0, element(0x01, bytes('ffff')))] }), '1 bytes too many'],
    [
      'a description that is not UTF-8',
      keyDer({ fields: [explicit(4, element(0x0c, bytes('ff')))] }),
      'the description is not UTF-8',
    ],
    ['a public area that is cut', keyDer({ publicArea: bytes('0004000800') }), 'bytes should follow'],
    [
      'a public area with bytes behind it',
      keyDer({ publicArea: bytes(`${tools.hmacPublic2b}00`) }),
      '1 bytes too many',
    ],
    ['an object of no type', keyDer({ publicArea: bytes('000a0099000b000400400000') }), 'an object of type 0x0099'],
    ['no private area', keyDer({ privateArea: bytes('0000') }), 'the private area is empty'],
    ['an importable key without a secret', keyDer({ type: types.importable }), 'an importable key has no secret'],
  ])('is refused with its offset: %s', (_, der, says) => refuses(keyPem(der), says))

  it('is refused wherever it is cut off', async () => {
    const fields = [explicit(0, True), policyField(policyEntry('016b', bytes(''))), secretField]
    const whole = keyDer({ type: types.importable, fields })
    for (let length = 0; length < whole.length; length++) {
      await expectLibraryRefuses(() => parseKeyDer(new Uint8Array(whole.subarray(0, length))), { code })
    }
  })

  it('is refused and nothing else happens, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (der) => {
        expect(() => parseKeyDer(der)).toThrow(expect.objectContaining({ code }))
      }),
    )
  })
})

describe('B-062 a key file of another type', () => {
  it.each([
    ['sealed data', types.sealed, 'is of the type 2.23.133.10.1.5: sealed data'],
    ['a key of PKCS #1', types.rsaEncryption, 'is of the type 1.2.840.113549.1.1.1'],
    ['a type that is cut', '67810581', 'the type is cut off'],
    ['a type of no bytes', '', 'the type is cut off'],
    ['a type with a number beyond 32 bits', '67ffffffffff7f', 'the type is too long'],
    ['a type of many numbers', '67'.repeat(40), 'the type is too long'],
  ])('is refused by its name: %s', (_, type, says) => refuses(keyPem(keyDer({ type })), says))
})

describe('B-063 a key file with another object', () => {
  const changed = (at: number, digits: string): Buffer => {
    const area = bytes(tools.hmacPublic2b)
    area.set(bytes(digits), at)
    return area
  }

  it.each([
    ['an RSA key', bytes(tools.rsaEkPublic2b), 'holds an RSA-2048 key, no HMAC key'],
    ['an ECC key', bytes(tools.officePublic2b), 'holds an ECC key on NIST_P256'],
    ['HMAC with SHA-1', changed(14, '0004'), 'holds a key for HMAC with SHA1, not with SHA256'],
    ['sign clear', changed(6, '00000040'), 'sign is clear'],
    ['restricted set', changed(6, '00050040'), 'restricted is set'],
  ])('is refused with its attribute named: %s', (_, publicArea, says) => refuses(keyPem(keyDer({ publicArea })), says))
})

describe('B-065 a key file whose parent is none', () => {
  it.each([
    ['the null hierarchy', '40000007', 'names the parent 0x40000007'],
    ['the platform hierarchy', '4000000c', 'names the parent 0x4000000c'],
    ['an NV index', '01500001', 'names the parent 0x01500001'],
    ['zero', '00', 'names the parent 0x00000000'],
    ['a number beyond 32 bits', '0180000000', 'the parent is no number of 32 bits'],
    ['a negative number', 'ff', 'the parent is negative'],
    ['an INTEGER of no bytes', 'missing', 'the parent is no number of 32 bits'],
    ['no INTEGER', '', 'the parent has a wrong tag or is missing'],
  ])('is refused: %s', (_, parent, says) => {
    if (parent !== 'missing') return refuses(keyPem(keyDer({ parent })), says)
    return refuses(keyPem(keyDer({ parent: '', fields: [element(0x02)] })), says)
  })
})

describe('B-066 a key file whose policy is none', () => {
  const entry = policyEntry('016b', bytes(''))
  const withCode = (content: Uint8Array): Buffer => element(0x30, explicit(0, content), explicit(1, octets(bytes(''))))

  it.each<[string, Buffer, string]>([
    [
      'an unknown command',
      policyField(policyEntry('016a', bytes(''))),
      'policy command 0x0000016a is none that hardkey knows',
    ],
    ['no command', policyField(), 'the policy is empty'],
    ['a thousand commands', policyField(...Array<Buffer>(1000).fill(entry)), 'the policy has more than 32 commands'],
    [
      'a command without its parameters',
      policyField(element(0x30, explicit(0, element(0x02, bytes('016b'))))),
      'commandPolicy is missing',
    ],
    [
      'a command whose code is text',
      policyField(withCode(element(0x0c, Buffer.from('a')))),
      'a command code has a wrong tag',
    ],
    ['parameters where there are none', policyField(policyEntry('016b', bytes('00'))), '1 bytes too many'],
    ['PCRs cut off', policyField(policyEntry('017f', bytes('000000000001'))), 'should follow'],
    ['something that is no list', explicit(1, entry), 'a policy command has a wrong tag'],
  ])('is refused: %s', (_, field, says) => refuses(keyPem(keyDer({ fields: [field] })), says))
})
