// The list of policy commands in a key file. In: command codes with their bytes, or policy steps. Out: the other.
// TSS2 key file draft, section 4 (TPMPolicy): commandPolicy is the command's parameters behind the session's handle,
// but for PolicySecret and PolicySigned, whose handle and signature no file can hold. The same pairs stand in the JSON of
// tpm2genkey.

import { type Reader, WireFault, written } from '../wire/codec.ts'
import { TPM_CC } from '../wire/constants.ts'
import { hashAlgorithm } from '../wire/hash.ts'
import { hexOf, readPublic2b } from '../wire/public-area.ts'
import { readDigests, readPcrSelections, writeDigests, writePcrSelections } from '../wire/structures.ts'
import type { PolicyStep, SecretStep } from './policy.ts'

/** TPMPolicy: one entry of the list. */
export interface PolicyCommand {
  readonly commandCode: number
  readonly commandPolicy: Uint8Array
}

/** SHA-512 and the two bytes of its number. */
const longestName = 66
/** SHA-512. */
const longestDigest = 64

/** One entry as a step. @param parameters commandPolicy, read to its end @throws WireFault */
export function readPolicyStep(commandCode: number, parameters: Reader, codeOffset: number): PolicyStep {
  const step = stepOf(commandCode, parameters, codeOffset)
  parameters.end()
  return step
}

/** @throws RangeError for a step that has no form in a file */
export function policyCommand(step: PolicyStep): PolicyCommand {
  switch (step.kind) {
    case 'pcr':
      return command(TPM_CC.PolicyPCR, (writer) => {
        writePcrSelections(writer.tpm2b(step.pcrDigest), step.selections)
      })
    case 'authValue':
      return command(TPM_CC.PolicyAuthValue, () => {})
    case 'secret':
      return command(TPM_CC.PolicySecret, (writer) => {
        writer.u32(step.handle).tpm2b(step.entityName).tpm2b(step.policyRef)
      })
    case 'signed':
      return command(TPM_CC.PolicySigned, (writer) => {
        writer.tpm2b(step.key).tpm2b(step.policyRef)
      })
    case 'commandCode':
      return command(TPM_CC.PolicyCommandCode, (writer) => {
        writer.u32(step.code)
      })
    case 'cpHash':
      return command(TPM_CC.PolicyCpHash, (writer) => {
        writer.tpm2b(step.cpHash)
      })
    case 'duplicationSelect':
      return command(TPM_CC.PolicyDuplicationSelect, (writer) => {
        writer
          .tpm2b(step.objectName)
          .tpm2b(step.newParentName)
          .u8(step.includeObject ? 1 : 0)
      })
    case 'or':
      return command(TPM_CC.PolicyOR, (writer) => {
        writeDigests(writer, step.digests)
      })
  }
}

function command(commandCode: number, write: Parameters<typeof written>[0]): PolicyCommand {
  return { commandCode, commandPolicy: written(write) }
}

function stepOf(commandCode: number, reader: Reader, codeOffset: number): PolicyStep {
  switch (commandCode) {
    case TPM_CC.PolicyPCR: {
      const pcrDigest = reader.tpm2b(longestDigest)
      return { kind: 'pcr', pcrDigest, selections: readPcrSelections(reader) }
    }
    case TPM_CC.PolicyAuthValue:
    // Its digest is that of TPM2_PolicyAuthValue (Part 3, 23.18), which never sends the value in clear.
    case TPM_CC.PolicyPassword:
      return { kind: 'authValue' }
    case TPM_CC.PolicySecret:
      return readSecret(reader)
    case TPM_CC.PolicySigned: {
      const start = reader.offset
      const { bytes: key, area } = readPublic2b(reader)
      if (hashAlgorithm(area.nameAlg) === undefined) throw new WireFault('a key that signs has no Name', start)
      return { kind: 'signed', key, policyRef: reader.tpm2b(longestDigest) }
    }
    case TPM_CC.PolicyCommandCode:
      return { kind: 'commandCode', code: reader.u32() }
    case TPM_CC.PolicyCpHash:
      return { kind: 'cpHash', cpHash: reader.tpm2b(longestDigest) }
    case TPM_CC.PolicyDuplicationSelect:
      return readDuplicationSelect(reader)
    case TPM_CC.PolicyOR:
      return readOr(reader)
    default:
      throw new WireFault(`policy command ${hexOf(commandCode, 8)} is none that hardkey knows`, codeOffset)
  }
}

function readSecret(reader: Reader): SecretStep {
  const handle = reader.u32()
  const start = reader.offset
  const entityName = reader.tpm2b(longestName)
  if (entityName.length < 4) throw new WireFault('a policy names an entity by less than a Name', start)
  return { kind: 'secret', handle, entityName, policyRef: readPolicyRef(reader) }
}

/** tpm2genkey leaves out the size of policyRef, and nothing stands there when it is empty. */
function readPolicyRef(reader: Reader): Uint8Array {
  const { left, offset } = reader
  const bytes = reader.rest()
  const size = left >= 2 ? (bytes[0] ?? 0) * 0x100 + (bytes[1] ?? 0) : -1
  const policyRef = size === left - 2 ? bytes.subarray(2) : bytes
  if (policyRef.length > longestDigest) throw new WireFault('a policyRef is longer than a digest', offset)
  return policyRef
}

function readDuplicationSelect(reader: Reader): PolicyStep {
  const objectName = reader.tpm2b(longestName)
  const newParentName = reader.tpm2b(longestName)
  const start = reader.offset
  const flag = reader.u8()
  if (flag > 1) throw new WireFault('a YES or NO is neither', start)
  return { kind: 'duplicationSelect', objectName, newParentName, includeObject: flag === 1 }
}

function readOr(reader: Reader): PolicyStep {
  const start = reader.offset
  const digests = readDigests(reader)
  if (digests.length < 2) throw new WireFault('TPM2_PolicyOR of fewer than 2 digests', start)
  return { kind: 'or', digests }
}
