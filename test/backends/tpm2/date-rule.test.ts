// Approvals of a date rule: made with an office key, written to a file, read again, found or refused.

import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Approvals, approvalOf, formatApprovals, parseApprovals } from '../../../src/backends/tpm2/approvals.ts'
import {
  approve,
  hmacCommandHash,
  isApproved,
  officeKeyFrom,
  officeKeyOf,
  officePublic,
  tpmSignature,
} from '../../../src/backends/tpm2/date-rule.ts'
import { nameOf } from '../../../src/backends/tpm2/wire/public-area.ts'

const keyName = Buffer.from(`000b${'5a'.repeat(32)}`, 'hex')
const day = (text: string) => Buffer.from(text)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** openssl ecparam -name prime256v1; the Name is the one that tpm2_loadexternal 5.4 printed for it. */
const loadedByTools = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3Nb7kQg7GmyxQLdDWoa7SE2hK1XG
P9IlaoO11qZDEA/tWLRaQ17QkDsy7qqC6KBUudafmhUu7GpStcXCO5AjVw==
-----END PUBLIC KEY-----
`

const kinds = [
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 })],
] as const

function approvalsFor(days: readonly string[], pair = kinds[0][1]): Approvals {
  const signatures = new Map(days.map((one) => [one, approve(pair.privateKey, keyName, day(one))]))
  return { keyName: hex(keyName), officeKey: officeKeyFrom(pair.publicKey), signatures }
}

describe.each(kinds)('an office key of %s', (_, { privateKey, publicKey }) => {
  const office = officeKeyFrom(publicKey)

  it('approves one input for one key and no other', () => {
    const signature = approve(privateKey, keyName, day('20261124'))
    const otherName = Buffer.from(`000b${'5b'.repeat(32)}`, 'hex')
    expect(isApproved(office, keyName, day('20261124'), signature)).toBe(true)
    expect(isApproved(office, keyName, day('20261125'), signature)).toBe(false)
    expect(isApproved(office, otherName, day('20261124'), signature)).toBe(false)
  })

  it('is the same from its PEM file', () => {
    const fromFile = officeKeyOf({ key: publicKey.export({ format: 'pem', type: 'spki' }), format: 'pem' })
    expect(hex(officePublic(fromFile))).toBe(hex(officePublic(office)))
  })

  it('gives the TPM the whole signature', () => {
    const signature = approve(privateKey, keyName, day('20261124'))
    const sent = tpmSignature(office, signature)
    expect('r' in sent ? Buffer.concat([sent.r, sent.s]) : Buffer.from(sent.signature)).toEqual(Buffer.from(signature))
  })
})

it('the Name of an office key is the one that tpm2_loadexternal gives it', () => {
  const office = officeKeyFrom(createPublicKey(loadedByTools))
  expect(hex(nameOf(officePublic(office)))).toBe('000b3089165b39f87946a9d5786d442dcb334e98cb0121740115669aacdadb997508')
})

it('refuses an office key that a TPM cannot check', () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  expect(() => officeKeyFrom(publicKey)).toThrow(expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }))
})

it('hashes the command as it is sent: code, Name, data, TPM_ALG_NULL', () => {
  // python3: sha256(bytes.fromhex('00000155') + name + bytes.fromhex('0008') + b'20261124' + bytes.fromhex('0010'))
  expect(hex(hmacCommandHash(keyName, day('20261124')))).toBe(
    '811c4c9bb26d1a2f24ff3185728aad17a7fabd073a8d848f050de00e8bdcf60c',
  )
})

describe('a file of approvals', () => {
  it('is read as it was written', () => {
    const written = approvalsFor(['hardkey check 1', '20261124', '20261125'])
    const read = parseApprovals(formatApprovals(written), 'a.json')
    expect([...read.signatures]).toEqual([...written.signatures])
    expect(read.keyName).toBe(written.keyName)
    expect(hex(read.officeKey.spki)).toBe(hex(written.officeKey.spki))
  })

  it('F-T14: without the day is refused, and says which days are approved', () => {
    const approvals = approvalsFor(['20261123', '20261124'])
    const refusal = { code: 'ERR_POLICY_REFUSED', hint: expect.stringContaining('20261123 to 20261124 are approved') }
    expect(() => approvalOf(approvals, keyName, day('20261125'), 'a.json')).toThrow(expect.objectContaining(refusal))
  })

  it('says so where days are missing in between', () => {
    const approvals = approvalsFor(['20261123', '20261125'])
    const refusal = { hint: expect.stringContaining('20261123 to 20261125, with gaps, are approved') }
    expect(() => approvalOf(approvals, keyName, day('20261124'), 'a.json')).toThrow(expect.objectContaining(refusal))
  })

  it('of another key is refused', () => {
    const other = Buffer.from(`000b${'5b'.repeat(32)}`, 'hex')
    const refusal = { code: 'ERR_POLICY_REFUSED', message: expect.stringContaining('for another key') }
    expect(() => approvalOf(approvalsFor(['20261124']), other, day('20261124'), 'a.json')).toThrow(
      expect.objectContaining(refusal),
    )
  })

  it('with a signature of somebody else is refused before the TPM is asked', () => {
    const { signatures } = approvalsFor(['20261124'], generateKeyPairSync('ec', { namedCurve: 'P-256' }) as never)
    const approvals = { ...approvalsFor([]), signatures }
    expect(() => approvalOf(approvals, keyName, day('20261124'), 'a.json')).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID' }),
    )
  })

  const good = JSON.parse(Buffer.from(formatApprovals(approvalsFor(['20261124']))).toString())
  const [entry] = good.approvals
  it.each([
    ['is not JSON', '{'],
    ['that is no object', []],
    ['a version that is not 1', { ...good, version: 2 }],
    ['wrong keyName', { ...good, keyName: 'prod' }],
    ['wrong officeKey', { ...good, officeKey: '!' }],
    ['no public key', { ...good, officeKey: 'AAAA' }],
    ['no list of approvals', { ...good, approvals: {} }],
    ['more than 4096 approvals', { ...good, approvals: Array(4097).fill(entry) }],
    ['wrong approvals[0].input', { ...good, approvals: [{ ...entry, input: '' }] }],
    ['approvals[1].input twice', { ...good, approvals: [entry, entry] }],
    ['wrong approvals[0].signature', { ...good, approvals: [{ ...entry, signature: 7 }] }],
  ])('with %s is refused', (says, content) => {
    const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    expect(() => parseApprovals(bytes, 'a.json')).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_FILE_INVALID', message: expect.stringContaining(says) }),
    )
  })

  it('that is no UTF-8 is refused', () => {
    expect(() => parseApprovals(Uint8Array.of(0xff), 'a.json')).toThrow('is not UTF-8')
  })
})
