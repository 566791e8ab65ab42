// The steps of a policy, and the PCRs that it names. In: a policy session, what a step says. Out: nothing, or values.
// TPM 2.0 Library, Part 3, section 23 "Enhanced Authorization (EA) Commands" and 22.4 TPM2_PCR_Read.
// The steps go in clear: they hold nothing secret, and what they say is proved by the digest that the key demands.

import { HardkeyError } from '../../../errors.ts'
import { type Authorization, authorizedCommand } from './authorized-command.ts'
import { type Reader, readWhole, type Writer } from './codec.ts'
import { TPM_CC } from './constants.ts'
import { joined } from './kdf.ts'
import { type Entity, plainCommand, readAnswer, unnamedEntity } from './plain-command.ts'
import type { Session } from './session.ts'
import {
  type PcrSelection,
  readDigests,
  readPcrSelections,
  readTicket,
  type Signature,
  writeDigests,
  writePcrSelections,
  writeSignature,
} from './structures.ts'
import type { SendOptions, Tpm } from './tpm.ts'

type Options = Pick<SendOptions, 'signal'>

export interface PcrValues {
  /** What the values belong to: of the PCRs asked for those that the TPM gave at once, 8 at most. */
  readonly selections: readonly PcrSelection[]
  /** In the order of the selections, and in each of the number of the PCR. */
  readonly digests: readonly Uint8Array[]
}

/** Part 3, 22.4 TPM2_PCR_Read. One command, which gives the first of the PCRs asked for; the caller asks for the rest. */
export async function pcrRead(tpm: Tpm, selections: readonly PcrSelection[], options?: Options): Promise<PcrValues> {
  return await plainCommand(
    tpm,
    { code: TPM_CC.PCR_Read, write: (writer) => writePcrSelections(writer, selections) },
    (reader) => {
      // pcrUpdateCounter
      reader.u32()
      return { selections: readPcrSelections(reader), digests: readDigests(reader) }
    },
    options,
  )
}

/**
 * Part 3, 23.7 TPM2_PolicyPCR. `pcrDigest` as expected; empty for whatever the PCRs hold now.
 *
 * @throws ERR_POLICY_REFUSED where the PCRs hold something else
 */
export async function policyPcr(
  tpm: Tpm,
  session: Session,
  { pcrDigest, selections }: { readonly pcrDigest: Uint8Array; readonly selections: readonly PcrSelection[] },
  options?: Options,
): Promise<void> {
  const write = (writer: Writer) => {
    writer.tpm2b(pcrDigest)
    writePcrSelections(writer, selections)
  }
  try {
    await step(tpm, session, TPM_CC.PolicyPCR, write, options)
  } catch (error) {
    // The TPM says so by TPM_RC_VALUE, which elsewhere is a fault of ours.
    if (!(error instanceof HardkeyError) || error.serviceCode !== 'TPM_RC_VALUE') throw error
    throw new HardkeyError(
      'ERR_POLICY_REFUSED',
      `the PCRs of the TPM at ${tpm.description} are not what the policy asks for`,
      {
        serviceCode: error.serviceCode,
        hint: 'the machine was started with other software; `hardkey inspect` shows which PCRs the key is bound to',
      },
    )
  }
}

/** Part 3, 23.17 TPM2_PolicyAuthValue. From here on the session's HMAC must prove the auth value of the key. */
export async function policyAuthValue(tpm: Tpm, session: Session, options?: Options): Promise<void> {
  await step(tpm, session, TPM_CC.PolicyAuthValue, noParameters, options)
  session.needsAuthValue = true
}

/** Part 3, 23.6 TPM2_PolicyOR: 2 to 8 digests, one of them that of the session so far. */
export async function policyOr(
  tpm: Tpm,
  session: Session,
  digests: readonly Uint8Array[],
  options?: Options,
): Promise<void> {
  await step(tpm, session, TPM_CC.PolicyOR, (writer) => writeDigests(writer, digests), options)
}

/** Part 3, 23.11 TPM2_PolicyCommandCode. */
export async function policyCommandCode(tpm: Tpm, session: Session, code: number, options?: Options): Promise<void> {
  await step(tpm, session, TPM_CC.PolicyCommandCode, (writer) => writer.u32(code), options)
}

/** Part 3, 23.13 TPM2_PolicyCpHash. */
export async function policyCpHash(tpm: Tpm, session: Session, cpHash: Uint8Array, options?: Options): Promise<void> {
  await step(tpm, session, TPM_CC.PolicyCpHash, (writer) => writer.tpm2b(cpHash), options)
}

export interface DuplicationSelect {
  readonly objectName: Uint8Array
  readonly newParentName: Uint8Array
  readonly includeObject: boolean
}

/** Part 3, 23.15 TPM2_PolicyDuplicationSelect. */
export async function policyDuplicationSelect(
  tpm: Tpm,
  session: Session,
  { objectName, newParentName, includeObject }: DuplicationSelect,
  options?: Options,
): Promise<void> {
  const write = (writer: Writer) =>
    writer
      .tpm2b(objectName)
      .tpm2b(newParentName)
      .u8(includeObject ? 1 : 0)
  await step(tpm, session, TPM_CC.PolicyDuplicationSelect, write, options)
}

/** Part 3, 23.19 TPM2_PolicyGetDigest: what the session has come to. */
export async function policyGetDigest(tpm: Tpm, session: Session, options?: Options): Promise<Uint8Array> {
  const command = { code: TPM_CC.PolicyGetDigest, handles: [session.handle] }
  return await plainCommand(tpm, command, (reader) => joined(reader.tpm2b()), options)
}

export interface SecretStep {
  /** Whose auth value is proved: a hierarchy, or an object. */
  readonly entity: Entity
  readonly authorization: Authorization
  /** Empty where there is none. */
  readonly policyRef: Uint8Array
}

/** Part 3, 23.4 TPM2_PolicySecret, for this session alone (its nonceTPM) and without expiration. */
export async function policySecret(tpm: Tpm, session: Session, wish: SecretStep, options?: Options): Promise<void> {
  const { parameters } = await authorizedCommand(
    tpm,
    {
      code: TPM_CC.PolicySecret,
      entities: [wish.entity, unnamedEntity(session.handle)],
      // cpHashA is empty: it is the session that is bound, not a command.
      write: (writer) => writer.tpm2b(session.nonceTpm).u16(0).tpm2b(wish.policyRef).u32(0),
      authorizations: [wish.authorization],
    },
    options,
  )
  readAnswer(tpm, TPM_CC.PolicySecret, () => readWhole(parameters, readTimeoutAndTicket))
}

export interface SignedStep {
  /** The loaded public key that the policy names. */
  readonly signer: Entity
  /** The only command that is allowed; empty for any. */
  readonly cpHash: Uint8Array
  readonly policyRef: Uint8Array
  /** Over nonceTPM, expiration, cpHash and policyRef; the first is empty and the second 0 here. */
  readonly signature: Signature
}

/**
 * Part 3, 23.3 TPM2_PolicySigned, with a signature that is good for any session and does not expire.
 *
 * @throws ERR_POLICY_REFUSED (TPM_RC_SIGNATURE) for a signature that is not the signer's over this
 */
export async function policySigned(tpm: Tpm, session: Session, wish: SignedStep, options?: Options): Promise<void> {
  const write = (writer: Writer) => {
    writer.u16(0).tpm2b(wish.cpHash).tpm2b(wish.policyRef).u32(0)
    writeSignature(writer, wish.signature)
  }
  const command = { code: TPM_CC.PolicySigned, handles: [wish.signer.handle, session.handle], write }
  await plainCommand(tpm, command, readTimeoutAndTicket, options)
}

/** Part 2, 10.4.11 TPM2B_TIMEOUT and 10.7.5 TPMT_TK_AUTH: of use only for steps that expire. */
function readTimeoutAndTicket(reader: Reader): void {
  reader.tpm2b()
  readTicket(reader)
}

function noParameters(): void {}

/** A step whose answer holds nothing. */
async function step(
  tpm: Tpm,
  session: Session,
  code: number,
  write: (writer: Writer) => void,
  options?: Options,
): Promise<void> {
  await plainCommand(tpm, { code, handles: [session.handle], write }, () => undefined, options)
}
