// The policy of a key as data. In: steps. Out: the digest that stands as authPolicy in the key's public area, computed
// here without a TPM. TPM 2.0 Library, Part 1, section "Enhanced authorization" and Part 3, section 23, the command named
// at each step. Every digest is of a SHA-256 policy session, so of a key whose nameAlg is SHA-256.

import { type Writer, written } from '../wire/codec.ts'
import { TPM_CC, TPM_RH } from '../wire/constants.ts'
import { sha256 } from '../wire/hash.ts'
import { nameOf } from '../wire/public-area.ts'
import { type PcrSelection, writePcrSelections } from '../wire/structures.ts'

/** One command of a policy session. */
export type PolicyStep =
  | PcrStep
  | AuthValueStep
  | SecretStep
  | SignedStep
  | CommandCodeStep
  | CpHashStep
  | DuplicationSelectStep
  | OrStep

/** Part 3, 23.7 TPM2_PolicyPCR. */
export interface PcrStep {
  readonly kind: 'pcr'
  readonly selections: readonly PcrSelection[]
  /** SHA-256 over the values in the order of the selections; empty: whatever they are when the command runs. */
  readonly pcrDigest: Uint8Array
}

/** Part 3, 23.17 TPM2_PolicyAuthValue: the key's auth value goes into the HMAC of the session. */
export interface AuthValueStep {
  readonly kind: 'authValue'
}

/** Part 3, 23.4 TPM2_PolicySecret: the auth value of another entity. */
export interface SecretStep {
  readonly kind: 'secret'
  /** Its Name: four bytes of handle for a hierarchy. */
  readonly entityName: Uint8Array
  /** Where it may be found; 0 where nobody says. */
  readonly handle: number
  readonly policyRef: Uint8Array
}

/** Part 3, 23.3 TPM2_PolicySigned: a signature by this key. */
export interface SignedStep {
  readonly kind: 'signed'
  /** The TPMT_PUBLIC of the key that signs. */
  readonly key: Uint8Array
  readonly policyRef: Uint8Array
}

/** Part 3, 23.11 TPM2_PolicyCommandCode: no other command than this one. */
export interface CommandCodeStep {
  readonly kind: 'commandCode'
  readonly code: number
}

/** Part 3, 23.13 TPM2_PolicyCpHash: no other parameters than these. */
export interface CpHashStep {
  readonly kind: 'cpHash'
  readonly cpHash: Uint8Array
}

/** Part 3, 23.15 TPM2_PolicyDuplicationSelect: only to be moved under this parent. */
export interface DuplicationSelectStep {
  readonly kind: 'duplicationSelect'
  readonly objectName: Uint8Array
  readonly newParentName: Uint8Array
  /** The object's own Name is in the digest too. */
  readonly includeObject: boolean
}

/** Part 3, 23.6 TPM2_PolicyOR: what came before leads to one of these digests. */
export interface OrStep {
  readonly kind: 'or'
  /** 2 to 8. */
  readonly digests: readonly Uint8Array[]
}

/**
 * The digest of a policy session after these steps, 32 bytes.
 * @returns undefined where the steps take PCRs as they are, so that only the TPM can tell
 */
export function policyDigest(steps: readonly PolicyStep[]): Uint8Array | undefined {
  let digest: Uint8Array | undefined = new Uint8Array(32)
  for (const step of steps) digest = digestAfter(digest, step)
  return digest
}

/** The authPolicy of an endorsement key: TPM2_PolicySecret with the endorsement hierarchy (EK Credential Profile B.3.3). */
export function ekPolicyDigest(): Uint8Array {
  return extended(extended(new Uint8Array(32), TPM_CC.PolicySecret, handleName(TPM_RH.ENDORSEMENT)))
}

/** Part 1, section "Names": the Name of a permanent handle or of a session is the handle. */
export function handleName(handle: number): Uint8Array {
  return written((writer) => writer.u32(handle))
}

function digestAfter(before: Uint8Array | undefined, step: PolicyStep): Uint8Array | undefined {
  // TPM2_PolicyOR sets the digest back to zeros before it extends it.
  if (step.kind === 'or') return extended(new Uint8Array(32), TPM_CC.PolicyOR, ...step.digests)
  if (before === undefined) return undefined
  switch (step.kind) {
    case 'pcr': {
      if (step.pcrDigest.length === 0) return undefined
      const selections = written((writer) => writePcrSelections(writer, step.selections))
      return extended(before, TPM_CC.PolicyPCR, selections, step.pcrDigest)
    }
    case 'authValue':
      return extended(before, TPM_CC.PolicyAuthValue)
    case 'secret':
      return extended(extended(before, TPM_CC.PolicySecret, step.entityName), step.policyRef)
    case 'signed':
      return extended(extended(before, TPM_CC.PolicySigned, nameOf(step.key)), step.policyRef)
    case 'commandCode':
      return extended(before, TPM_CC.PolicyCommandCode, handleName(step.code))
    case 'cpHash':
      return extended(before, TPM_CC.PolicyCpHash, step.cpHash)
    case 'duplicationSelect': {
      const objectName = step.includeObject ? step.objectName : new Uint8Array(0)
      const flag = Uint8Array.of(step.includeObject ? 1 : 0)
      return extended(before, TPM_CC.PolicyDuplicationSelect, objectName, step.newParentName, flag)
    }
  }
}

/** Part 1, section "Policy digest update": H(digest ‖ parts), where a number is a command code. */
function extended(digest: Uint8Array, ...parts: readonly (number | Uint8Array)[]): Uint8Array {
  return sha256(
    written((writer) => {
      writer.bytes(digest)
      for (const part of parts) writePart(writer, part)
    }),
  )
}

function writePart(writer: Writer, part: number | Uint8Array): void {
  if (typeof part === 'number') writer.u32(part)
  else writer.bytes(part)
}
