// The ways through a PolicyOR, the policies that are recognised by their digest, and policies in words. TPM 2.0 Library,
// Part 3, section 23; the lists of tpmcopy and tpm2genkey.

import { describe, expect, it } from 'vitest'
import { type PolicyStep, policyDigest } from '../../../src/backends/tpm2/documents/policy.ts'
import { recognisedWay, waysOf } from '../../../src/backends/tpm2/documents/policy-ways.ts'
import { policyWords } from '../../../src/backends/tpm2/documents/policy-words.ts'
import { TPM_CC, TPM_RH } from '../../../src/backends/tpm2/wire/constants.ts'
import * as tools from './made-by-tools.ts'
import {
  authValue,
  bytesOf,
  extended,
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

describe('the ways to satisfy a policy', () => {
  const digest = (...steps: readonly PolicyStep[]): Uint8Array => policyDigest(steps) ?? none
  const either = or([authValue], [move])
  const pcrOrMove = or([pcr23], [move])

  it.each<[string, readonly PolicyStep[], readonly PolicyStep[], readonly PolicyStep[][]]>([
    ['of one sequence is that sequence', [pcr23, authValue], [pcr23, authValue], [[pcr23, authValue]]],
    [
      'of tpmcopy with a password leave out the middle element',
      [authValue, move, either],
      [either],
      [[authValue, either]],
    ],
    ['of tpmcopy with PCRs leave out the middle element', [pcr23, move, pcrOrMove], [pcrOrMove], [[pcr23, pcrOrMove]]],
    ['of a literal sequence before PolicyOR keep it whole', [authValue, either], [either], [[authValue, either]]],
    [
      'of three branches, as tpm2genkey lists them, are three',
      [pcr23, secret(TPM_RH.ENDORSEMENT), authValue, or([pcr23], [secret(TPM_RH.ENDORSEMENT)], [authValue])],
      [or([pcr23], [secret(TPM_RH.ENDORSEMENT)], [authValue])],
      [
        [pcr23, or([pcr23], [secret(TPM_RH.ENDORSEMENT)], [authValue])],
        [secret(TPM_RH.ENDORSEMENT), or([pcr23], [secret(TPM_RH.ENDORSEMENT)], [authValue])],
        [authValue, or([pcr23], [secret(TPM_RH.ENDORSEMENT)], [authValue])],
      ],
    ],
    [
      'of a branch of two commands keep both, and what comes after PolicyOR',
      [pcr23, authValue, move, or([pcr23, authValue], [move]), { kind: 'commandCode', code: TPM_CC.HMAC }],
      [or([pcr23, authValue], [move]), { kind: 'commandCode', code: TPM_CC.HMAC }],
      [[pcr23, authValue, or([pcr23, authValue], [move]), { kind: 'commandCode', code: TPM_CC.HMAC }]],
    ],
    [
      'of a PolicyOR in a PolicyOR go through both',
      [authValue, move, either, pcr23, or([either], [pcr23])],
      [or([either], [pcr23])],
      [
        [authValue, either, or([either], [pcr23])],
        [pcr23, or([either], [pcr23])],
      ],
    ],
  ])('%s', (_, list, leadsTo, ways) => {
    expect(waysOf(list, digest(...leadsTo))).toEqual(ways)
  })

  it.each<[string, readonly PolicyStep[], Uint8Array]>([
    ['of a list that leads elsewhere', [authValue], digest(pcr23)],
    ['of a key that can only be moved', [move], digest(move)],
    ['of a key for another command', [{ kind: 'commandCode', code: TPM_CC.Duplicate }], digest(authValue)],
    ['where no branch leads to the PolicyOR', [pcr23, either], digest(either)],
    ['of nothing', [], digest(authValue)],
  ])('are none %s', (_, list, authPolicy) => {
    expect(waysOf(list, authPolicy)).toEqual([])
  })

  it('B-066 are found through a list made to take long', () => {
    const many = or([authValue], [authValue, authValue], [authValue, authValue, authValue])
    const list = Array.from({ length: 31 }, (_, index) => (index % 8 === 7 ? many : { ...authValue }))
    expect(waysOf([...list, many], digest(many)).length).toBeLessThanOrEqual(16)
  })
})

describe('a policy that stands in no file', () => {
  const parentNames = [bytesOf(tools.h2Name), bytesOf(seedParent)]
  const recognised = (steps: readonly PolicyStep[], clues = { pcr: Object(pcr23), parentNames }) =>
    recognisedWay(policyDigest(steps) ?? none, clues)

  it.each<[string, readonly PolicyStep[]]>([
    ['AuthValue', [authValue]],
    ['PCR', [pcr23]],
    ['PCR and AuthValue', [pcr23, authValue]],
    ['AuthValue, or moved under a parent', [authValue, or([authValue], [move])]],
    ['PCR, or moved under a parent', [pcr23, or([pcr23], [move])]],
  ])('is recognised by its digest: %s', (_, steps) => {
    expect(recognised(steps)).toEqual(steps)
  })

  it('is not guessed: other PCRs, another parent, another command', () => {
    expect(recognised([pcr('sha256:7', extended)])).toBeUndefined()
    expect(recognised([or([authValue], [select(tools.eccEkName)])])).toBeUndefined()
    expect(recognised([{ kind: 'commandCode', code: TPM_CC.HMAC }])).toBeUndefined()
  })

  it('needs no PCRs to be recognised where it has none', () => {
    expect(recognisedWay(policyDigest([authValue]) ?? none, { parentNames: [] })).toEqual([authValue])
  })
})

describe('a policy in words', () => {
  it('names what each step asks for', () => {
    const way: readonly PolicyStep[] = [
      pcr('sha256:7,23', extended, extended),
      authValue,
      secret(TPM_RH.ENDORSEMENT),
      signed,
      { kind: 'commandCode', code: TPM_CC.HMAC },
    ]
    expect(policyWords(way)).toEqual([
      'PCRs sha256:7,23 hold the values that the key was bound to',
      'the auth value of the key is known',
      'the auth value of the endorsement hierarchy is known',
      `the key with the Name ${tools.officeName} has signed for it`,
      'the command is TPM2_HMAC',
    ])
  })

  it('tells where a key can be moved, and how many ways there are', () => {
    expect(policyWords([move, or([authValue], [move])])).toEqual([
      `the key is moved under the parent with the Name ${seedParent}`,
      'this is one of 2 ways',
    ])
  })
})
