// A rotation taken back. In: its journal, in any state. Out: the old key in use, the new one gone from AWS and from the
// device, no journal. Every step leaves its state, from `retired` back to `wants key`, so that this can be cut off as well.

import { HardkeyError } from '../errors.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { discardNewKey, discardOrphan, isUnknownKey } from './rotation-begin.ts'
import { nextOf } from './rotation-end.ts'
import { type Rotation, removeJournal } from './rotation-journal.ts'
import type { RotationRun } from './rotation-run.ts'
import { whenSettled } from './settling.ts'

/** Gives the record as it was. @throws ERR_ROTATION_STOPPED where the old key is deleted already */
export async function undoRotation(run: RotationRun, from: Rotation): Promise<KeyRecord> {
  const { old } = from
  let rotation = await run.write({ ...from, undoing: true })
  // At `switched` it may be inactive too, where the answer of UpdateAccessKey was lost.
  if (rotation.state === 'switched' || rotation.state === 'retired') await activateOld(run, rotation)
  if (rotation.state !== 'wants key' && rotation.state !== 'has key') {
    await run.replaceRecord(old)
    rotation = await run.write({ ...rotation, state: 'has key' })
    run.done('switch')
  }
  if (rotation.state === 'has key') rotation = await discardNewKey(run, rotation, { isInDevice: true })
  else await discardOrphan(run, rotation)
  await removeJournal(run.path)
  return old
}

/** The old key works again before anything of the new one goes. */
async function activateOld(run: RotationRun, rotation: Rotation): Promise<void> {
  const { userName, old } = rotation
  const iam = await run.keys.iam(nextOf(rotation))
  try {
    await iam.setAccessKey(userName, old.accessKeyId, 'Active', run.options)
  } catch (error) {
    if (!isUnknownKey(error)) throw error
    await run.write({ ...rotation, undoing: undefined })
    throw new HardkeyError('ERR_ROTATION_STOPPED', `${old.accessKeyId} is deleted at AWS: there is no way back`, {
      hint: `the new key is in use; what is left ends with hardkey rotate ${run.parts.stored.name} --resume`,
      cause: error,
    })
  }
  const sts = await run.keys.sts(old)
  await whenSettled(() => sts.getCallerIdentity(run.options), run.parts)
  run.done('activate')
}
