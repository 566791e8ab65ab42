// The duplication file of tpmcopy: proto3 JSON with an importable key in it. Each wrong one is refused with
// ERR_KEY_FILE_INVALID and the member named.

import { describe, expect, it } from 'vitest'
import {
  formatDuplicationFile,
  isDuplicationFile,
  parseDuplicationFile,
} from '../../../src/backends/tpm2/documents/duplication-file.ts'
import { parentKinds } from '../../../src/backends/tpm2/documents/parents.ts'
import { expectLibraryRefuses } from '../../bad-input/refused.ts'
import { explicit, keyDer, keyPem, octets, types } from './key-files.ts'
import * as tools from './made-by-tools.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits, 'hex')
const secretField = explicit(2, octets(bytes('0003010203')))
const key = keyPem(keyDer({ type: types.importable, fields: [secretField], parent: '40000140' }))
const parentName = tools.rsaEkName
const right = { name: 'prod', version: 1, type: 'HMAC', parentKeyType: 'EndorsementRSA', key, parentName }
const file = (change: object = {}): Buffer => Buffer.from(JSON.stringify({ ...right, ...change }))
const code = 'ERR_KEY_FILE_INVALID'

describe('a duplication file', () => {
  it('says for which parent it is, and holds the key that TPM2_Import takes', () => {
    const read = parseDuplicationFile(file())
    expect(read).toMatchObject({
      name: 'prod',
      parentKind: 'rsa-ek',
      form: 'importable',
      encryptedSecret: new Uint8Array([1, 2, 3]),
    })
    expect(Buffer.from(read.parentName).toString('hex')).toBe(parentName)
  })

  it.each([
    ['EndorsementRSA', 'rsa-ek'],
    ['EndoresementECC', 'ecc-ek'],
    [undefined, 'ecc-ek'],
    [null, 'ecc-ek'],
    ['H2', 'h2'],
    ['ECCSRK', 'ecc-srk'],
    ['RSASRK', 'rsa-srk'],
    [4, 'rsa-srk'],
  ])('of the parent %s is for %s', (parentKeyType, kind) => {
    expect(parseDuplicationFile(file({ parentKeyType })).parentKind).toBe(kind)
  })

  it('is read as proto3 JSON may be written', () => {
    const spaced = JSON.stringify({ ...right, type: 2, version: '1', name: undefined, pcrs: [] }, null, 2)
    expect(parseDuplicationFile(Buffer.from(` ${spaced}\n`))).toMatchObject({ name: '', parentKind: 'rsa-ek' })
  })

  it('is told from a PEM by how it begins', () => {
    expect(
      [file(), Buffer.from('\n {'), Buffer.from(tools.pemWithoutAuth), Buffer.alloc(0)].map(isDuplicationFile),
    ).toEqual([true, true, false, false])
  })

  it.each(parentKinds)('for %s is read as it was written', (parentKind) => {
    const { object, ...content } = { ...parseDuplicationFile(file()), parentKind }
    expect(parseDuplicationFile(Buffer.from(formatDuplicationFile(content)))).toEqual({ ...content, object })
  })

  it('leaves out what is 0, as the JSON of proto3 does', () => {
    const { object: _, ...content } = { ...parseDuplicationFile(file({ name: '' })), parentKind: 'ecc-ek' as const }
    expect(JSON.parse(formatDuplicationFile(content))).toEqual({ version: 1, type: 'HMAC', key, parentName })
  })

  it('is not written for a key that is not importable', () => {
    const content = parseDuplicationFile(file())
    expect(() => formatDuplicationFile({ ...content, form: 'loadable' })).toThrow(RangeError)
  })

  it('is refused wherever it is cut off', async () => {
    const whole = file()
    for (let length = 0; length < whole.length; length++) {
      await expectLibraryRefuses(() => parseDuplicationFile(whole.subarray(0, length)), { code, says: 'is not JSON' })
    }
  })

  const json = JSON.stringify(right)
  it.each<[string, string | Buffer, string]>([
    ['nothing', '', 'is not JSON'],
    ['a list', '[]', 'is no JSON object'],
    ['null', 'null', 'is no JSON object'],
    ['bytes that are not UTF-8', bytes('7bff7d'), 'is not UTF-8 text'],
    ['more than 64 KiB', json.padEnd(70_000), 'has more than 65536 bytes'],
    ['a member twice', json.replace('"version":1', '"version":1,"version":1'), 'has a member twice'],
    ['a policy in JSON', '{"description":"","policy":[{"type":"POLICYPCR"}]}', 'is a policy in JSON, which hardkey'],
    ['a key of the FAPI', '{"objectType":1,"system":"NO"}', 'is an object of the Feature API'],
    ['an unknown member', file({ more: 1 }), 'has a member that is none of name, version'],
    ['__proto__', json.replace('"version":1', '"version":1,"__proto__":{}'), 'has a member that is none of'],
    ['another version', file({ version: 2 }), 'is of a version that is not 1'],
    ['no version', file({ version: undefined }), 'is of a version that is not 1'],
    ['a version that is none', file({ version: 1.5 }), 'version is not a whole number'],
    ['B-063 an ECC key, whose type is left out', file({ type: undefined }), 'holds a key of type ECC, no HMAC key'],
    ['B-063 sealed data', file({ type: 'KEYEDHASH' }), 'holds a key of type KEYEDHASH'],
    ['a type that is none', file({ type: 'Hmac' }), 'type is not one of ECC, RSA, HMAC'],
    ['a type by a number that is none', file({ type: 9 }), 'holds a key of type 9'],
    ['a parent that is none', file({ parentKeyType: 'EndorsementECC' }), 'parentKeyType is not one of EndoresementECC'],
    ['a parent by a number that is none', file({ parentKeyType: 5 }), 'parentKeyType is not a parent'],
    ['PCRs', file({ pcrs: [{ pcr: 1 }] }), 'pcrs is not an empty list'],
    ['a name that is no text', file({ name: 1 }), 'name is not text'],
    ['no name of the parent', file({ parentName: '' }), 'parentName is not a Name'],
    ['half a digit too few', file({ parentName: '000' }), 'parentName is not a Name'],
    ['a Name too long', file({ parentName: '00'.repeat(67) }), 'parentName is not a Name'],
    ['no key', file({ key: undefined }), 'the key in the duplication file is empty'],
    ['a key that is no PEM', file({ key: 'AAAA' }), 'the key in the duplication file does not begin'],
    ['a key that is not wrapped', file({ key: tools.pemWithoutAuth }), 'holds a key that is loadable'],
  ])('is refused: %s', async (_, content, says) => {
    const bad = typeof content === 'string' ? Buffer.from(content) : content
    await expectLibraryRefuses(() => parseDuplicationFile(bad), { code, says })
  })
})
