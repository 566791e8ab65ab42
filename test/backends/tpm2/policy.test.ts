// Policies: their digests beside those that swtpm gave to tpm2-tools 5.4, the lists of other makers, and the ways through a
// PolicyOR. TPM 2.0 Library, Part 3, section 23.

import { describe, expect, it } from 'vitest'
import { ekPolicyDigest, type PolicyStep, policyDigest } from '../../../src/backends/tpm2/documents/policy.ts'
import { policyCommand, readPolicyStep } from '../../../src/backends/tpm2/documents/policy-list.ts'
import { Reader, WireFault } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_CC, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import * as tools from './made-by-tools.ts'
import {
  authValue,
  bytesOf,
  hex,
  move,
  none,
  or,
  pcr,
  pcr23,
  secret,
  seedParent,
  select,
  signed,
} from './policy-steps.ts'

describe('the digest of a policy', () => {
  const zero = (bytes: number): string => '00'.repeat(bytes)

  it.each<[string, readonly PolicyStep[], string]>([
    ['PolicyAuthValue', [authValue], '8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e'],
    ['PolicyPCR of PCR 23', [pcr23], '2094289099c2cb180f28f99c71c8d681123935f7330bdae5aa1ae1e09f0fe532'],
    [
      'PolicyPCR of PCR 23 at zero',
      [pcr('sha256:23', zero(32))],
      '3c87a4b3fb85ebeea58c5fb36ac22d3f280cec27a9f6dd0fa23be9ce560deec8',
    ],
    [
      'PolicyPCR of two banks',
      [pcr('sha1:0,1+sha256:7,23', zero(20), zero(20), zero(32), zero(32))],
      '6231e129e686dc717b38c244c6950dd6dede6a0cc9a46ff14b3bcda8875528b2',
    ],
    [
      'PolicyPCR, then PolicyAuthValue',
      [pcr23, authValue],
      '34e22a9da4d5ce704150effd67fb6994d5cfa1a6e2a04aa4514093f0f4d319d0',
    ],
    ['PolicyDuplicationSelect', [move], 'e6613c6f3f14b6a9c8613fa7d2766bab170c6e477bb047c5e10928da897fcb1d'],
    [
      'PolicyDuplicationSelect for the H-2 key',
      [select(tools.h2Name)],
      '6f9e220dcbd1af6a276b66b46caf383395765a4cde6feaed791ae06eb46a78f8',
    ],
    [
      'AuthValue or DuplicationSelect',
      [or([authValue], [move])],
      'b27a9be905fd3c543969df3965ea3b62f554dcb20681bc484e90faf03fa6e043',
    ],
    [
      'PCR or DuplicationSelect',
      [or([pcr23], [move])],
      '114de1f5bd4b2ec1aa51de81ca4cee5eb7b34fd338dcfb0d635f7f65db56dbf8',
    ],
    [
      'AuthValue or DuplicationSelect for the H-2 key',
      [authValue, or([authValue], [select(tools.h2Name)])],
      'dd748cccb2149b6326f3bfcfff56da12c25ba7fa906f914dd67c77a89c9a068a',
    ],
    [
      'PolicySecret of the endorsement hierarchy',
      [secret(TPM_RH.ENDORSEMENT)],
      '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa',
    ],
    [
      'PolicySecret of the owner with a policyRef',
      [secret(TPM_RH.OWNER, bytesOf('0011223344'))],
      '7b65aa75d42412ac854729f7efd2e8f9d5c01ce9a332d9a2f5f949af27791b08',
    ],
    ['PolicySigned', [signed], '67eff1963193350fc96a589cea4b4d392ac9b6fa53e9515baff0398c598938ca'],
    [
      'PolicySigned with a policyRef',
      [{ ...signed, policyRef: bytesOf('0a0b') }],
      '822edc3495b0fef190941d279cc6da3531c534f54f89f7f62cc11d2fdfe5a6d2',
    ],
    [
      'PolicyCommandCode of TPM2_HMAC',
      [{ kind: 'commandCode', code: TPM_CC.HMAC }],
      '14d27f7b1c2d6ce4f11708c7dae90c7f425b343f8797b62889e3571159e0a694',
    ],
    [
      'PolicyCommandCode of TPM2_Duplicate',
      [{ kind: 'commandCode', code: TPM_CC.Duplicate }],
      'bef56b8c1cc84e11edd717528d2cd99356bd2bbf8f015209c3f84aeeaba8e8a2',
    ],
  ])('%s is the one that the TPM computes', (_, steps, digest) => {
    expect(hex(policyDigest(steps))).toBe(digest)
  })

  it('of an endorsement key is that of its profile', () => {
    expect(hex(ekPolicyDigest())).toBe(hex(policyDigest([secret(TPM_RH.ENDORSEMENT)])))
  })

  it('cannot be told where PCRs count as they are, but behind a PolicyOR it can', () => {
    const current: PolicyStep = { ...Object(pcr23), pcrDigest: none }
    expect(policyDigest([current, authValue])).toBeUndefined()
    expect(hex(policyDigest([current, or([authValue], [move])]))).toMatch(/^b27a9be9/)
  })
})

describe('a policy command in a key file', () => {
  const steps: readonly (readonly [string, PolicyStep, string])[] = [
    ['PCR', pcr23, '0020e2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9' + '00000001000b03000080'],
    ['AuthValue', authValue, ''],
    ['DuplicationSelect', move, `0000${'0022'}${seedParent}00`],
    [
      'OR',
      or([authValue], [move]),
      `00000002${'0020'}8fcd2169ab92694e0c633f1ab772842b8241bbc20288981fc7ac1eddc1fddb0e${'0020'}e6613c6f3f14b6a9c8613fa7d2766bab170c6e477bb047c5e10928da897fcb1d`,
    ],
    ['Secret', secret(TPM_RH.ENDORSEMENT), '4000000b' + '00044000000b' + '0000'],
    ['CommandCode', { kind: 'commandCode', code: TPM_CC.HMAC }, '00000155'],
    ['CpHash', { kind: 'cpHash', cpHash: bytesOf('aa') }, '0001aa'],
    ['Signed', { ...signed, policyRef: bytesOf('0a') }, `${tools.officePublic2b}00010a`],
  ]
  const read = (code: number, parameters: Uint8Array) => readPolicyStep(code, new Reader(parameters), 0)

  it.each(steps)('%s has the form that others give it, and is read back', (_, step, parameters) => {
    const { commandCode, commandPolicy } = policyCommand(step)
    expect(hex(commandPolicy)).toBe(parameters)
    expect(read(commandCode, commandPolicy)).toEqual(step)
  })

  it.each(steps)('%s is refused when it is cut at any byte or followed by one', (_, step) => {
    const { commandCode, commandPolicy } = policyCommand(step)
    // tpm2genkey leaves out the size of policyRef, so that this one may end before it.
    const least = step.kind === 'secret' ? commandPolicy.length - 2 : commandPolicy.length
    for (let length = 0; length < least; length++) {
      expect(() => read(commandCode, commandPolicy.subarray(0, length))).toThrow(WireFault)
    }
    if (step.kind !== 'secret') expect(() => read(commandCode, Uint8Array.of(...commandPolicy, 0))).toThrow(WireFault)
  })

  it('PolicyPassword counts as AuthValue, whose digest it has', () => {
    expect(read(TPM_CC.PolicyPassword, none)).toEqual(authValue)
  })

  it('PolicySecret is read as tpm2genkey writes it too, whose policyRef has no size', () => {
    const bare = bytesOf('4000000b00044000000b')
    expect(read(TPM_CC.PolicySecret, bare)).toEqual(secret(TPM_RH.ENDORSEMENT))
    expect(read(TPM_CC.PolicySecret, Buffer.concat([bare, bytesOf('616263')]))).toEqual(
      secret(TPM_RH.ENDORSEMENT, bytesOf('616263')),
    )
  })

  it.each<[string, number, string]>([
    ['of an unknown command', 0x0000_016a, '0000'],
    ['of no command', 0, ''],
    ['OR of one digest', TPM_CC.PolicyOR, `000000010020${'00'.repeat(32)}`],
    ['OR of nine digests', TPM_CC.PolicyOR, '00000009'],
    ['DuplicationSelect with neither YES nor NO', TPM_CC.PolicyDuplicationSelect, '0000000002'],
    ['Secret of an entity without a Name', TPM_CC.PolicySecret, '4000000b0000'],
    ['Secret with a long policyRef', TPM_CC.PolicySecret, `4000000b00044000000b${'41'.repeat(65)}`],
  ])('B-066 is refused: %s', (_, code, parameters) => {
    expect(() => read(code, bytesOf(parameters))).toThrow(WireFault)
  })
})
