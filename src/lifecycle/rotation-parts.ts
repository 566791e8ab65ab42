// What a rotation works with and what it tells. In: nothing. Out: the types between `rotate`, its steps and the command:
// clients, device, clock and questions come in as parameters.

import type { BackendEntry } from '../backends/list.ts'
import type { HardkeyError } from '../errors.ts'
import type { AccessKey, AccessKeyUse } from '../iam/answer.ts'
import type { IamClient } from '../iam/client.ts'
import type { KeyUri } from '../key/uri.ts'
import type { KeyRecord } from '../profiles/record.ts'
import type { StoredRecord } from '../profiles/record-store.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import type { StsClient } from '../sts/client.ts'
import type { TokenCode } from '../sts/inputs.ts'
import type { RememberedPin } from './remembered-pin.ts'

/** What was done, in the order of a rotation; the last two belong to `--undo`. */
export type RotationStep =
  | 'journal'
  | 'list'
  | 'create'
  | 'import'
  | 'prove'
  | 'switch'
  | 'deactivate'
  | 'delete'
  | 'remove'
  | 'activate'
  | 'discard'

/** What a person is asked before it is done. */
export type RotationQuestion =
  /** The old key ends as soon as the new one works. */
  | { readonly about: 'end at once'; readonly accessKeyId: string }
  /** A key that was made when the answer of CreateAccessKey was lost: of this rotation, or somebody's. */
  | { readonly about: 'orphan'; readonly key: AccessKey; readonly userName: string; readonly undoing: boolean }
  /** The old key is deleted for ever. */
  | { readonly about: 'delete'; readonly accessKeyId: string; readonly retired: string; readonly use: AccessKeyUse }

/** An MFA device and whoever tells its code. */
export interface MfaDevice {
  readonly serialNumber: string
  readonly tokenCode: TokenCode
}

export interface RotationParts {
  /** As it lies on the disk. */
  readonly stored: StoredRecord
  readonly entry: (uri: KeyUri) => Promise<BackendEntry>
  /** The URI with what this run adds to it. */
  readonly forThisRun: (uri: KeyUri) => Promise<KeyUri>
  /** What opens the device of a URI goes through this, which may refuse to: its PIN was wrong before. */
  readonly guard: <T>(uri: KeyUri, act: () => Promise<T>) => Promise<T>
  /** Unlocks the device, for the old key and the new one. */
  readonly pin: RememberedPin
  readonly sts: (keys: DateKeySource) => StsClient
  readonly iam: (keys: DateKeySource) => IamClient
  /** IAM is asked by a session that a code of this device opened. Called when it is needed, and the code asked for once. */
  readonly mfa: () => Promise<MfaDevice | undefined>
  readonly confirm: (question: RotationQuestion) => Promise<boolean>
  /** How long the old key stays active after the switch. Default: as it began, else `usualOverlapSeconds`, else 0. */
  readonly overlapSeconds?: number | undefined
  readonly usualOverlapSeconds?: number | undefined
  /** How long it stays, inactive, before it is deleted. Default: as it began, else seven days. */
  readonly graceSeconds?: number | undefined
  /** Called when the new key has proved itself, before the record names it; what it throws stops the rotation there. */
  readonly beforeSwitch?: ((next: KeyRecord) => Promise<void>) | undefined
  readonly now: () => Date
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  readonly onDone?: ((step: RotationStep) => void) | undefined
  /** Told where AWS does not say when it made the key: its check-in counts. */
  readonly onAgeUnknown?: ((error: HardkeyError) => void) | undefined
  /** Told once where IAM takes its time. */
  readonly onWait?: (() => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the caller wants. `resume` ends what is under way and begins nothing. */
export type RotationWish =
  | { readonly kind: 'rotate'; readonly ifOlderThanSeconds?: number | undefined }
  | { readonly kind: 'resume' | 'undo' }

/** What came of it. Holds no secret. */
export interface RotationOutcome {
  /** `waiting`: the new key is in use, and the old one still there. `ended`: it is gone. */
  readonly state: 'not due' | 'declined' | 'waiting' | 'ended' | 'undone' | 'nothing to resume'
  /** True where this run put the new key in the place of the old one. */
  readonly switched: boolean
  /** As it stands now. */
  readonly record: KeyRecord
  /** The other key, where there is one: until when it stays as it is. */
  readonly old?: { readonly accessKeyId: string; readonly isActive: boolean; readonly until: Date } | undefined
  /** The access key ID of the key that this run ended. */
  readonly ended?: string | undefined
}

/** A time as records and journals keep it. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
