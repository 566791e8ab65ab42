// The lockout after wrong auth values. In: a TPM, a refused command. Out: the same failure, which says how long it lasts.
// TPM 2.0 Library, Part 1, 19.8 "Dictionary Attack Protection"; Part 2, 6.13 TPM_PT. The count is one for the whole TPM: every
// object without noDA of every program shares it, and a right auth value does not set it back.

import { HardkeyError } from '../../../errors.ts'
import { readTpmProperties } from './capability.ts'
import { TPM_PT } from './constants.ts'
import type { SendOptions, Tpm } from './tpm.ts'

export interface LockoutState {
  /** Bit 9 of TPMA_PERMANENT (Part 2, 8.6). */
  readonly isLocked: boolean
  /** Wrong auth values that still count, and how many lock the TPM. */
  readonly failedTries: number
  readonly mostTries: number
  /** Seconds after which one of them no longer counts; 0 where they never fade. */
  readonly recoverySeconds: number
}

const inLockout = 0x200

/** The state of the lockout. One command, which needs no authorization and counts for nothing. */
export async function readLockout(tpm: Tpm, options?: SendOptions): Promise<LockoutState> {
  const properties = await readTpmProperties(tpm, TPM_PT.PERMANENT, options)
  return {
    isLocked: ((properties.get(TPM_PT.PERMANENT) ?? 0) & inLockout) !== 0,
    failedTries: properties.get(TPM_PT.LOCKOUT_COUNTER) ?? 0,
    mostTries: properties.get(TPM_PT.MAX_AUTH_FAIL) ?? 0,
    recoverySeconds: properties.get(TPM_PT.LOCKOUT_INTERVAL) ?? 0,
  }
}

/** What `act` returns. A lockout, or a wrong auth value that counts, comes with what the TPM says of its lockout. */
export async function explainLockout<T>(tpm: Tpm, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    if (error.serviceCode !== 'TPM_RC_LOCKOUT' && error.serviceCode !== 'TPM_RC_AUTH_FAIL') throw error
    throw await explained(tpm, error)
  }
}

async function explained(tpm: Tpm, error: HardkeyError): Promise<HardkeyError> {
  let state: LockoutState
  try {
    state = await readLockout(tpm)
  } catch {
    // The failure stands without the explanation.
    return error
  }
  const hint = error.code === 'ERR_PIN_LOCKED' ? lockedHint(state) : triesHint(state)
  return new HardkeyError(error.code, error.message, { hint, serviceCode: error.serviceCode })
}

function lockedHint({ recoverySeconds, failedTries, mostTries }: LockoutState): string {
  const after =
    recoverySeconds === 0
      ? 'only its owner can unlock it (tpm2_dictionarylockout -c)'
      : `one try comes back every ${recoverySeconds} s; its owner can unlock it at once (tpm2_dictionarylockout -c)`
  return `${failedTries} of ${mostTries} wrong tries lock this TPM for every program that uses auth values with it; ${after}`
}

function triesHint({ failedTries, mostTries, recoverySeconds }: LockoutState): string {
  return `it was tried once; ${failedTries} of ${mostTries} wrong tries are used, and one comes back every ${recoverySeconds} s`
}
