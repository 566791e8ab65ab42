// A user has two access keys at most, so a rotation begins where there is one. In: the keys of the user, the folder of records.
// Out: the refusal, which names each key with its record, age and last use, and the way out. IAM User Guide, "Quotas".

import { HardkeyError } from '../errors.ts'
import type { AccessKey } from '../iam/answer.ts'
import type { IamClient } from '../iam/client.ts'
import { listRecords } from '../profiles/record-store.ts'

export interface KeysOfUser {
  readonly keys: readonly AccessKey[]
  readonly userName: string
  /** Of the records, whose keys are in use. */
  readonly folder: string
  /** The access key that is rotated, and its record, which may not be readable there. */
  readonly ours?: readonly [accessKeyId: string, name: string] | undefined
  readonly iam: IamClient
  readonly signal: AbortSignal | undefined
}

/** The error to throw. What IAM does not tell of a key is left out. */
export async function tooManyKeys({ keys, userName, folder, ours, iam, signal }: KeysOfUser): Promise<HardkeyError> {
  const listed = await listRecords(folder)
  const known = listed.flatMap((one) => ('record' in one ? [[one.record.accessKeyId, one.name] as const] : []))
  const names = new Map(ours === undefined ? known : [...known, ours])
  const told = await Promise.all(
    keys.map(async ({ accessKeyId, isActive, created }) => {
      const use = await iam.lastUse(accessKeyId, { signal }).catch(() => undefined)
      const used =
        use === undefined
          ? 'last use unknown'
          : use.date === undefined
            ? 'never used'
            : `last used ${daysBefore(use.date, iam.now())} by ${use.service} in ${use.region}`
      const name = names.get(accessKeyId)
      const whose = name === undefined ? 'another key' : `the key of ${name}`
      return `${accessKeyId} (${whose}, ${isActive ? 'active' : 'inactive'}, made ${daysBefore(created, iam.now())}, ${used})`
    }),
  )
  const other = keys.find(({ accessKeyId }) => !names.has(accessKeyId))?.accessKeyId
  const way =
    other === undefined
      ? 'hardkey revoke NAME tells how one of them ends'
      : `aws iam delete-access-key --user-name ${userName} --access-key-id ${other}`
  return new HardkeyError(
    'ERR_ROTATION_STOPPED',
    `the user ${userName} has two access keys already: ${told.join(' and ')}`,
    { hint: `no third one can be made; when nothing needs it: ${way}` },
  )
}

function daysBefore(time: Date, now: Date): string {
  const days = Math.floor((now.getTime() - time.getTime()) / 86_400_000)
  return days < 1 ? 'today' : `${days} days ago`
}
