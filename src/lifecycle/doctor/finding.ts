// What a look at the set-up finds. In: nothing. Out: the form of a finding and its ids, which `--json` promises.
// A finding names one thing, says how it stands, and where it should not stand so, the command that mends it.

import type { HardkeyError } from '../../errors.ts'

/** What can be found, by id. */
export type FindingId =
  | 'backend'
  | 'cache-folder'
  | 'check-value'
  | 'clock'
  | 'core-dumps'
  | 'creation'
  | 'default-profile'
  | 'device'
  | 'device-warning'
  | 'endpoint'
  | 'environment-key'
  | 'identity'
  | 'key'
  | 'key-age'
  | 'node-options'
  | 'pin'
  | 'pin-latch'
  | 'pin-source'
  | 'plaintext-key'
  | 'policy'
  | 'profile-command'
  | 'profile-file'
  | 'profile-record'
  | 'profile-shadowed'
  | 'protection'
  | 'record'
  | 'records-folder'
  | 'rotation'

export interface Finding {
  readonly id: FindingId
  /** `note`: a choice that is weak or worth knowing. `fault`: something that does not work or is not safe. */
  readonly state: 'ok' | 'note' | 'fault'
  /** The name of the record that it concerns; undefined where it is the machine. */
  readonly name?: string | undefined
  /** One sentence, lower case, without full stop; no secret. */
  readonly text: string
  /** The command to type, or what to do. */
  readonly remedy?: string | undefined
}

/** A fault by what was thrown. */
export function faultOf(id: FindingId, error: HardkeyError, name?: string): Finding {
  return { id, state: 'fault', name, text: error.message, remedy: error.hint }
}
