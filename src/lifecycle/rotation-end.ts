// The second half of a rotation: the new key takes over, and the old one goes. In: a journal from `in device` on. Out: the
// next state, or the end. Every call is signed by the new key, so that what is switched off is not needed any more.

import { HardkeyError } from '../errors.ts'
import type { AccessKeyUse } from '../iam/answer.ts'
import type { IamClient } from '../iam/client.ts'
import { recordUri } from '../profiles/open-record.ts'
import { gone } from './rotation-begin.ts'
import { type Rotation, removeJournal } from './rotation-journal.ts'
import { timeText } from './rotation-parts.ts'
import type { RotationRun } from './rotation-run.ts'
import { whenSettled } from './settling.ts'

/** GetAccessKeyLastUsed is exact to some minutes. */
const useTolerance = 15 * 60_000

/** Steps 7 and 8. */
export async function switchOver(run: RotationRun, rotation: Rotation): Promise<Rotation> {
  const next = nextOf(rotation)
  const sts = await run.keys.sts(next)
  await whenSettled(() => sts.getCallerIdentity(run.options), run.parts)
  run.done('prove')
  await run.parts.beforeSwitch?.(next)
  await run.replaceRecord(next)
  const switched = await run.write({ ...rotation, state: 'switched', switched: timeText(run.parts.now()) })
  run.done('switch')
  return switched
}

/** Step 9. */
export async function retire(run: RotationRun, rotation: Rotation): Promise<Rotation> {
  const { userName, old } = rotation
  const iam = await run.keys.iam(nextOf(rotation))
  await whenSettled(() => gone(iam.setAccessKey(userName, old.accessKeyId, 'Inactive', run.options)), run.parts)
  const retired = await run.write({ ...rotation, state: 'retired', retired: timeText(iam.now()) })
  run.done('deactivate')
  return retired
}

/** Step 10. False where the person says no. */
export async function finish(run: RotationRun, rotation: Rotation): Promise<boolean> {
  const { userName, old, retired = '' } = rotation
  const iam = await run.keys.iam(nextOf(rotation))
  const use = await look(run, rotation, iam)
  if (use !== undefined) {
    const { accessKeyId } = old
    if (!(await run.parts.confirm({ about: 'delete', accessKeyId, retired, use }))) return false
    await gone(iam.deleteAccessKey(userName, accessKeyId, run.options))
  }
  run.done('delete')
  await run.removeFromDevice(recordUri({ ...run.parts.stored, record: old }))
  run.done('remove')
  await removeJournal(run.path)
  return true
}

/** A new look at the old key, however long ago it was switched off (F-R12). Undefined where it is deleted already. */
async function look(run: RotationRun, rotation: Rotation, iam: IamClient): Promise<AccessKeyUse | undefined> {
  const { userName, old, retired = '' } = rotation
  const keys = await whenSettled(() => iam.listAccessKeys(userName, run.options), run.parts)
  const found = keys.find(({ accessKeyId }) => accessKeyId === old.accessKeyId)
  if (found === undefined) return undefined
  const use = await iam.lastUse(old.accessKeyId, run.options)
  const usedSince = use.date !== undefined && use.date.getTime() > Date.parse(retired) + useTolerance
  if (!found.isActive && !usedSince) return use
  const why = found.isActive ? 'was made active again' : 'was used'
  const where = use.date === undefined ? '' : ` (last used ${timeText(use.date)} by ${use.service} in ${use.region})`
  throw new HardkeyError(
    'ERR_ROTATION_STOPPED',
    `the old access key ${old.accessKeyId} ${why} after it was retired${where}`,
    {
      hint: `find out who needs it; then aws iam update-access-key --user-name ${userName} --access-key-id ${old.accessKeyId} --status Inactive`,
    },
  )
}

/** The record to be, which the journal has from `in device` on. */
export function nextOf({ next, state }: Rotation): NonNullable<Rotation['next']> {
  if (next !== undefined) return next
  throw new HardkeyError('ERR_INTERNAL', `a rotation in the state "${state}" has no new record`)
}
