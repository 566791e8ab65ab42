// Whether the PCRs of a policy hold what the key was bound to. In: the PCRs, in the TPM. Out: their values, or an error that
// names those that differ, before the policy is tried. TPM 2.0 Library, Part 3, 22.4 TPM2_PCR_Read.
// PCRs are read in clear and unproved: a false answer leads to a false message here and to a refusal by the TPM, no further.

import { HardkeyError } from '../../errors.ts'
import {
  differingPcrs,
  entriesOf,
  formatPcrList,
  type PcrEntry,
  pcrDigest,
  pcrName,
  readPcrList,
  selectionsOf,
} from './documents/pcr.ts'
import type { PcrStep } from './documents/policy.ts'
import { type PcrValues, pcrRead } from './wire/policy-commands.ts'
import type { Tpm } from './wire/tpm.ts'

/**
 * The values in the order of the entries.
 *
 * @throws ERR_BACKEND_UNSUPPORTED where the TPM has no such PCR or bank
 */
export async function pcrValues(
  tpm: Tpm,
  entries: readonly PcrEntry[],
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const found = new Map<string, Uint8Array>()
  let left = entries
  while (left.length > 0) {
    const { selections, digests } = await read(tpm, left, signal)
    entriesOf(selections).forEach((entry, index) => {
      const value = digests[index]
      if (value !== undefined) found.set(pcrName(entry), Uint8Array.from(value))
    })
    const rest = left.filter((entry) => !found.has(pcrName(entry)))
    if (rest.length === left.length) throw noSuchPcr(tpm, rest)
    left = rest
  }
  return entries.flatMap((entry) => found.get(pcrName(entry)) ?? [])
}

async function read(tpm: Tpm, entries: readonly PcrEntry[], signal: AbortSignal | undefined): Promise<PcrValues> {
  try {
    return await pcrRead(tpm, selectionsOf(entries), { signal })
  } catch (error) {
    // A hash that the TPM does not compute has no bank.
    if (error instanceof HardkeyError && error.serviceCode === 'TPM_RC_HASH') throw noSuchPcr(tpm, entries)
    throw error
  }
}

/** The list of a URI with the values that it does not tell filled in from the TPM. */
export async function completedPcrList(tpm: Tpm, text: string, signal?: AbortSignal): Promise<readonly PcrEntry[]> {
  const entries = readPcrList(text)
  const untold = entries.filter(({ value }) => value === undefined)
  const values = await pcrValues(tpm, untold, signal)
  const byName = new Map(untold.map((entry, index) => [pcrName(entry), values[index]]))
  return entries.map((entry) => {
    const value = entry.value ?? byName.get(pcrName(entry))
    return value === undefined ? entry : { ...entry, value }
  })
}

/** The step of a policy that wants these values. Every entry has one. */
export function pcrStep(entries: readonly PcrEntry[]): PcrStep {
  const digest = pcrDigest(entries.flatMap(({ value }) => (value === undefined ? [] : [value])))
  return { kind: 'pcr', selections: selectionsOf(entries), pcrDigest: digest }
}

/**
 * Passes where the PCRs are as the step wants them. `told`: the list of the URI, whose values name the ones that differ; a
 * digest alone names none.
 *
 * @throws ERR_POLICY_REFUSED
 */
export async function checkPcrs(
  tpm: Tpm,
  step: PcrStep,
  told: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (step.pcrDigest.length === 0) return
  const entries = entriesOf(step.selections)
  const values = await pcrValues(tpm, entries, signal)
  if (Buffer.compare(pcrDigest(values), step.pcrDigest) === 0) return
  throw changedPcrs(entries, values, told)
}

/** The PCRs differ from what the key is bound to. */
export function changedPcrs(
  entries: readonly PcrEntry[],
  values: readonly Uint8Array[],
  told: string | undefined,
): HardkeyError {
  const expected = new Map(told === undefined ? [] : readPcrList(told).map((entry) => [pcrName(entry), entry.value]))
  const compared = entries.map((entry) => {
    const value = expected.get(pcrName(entry))
    return value === undefined ? entry : { ...entry, value }
  })
  const differing = differingPcrs(compared, values)
  const named = differing.length > 0 ? differing : entries
  const list = formatPcrList(named.map(({ hash, pcr }) => ({ hash, pcr })))
  const isExact = differing.length > 0 || entries.length === 1
  const subject = isExact
    ? named.length === 1
      ? `PCR ${list} does`
      : `PCRs ${list} do`
    : `one of the PCRs ${list} does`
  return new HardkeyError('ERR_POLICY_REFUSED', `${subject} not hold the value that the key is bound to`, {
    hint: 'the machine was started or changed in another way since the key checked in; start it as then, or check the secret in again',
    serviceCode: 'TPM_RC_POLICY_FAIL',
  })
}

function noSuchPcr(tpm: Tpm, entries: readonly PcrEntry[]): HardkeyError {
  return new HardkeyError(
    'ERR_BACKEND_UNSUPPORTED',
    `the TPM at ${tpm.description} has no PCR ${formatPcrList(entries)}`,
    {
      hint: 'take another bank: tpm2_getcap pcrs lists those that are in use',
    },
  )
}
