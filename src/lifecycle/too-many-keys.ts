// A user has two access keys at most, so a rotation begins where there is one. In: the keys of the user. Out: the refusal,
// which names each key with its age and last use, and the way out. IAM User Guide, "Quotas".

import { HardkeyError } from '../errors.ts'
import type { AccessKey } from '../iam/answer.ts'
import type { IamClient } from '../iam/client.ts'

export interface KeysOfUser {
  readonly keys: readonly AccessKey[]
  readonly userName: string
  /** The record, and its access key. */
  readonly name?: string | undefined
  readonly ours?: string | undefined
  readonly iam: IamClient
  readonly signal: AbortSignal | undefined
}

/** The error to throw. What IAM does not tell of a key is left out. */
export async function tooManyKeys({ keys, userName, name, ours, iam, signal }: KeysOfUser): Promise<HardkeyError> {
  const told = await Promise.all(
    keys.map(async ({ accessKeyId, isActive, created }) => {
      const use = await iam.lastUse(accessKeyId, { signal }).catch(() => undefined)
      const used =
        use === undefined
          ? 'last use unknown'
          : use.date === undefined
            ? 'never used'
            : `last used ${daysBefore(use.date, iam.now())} by ${use.service} in ${use.region}`
      const whose = accessKeyId === ours ? `the key of ${name}` : 'another key'
      return `${accessKeyId} (${whose}, ${isActive ? 'active' : 'inactive'}, made ${daysBefore(created, iam.now())}, ${used})`
    }),
  )
  const other = keys.find(({ accessKeyId }) => accessKeyId !== ours)?.accessKeyId
  return new HardkeyError(
    'ERR_ROTATION_STOPPED',
    `the user ${userName} has two access keys already: ${told.join(' and ')}`,
    {
      hint: `no third one can be made; when nothing needs it: aws iam delete-access-key --user-name ${userName} --access-key-id ${other}`,
    },
  )
}

function daysBefore(time: Date, now: Date): string {
  const days = Math.floor((now.getTime() - time.getTime()) / 86_400_000)
  return days < 1 ? 'today' : `${days} days ago`
}
