// How the policy of a key can be satisfied. In: its authPolicy, the list of its key file, what the URI tells. Out: ways, the
// first of which that holds is taken. Nothing is guessed: a way leads to the authPolicy, or it is none.

import { HardkeyError } from '../../errors.ts'
import { type OfficeKey, officePublic } from './date-rule.ts'
import { readPcrList } from './documents/pcr.ts'
import { type PolicyStep, policyDigest } from './documents/policy.ts'
import { type PolicyWay, recognisedWay, waysOf } from './documents/policy-ways.ts'
import type { KeyAddress } from './key-uri.ts'
import { changedPcrs, completedPcrList, pcrStep, pcrValues } from './pcr-check.ts'
import type { Tpm } from './wire/tpm.ts'

/** What is known of a policy. */
export interface PolicyKnowledge {
  /** Undefined for a persistent key whose public area was not read. */
  readonly authPolicy: Uint8Array | undefined
  /** Of the key file; empty where there is none. */
  readonly list: readonly PolicyStep[]
  readonly address: KeyAddress
  /** The key of a date rule, from the file of approvals. */
  readonly office: OfficeKey | undefined
  /** Names of the keys that may be the parent. */
  readonly parentNames: readonly Uint8Array[]
}

/** The steps of a key that hardkey makes, in their order. */
export function ownWay(pcr: PolicyStep | undefined, office: OfficeKey | undefined, hasAuth: boolean): PolicyWay {
  return [
    ...(pcr === undefined ? [] : [pcr]),
    ...(office === undefined ? [] : [signedStep(office)]),
    ...(hasAuth ? [{ kind: 'authValue' } as const] : []),
  ]
}

/** The step of a date rule. */
export function signedStep(office: OfficeKey): PolicyStep {
  return { kind: 'signed', key: officePublic(office), policyRef: new Uint8Array(0) }
}

/**
 * The ways to satisfy the policy with TPM2_HMAC, at least one.
 *
 * @throws ERR_POLICY_REFUSED where none is known; names the PCRs where the URI tells them
 */
export async function policyWays(
  tpm: Tpm,
  knowledge: PolicyKnowledge,
  signal?: AbortSignal,
): Promise<readonly PolicyWay[]> {
  const { address, authPolicy, list, office, parentNames } = knowledge
  const fromFile = authPolicy === undefined || list.length === 0 ? [] : waysOf(list, authPolicy)
  if (fromFile.length > 0) return fromFile
  const pcr = address.pcrs === undefined ? undefined : pcrStep(await completedPcrList(tpm, address.pcrs, signal))
  const own = [true, false].map((hasAuth) => ownWay(pcr, office, hasAuth)).filter((way) => way.length > 0)
  if (authPolicy === undefined) return [ownWay(pcr, office, address.hasAuth === true)]
  const recognised = recognisedWay(authPolicy, { pcr: pcr?.kind === 'pcr' ? pcr : undefined, parentNames })
  const ways = [...own.filter((way) => leadsTo(way, authPolicy)), ...(recognised === undefined ? [] : [recognised])]
  if (ways.length > 0) return ways
  throw await unknownPolicy(tpm, knowledge, signal)
}

function leadsTo(way: PolicyWay, authPolicy: Uint8Array): boolean {
  const digest = policyDigest(way)
  return digest !== undefined && Buffer.compare(digest, authPolicy) === 0
}

async function unknownPolicy(
  tpm: Tpm,
  { address, office }: PolicyKnowledge,
  signal: AbortSignal | undefined,
): Promise<HardkeyError> {
  if (address.pcrs !== undefined) {
    const entries = readPcrList(address.pcrs)
    return changedPcrs(entries, await pcrValues(tpm, entries, signal), address.pcrs)
  }
  if (address.approvals !== undefined && office !== undefined) {
    return new HardkeyError(
      'ERR_POLICY_REFUSED',
      'the approvals are signed by another office key than that of the key',
      {
        hint: 'the import was given another public key: approve with its private half',
      },
    )
  }
  return new HardkeyError('ERR_POLICY_REFUSED', 'the key has a policy, and nothing tells how to satisfy it', {
    hint: 'tell its PCRs in the key URI (pcrs=sha256:7,23), or run it yourself: tpm2Backend({ policy })',
  })
}
