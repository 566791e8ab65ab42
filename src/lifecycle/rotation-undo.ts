// A rotation taken back. In: its journal, in any state. Out: the old key in use, the new one gone from AWS and from the
// device, no journal. Every step leaves its state, from `retired` back to `has key`, so that this can be cut off as well.

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
  await run.replaceRecord(old)
  if (rotation.state !== 'wants key' && rotation.state !== 'has key') {
    rotation = await run.write({ ...rotation, state: 'has key' })
    run.done('switch')
  }
  if (rotation.state === 'has key') await discardNewKey(run, rotation, { isInDevice: true })
  else await discardOrphan(run, rotation)
  await removeJournal(run.path)
  return old
}

/** The old key works again before anything of the new one goes. */
async function activateOld(run: RotationRun, rotation: Rotation): Promise<void> {
  const { old } = rotation
  try {
    await setActive(run, rotation)
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

/** Signed by the new key. Where the device or AWS has it no more, by the old one, which can as long as it is active. */
async function setActive(run: RotationRun, rotation: Rotation): Promise<void> {
  const { userName, old } = rotation
  const set = async (by: KeyRecord): Promise<void> =>
    await (await run.keys.iam(by)).setAccessKey(userName, old.accessKeyId, 'Active', run.options)
  try {
    await set(nextOf(rotation))
  } catch (lost) {
    if (!isLost(lost, nextOf(rotation))) throw lost
    await set(old).catch((error: unknown) => {
      if (!(error instanceof HardkeyError) || error.code !== 'ERR_STS_REFUSED' || isUnknownKey(error)) throw error
      const activate = `aws iam update-access-key --user-name ${userName} --access-key-id ${old.accessKeyId} --status Active`
      throw new HardkeyError(
        'ERR_ROTATION_STOPPED',
        `${lost.message}; and ${old.accessKeyId} signs nothing: ${error.message}`,
        {
          hint: `somebody else has to say ${activate}; then hardkey rotate ${run.parts.stored.name} --undo`,
          cause: error,
        },
      )
    })
  }
}

/** Of a keyset no one can tell another passphrase from a damaged file; a PIN that was refused is not tried again. */
function isLost(error: unknown, { uri }: KeyRecord): error is HardkeyError {
  if (!(error instanceof HardkeyError)) return false
  if (error.serviceCode === 'InvalidClientTokenId') return true
  const codes = ['ERR_KEY_FILE_INVALID', 'ERR_KEY_NOT_FOUND', 'ERR_KEY_UNUSABLE']
  return codes.includes(error.code) || (error.code === 'ERR_PIN_INCORRECT' && uri.startsWith('tink:'))
}
