// Policy steps for tests, and the numbers they are made of. In: hexadecimal digits, PCR lists. Out: steps. The parent and the
// value of PCR 23 are those of the known answers in the tests.

import { pcrDigest, readPcrList, selectionsOf } from '../../../src/backends/tpm2/documents/pcr.ts'
import {
  handleName,
  type PolicyStep,
  policyDigest,
  type SignedStep,
} from '../../../src/backends/tpm2/documents/policy.ts'
import * as tools from './made-by-tools.ts'

export const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
export const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
export const none: Uint8Array = new Uint8Array(0)

export const pcr = (list: string, ...values: readonly string[]): PolicyStep => ({
  kind: 'pcr',
  selections: selectionsOf(readPcrList(list)),
  pcrDigest: pcrDigest(values.map(bytesOf)),
})
export const select = (newParentName: string): PolicyStep => ({
  kind: 'duplicationSelect',
  objectName: none,
  newParentName: bytesOf(newParentName),
  includeObject: false,
})
export const or = (...branches: readonly (readonly PolicyStep[])[]): PolicyStep => ({
  kind: 'or',
  digests: branches.map((branch) => policyDigest(branch) ?? none),
})
export const secret = (handle: number, policyRef: Uint8Array = none): PolicyStep => ({
  kind: 'secret',
  handle,
  entityName: handleName(handle),
  policyRef,
})

export const authValue: PolicyStep = { kind: 'authValue' }
/** One extend of PCR 23 by zeros. */
export const extended = 'f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b'
export const pcr23: PolicyStep = pcr('sha256:23', extended)
/** A parent that the notes on the seed name. */
export const seedParent = '000b75ce518fe809bff11c7c3575fb50b943f9efc3e4c3e0fa4ac3ad796d7df66de7'
export const move: PolicyStep = select(seedParent)
export const signed: SignedStep = { kind: 'signed', key: bytesOf(tools.officePublic2b).subarray(2), policyRef: none }
