// The ways to satisfy a policy with TPM2_HMAC. In: the list of a key file, or what a person says of a key, and the
// authPolicy of the key. Out: sequences of steps to run in a policy session, each of which leads to that digest.
// TPM 2.0 Library, Part 3, 23.6 TPM2_PolicyOR. A list in a file names the branches of a PolicyOR one after the other before
// it (tpmcopy: AuthValue, DuplicationSelect, OR; tpm2genkey alike), so that, run as one sequence, it satisfies nothing.

import { TPM_CC } from '../wire/constants.ts'
import { type OrStep, type PcrStep, type PolicyStep, policyDigest } from './policy.ts'

/** A sequence of steps in the order in which they run. */
export type PolicyWay = readonly PolicyStep[]

/** More ways than a person would choose among. */
const mostWays = 16

/**
 * The sequences that satisfy the policy with a TPM2_HMAC, as the list has them in order.
 * Empty where the list does not lead to `authPolicy`, or only by moving the key elsewhere.
 */
export function waysOf(list: PolicyWay, authPolicy: Uint8Array): readonly PolicyWay[] {
  return waysThrough(list, new Map()).filter((way) => {
    const digest = policyDigest(way)
    return digest === undefined || isSame(digest, authPolicy)
  })
}

/** What a person or a key file tells of a key whose policy stands nowhere. */
export interface PolicyClues {
  /** The PCRs it may be bound to, with the digest of the values they should have. */
  readonly pcr?: PcrStep | undefined
  /** The Names of the keys that may be its parent: the second branch of tpmcopy is to be moved there. */
  readonly parentNames: readonly Uint8Array[]
}

/**
 * The way to satisfy an authPolicy that is one of those the known tools make: AuthValue, PCR, PCR then AuthValue, and each
 * of them as the first branch of a PolicyOR whose other is DuplicationSelect for the parent.
 * @returns undefined for any other
 */
export function recognisedWay(authPolicy: Uint8Array, { pcr, parentNames }: PolicyClues): PolicyWay | undefined {
  const authValue: PolicyStep = { kind: 'authValue' }
  const simple: readonly PolicyWay[] = pcr === undefined ? [[authValue]] : [[pcr], [pcr, authValue], [authValue]]
  const movable = parentNames.flatMap((newParentName) => simple.flatMap((way) => withMoving(way, newParentName)))
  return [...simple, ...movable].find((way) => {
    const digest = policyDigest(way)
    return digest !== undefined && isSame(digest, authPolicy)
  })
}

function withMoving(way: PolicyWay, newParentName: Uint8Array): readonly PolicyWay[] {
  const objectName = new Uint8Array(0)
  const move = policyDigest([{ kind: 'duplicationSelect', objectName, newParentName, includeObject: false }])
  const use = policyDigest(way)
  if (move === undefined || use === undefined) return []
  return [[...way, { kind: 'or', digests: [use, move] }]]
}

/** `known` holds what was found for a part of the list, by the places of its steps. */
function waysThrough(list: PolicyWay, known: Map<PolicyStep, Map<number, readonly PolicyWay[]>>): readonly PolicyWay[] {
  const at = list.findLastIndex(({ kind }) => kind === 'or')
  const or = list[at]
  const [first] = list
  if (or?.kind !== 'or' || first === undefined) return list.every(isForHmac) ? [list] : []
  const found = known.get(first)?.get(list.length)
  if (found !== undefined) return found
  const rest = list.slice(at)
  const ways = rest.every(isForHmac)
    ? branchesBefore(list.slice(0, at), or).flatMap((branch) =>
        waysThrough(branch, known).map((way) => [...way, ...rest]),
      )
    : []
  const kept = ways.slice(0, mostWays)
  known.set(first, (known.get(first) ?? new Map<number, readonly PolicyWay[]>()).set(list.length, kept))
  return kept
}

/**
 * The branches that stand before a PolicyOR: the pieces of those cuts of `steps` whose pieces all lead to one of its
 * digests. A piece with PCRs as they are leads anywhere.
 */
function branchesBefore(steps: PolicyWay, { digests }: OrStep): readonly PolicyWay[] {
  const { length } = steps
  const leads = (start: number, end: number): boolean => {
    const digest = policyDigest(steps.slice(start, end))
    return digest === undefined || digests.some((one) => isSame(one, digest))
  }
  const ends = Array.from({ length }, (_, start) => {
    const all = Array.from({ length: length - start }, (__, index) => start + index + 1)
    return all.filter((end) => leads(start, end))
  })
  // From the end: whether the steps from here on can be cut into branches; from the beginning: whether a cut comes here.
  const goesOn = Array.from({ length: length + 1 }, (_, index) => index === length)
  for (let start = length - 1; start >= 0; start--) goesOn[start] = ends[start]?.some((end) => goesOn[end]) ?? false
  const isReached = Array.from({ length: length + 1 }, (_, index) => index === 0)
  const branches: PolicyWay[] = []
  for (let start = 0; start < length; start++) {
    if (!isReached[start]) continue
    for (const end of ends[start] ?? []) {
      if (!goesOn[end]) continue
      isReached[end] = true
      branches.push(steps.slice(start, end))
    }
  }
  return branches
}

/** Whether a session with this step in it can authorise TPM2_HMAC or its sequence. */
function isForHmac(step: PolicyStep): boolean {
  if (step.kind === 'duplicationSelect') return false
  return step.kind !== 'commandCode' || step.code === TPM_CC.HMAC || step.code === TPM_CC.HMAC_Start
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
