// A policy session in which steps are run: those of a known policy, or a caller's own. In: steps. Out: a session that may
// use the key, or the refusal. TPM 2.0 Library, Part 3, section 23.
// 1. It lives for one use of the key: whoever started it ends it.
// 2. What binds the parameters of the command (cpHash) is remembered: such a command is sent with them in clear.

import type { KeyObject } from 'node:crypto'
import { HardkeyError } from '../../errors.ts'
import type { AuthValues } from './auth-values.ts'
import { hmacCommandHash, officeKeyFrom, officePublic, tpmSignature } from './date-rule.ts'
import { readPcrList, selectionsOf } from './documents/pcr.ts'
import type { PcrStep } from './documents/policy.ts'
import { proveSecret } from './parent.ts'
import { pcrStep } from './pcr-check.ts'
import { written } from './wire/codec.ts'
import { TPM_RH } from './wire/constants.ts'
import { loadExternal } from './wire/object-commands.ts'
import {
  policyAuthValue,
  policyCommandCode,
  policyCpHash,
  policyGetDigest,
  policyOr,
  policyPcr,
  policySigned,
} from './wire/policy-commands.ts'
import type { SaltKey } from './wire/salt.ts'
import type { Session } from './wire/session.ts'
import type { Tpm } from './wire/tpm.ts'

/** Signs bytes for TPM2_PolicySigned: r || s with P-256, RSASSA-PKCS1-v1_5 with RSA, each over their SHA-256. */
export type PolicySigner = (bytes: Uint8Array) => Promise<Uint8Array>

/** Steps of a caller's own, in the order in which they are called. Each is the command of its name. */
export interface PolicySession {
  /** TPM2_PolicyPCR: `sha256:7,23` as they are, or `sha256:7=HEX` with the values that they must have. */
  pcr(list: string): Promise<void>
  /** TPM2_PolicyAuthValue: the PIN source is asked for the auth value of the key. */
  authValue(): Promise<void>
  /** TPM2_PolicyOR: 2 to 8 digests, one of which the steps so far lead to. */
  or(digests: readonly Uint8Array[]): Promise<void>
  /** TPM2_PolicySecret with the auth value of a hierarchy, from owner-auth-source or endorsement-auth-source. */
  secret(hierarchy: 'owner' | 'endorsement', policyRef?: Uint8Array): Promise<void>
  /** TPM2_PolicySigned by the holder of this public key (P-256 or RSA), for this one input of the key. */
  signed(key: KeyObject, sign: PolicySigner, policyRef?: Uint8Array): Promise<void>
  /** TPM2_PolicyCommandCode, 0x155 for TPM2_HMAC. */
  commandCode(code: number): Promise<void>
  /** TPM2_PolicyGetDigest: what the steps so far lead to, 32 bytes. */
  digest(): Promise<Uint8Array>
}

/**
 * Runs the steps that the key's policy wants. Called for each use of the key. What it throws other than a HardkeyError becomes
 * ERR_DEVICE_FAILED.
 */
export type CallersPolicy = (session: PolicySession) => Promise<void>

export interface StepContext {
  readonly tpm: Tpm
  readonly salt: SaltKey
  readonly auths: AuthValues
  /** The Name of the key, and what it is to compute over. */
  readonly keyName: Uint8Array
  readonly data: Uint8Array
  readonly signal: AbortSignal | undefined
}

const nothing: Uint8Array = new Uint8Array(0)

export class PolicySteps implements PolicySession {
  readonly session: Session
  readonly #context: StepContext
  /** A step was run that lets one command with its very parameters through. */
  bindsParameters = false

  constructor(session: Session, context: StepContext) {
    this.session = session
    this.#context = context
  }

  async pcr(list: string): Promise<void> {
    const entries = readPcrList(list)
    const isTold = entries.every(({ value }) => value !== undefined)
    await this.pcrStep(
      isTold ? pcrStep(entries) : { kind: 'pcr', selections: selectionsOf(entries), pcrDigest: nothing },
    )
  }

  async pcrStep({ selections, pcrDigest }: PcrStep): Promise<void> {
    await policyPcr(this.#context.tpm, this.session, { selections, pcrDigest }, this.#options)
  }

  async authValue(): Promise<void> {
    await policyAuthValue(this.#context.tpm, this.session, this.#options)
  }

  async or(digests: readonly Uint8Array[]): Promise<void> {
    await policyOr(this.#context.tpm, this.session, digests, this.#options)
  }

  async secret(hierarchy: 'owner' | 'endorsement', policyRef: Uint8Array = nothing): Promise<void> {
    const { tpm, salt, auths, signal } = this.#context
    const handle = hierarchy === 'owner' ? TPM_RH.OWNER : TPM_RH.ENDORSEMENT
    await proveSecret(tpm, this.session, { hierarchy: handle, policyRef, salt, auths, signal })
  }

  async signed(key: KeyObject, sign: PolicySigner, policyRef: Uint8Array = nothing): Promise<void> {
    const office = officeKeyFrom(key)
    const cpHash = this.cpHash()
    // aHash is over nonceTPM (none), expiration (0), cpHashA and policyRef.
    const signature = await sign(written((writer) => writer.u32(0).bytes(cpHash).bytes(policyRef)))
    const sent = { policyRef, signature: tpmSignature(office, signature) }
    await this.signedStep(officePublic(office), sent)
  }

  /** TPM2_PolicySigned with a signature that is there, over this one input. */
  async signedStep(
    publicArea: Uint8Array,
    { policyRef, signature }: { policyRef: Uint8Array; signature: ReturnType<typeof tpmSignature> },
  ): Promise<void> {
    const { tpm } = this.#context
    // A key of the null hierarchy gives no ticket, and none is wanted; any TPM loads it.
    const signer = await loadExternal(tpm, { publicArea, hierarchy: TPM_RH.NULL }, this.#options)
    try {
      const wish = { signer, cpHash: this.cpHash(), policyRef, signature }
      await policySigned(tpm, this.session, wish, this.#options)
      this.bindsParameters = true
    } finally {
      await tpm.flush(signer.handle)
    }
  }

  async commandCode(code: number): Promise<void> {
    await policyCommandCode(this.#context.tpm, this.session, code, this.#options)
  }

  /** TPM2_PolicyCpHash. */
  async commandHash(cpHash: Uint8Array): Promise<void> {
    if (Buffer.compare(cpHash, this.cpHash()) !== 0) {
      throw new HardkeyError(
        'ERR_POLICY_REFUSED',
        'the policy of the key lets one other input through, and not this one',
        {
          serviceCode: 'TPM_RC_CPHASH',
        },
      )
    }
    await policyCpHash(this.#context.tpm, this.session, cpHash, this.#options)
    this.bindsParameters = true
  }

  async digest(): Promise<Uint8Array> {
    return await policyGetDigest(this.#context.tpm, this.session, this.#options)
  }

  /** cpHash of the TPM2_HMAC that this session is for. */
  cpHash(): Uint8Array {
    return hmacCommandHash(this.#context.keyName, this.#context.data)
  }

  get #options(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#context.signal }
  }
}
