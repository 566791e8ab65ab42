// The first half of a rotation: a new access key comes into the device. In: a journal in the state `wants key` or `has key`.
// Out: one in the state `in device`, or the state of before, with nothing new at AWS and in the device.
// 1. CreateAccessKey is sent once, after the journal says so; where its answer is lost, the next run lists the keys.
// 2. The secret lives in one Secret, from the answer to the device, and is wiped whatever happens.
// 3. What cannot be finished is taken back, with the old key: it works all the time.

import { basename } from 'node:path'
import { HardkeyError } from '../errors.ts'
import type { AccessKey } from '../iam/answer.ts'
import type { IamClient } from '../iam/client.ts'
import type { NewAccessKey } from '../iam/new-access-key.ts'
import { KeyUri } from '../key/uri.ts'
import { recordUri, withAbsoluteFile, withRelativeFile } from '../profiles/open-record.ts'
import { besideKey, isNamedPlace, withSourcesOf } from './beside-key.ts'
import { type Rotation, removeJournal } from './rotation-journal.ts'
import { timeText } from './rotation-parts.ts'
import type { RotationRun } from './rotation-run.ts'
import { type TakenKey, takeKey } from './take-key.ts'
import { tooManyKeys } from './too-many-keys.ts'

/** Clocks may differ by this much without being corrected. */
const clockTolerance = 5 * 60_000

/** From the journal to CreateAccessKey at most: a person types an MFA code. A key that was made later is not ours. */
const longestWish = 3_600_000

/** Steps 2 to 6. `isNew`: no earlier run has asked for a key. */
export async function bringNewKey(run: RotationRun, rotation: Rotation, isNew: boolean): Promise<Rotation> {
  const iam = await run.keys.iam(rotation.old)
  try {
    await makeRoom(run, rotation, iam, isNew)
  } catch (error) {
    // No key was asked for yet.
    if (isNew) await removeJournal(run.path)
    throw error
  }
  const wish = isNew ? rotation : await run.write({ ...rotation, began: timeText(iam.now()) })
  const made = await create(run, wish, iam)
  try {
    return await intoDevice(run, wish, made)
  } finally {
    made.secret.wipe()
  }
}

/** Step 2: no key but the old one. */
async function makeRoom(run: RotationRun, rotation: Rotation, iam: IamClient, isNew: boolean): Promise<void> {
  const { signal, stored } = run.parts
  const { userName, old } = rotation
  const keys = await iam.listAccessKeys(userName, { signal })
  for (const key of othersOf(run, rotation, keys)) {
    if (isNew || !(await isOrphan(run, rotation, iam, key))) {
      await removeJournal(run.path)
      const ours = [old.accessKeyId, stored.name] as const
      throw await tooManyKeys({ keys, userName, iam, folder: run.folder, ours, signal })
    }
    if (!(await deleteOrphan(run, rotation, iam, key))) throw orphanStays(key, stored.name)
  }
  run.done('list')
}

/** What `--undo` does about a key that CreateAccessKey may have made: it goes where that is agreed, and no room is needed. */
export async function discardOrphan(run: RotationRun, rotation: Rotation): Promise<void> {
  const iam = await run.keys.iam(rotation.old)
  const keys = await iam.listAccessKeys(rotation.userName, run.options)
  for (const key of othersOf(run, rotation, keys)) {
    if (await isOrphan(run, rotation, iam, key)) await deleteOrphan(run, rotation, iam, key)
  }
  run.done('list')
}

function othersOf(run: RotationRun, { old }: Rotation, keys: readonly AccessKey[]): readonly AccessKey[] {
  return keys.filter(({ accessKeyId }) => accessKeyId !== old.accessKeyId && accessKeyId !== run.discarded)
}

/** Made when this rotation asked for a key, and never used. Somebody else's may look the same. */
async function isOrphan(run: RotationRun, rotation: Rotation, iam: IamClient, key: AccessKey): Promise<boolean> {
  const after = key.created.getTime() - Date.parse(rotation.began)
  if (after < -clockTolerance || after > longestWish) return false
  return (await iam.lastUse(key.accessKeyId, run.options)).date === undefined
}

/** False where nobody agrees. */
async function deleteOrphan(
  run: RotationRun,
  { userName, undoing }: Rotation,
  iam: IamClient,
  key: AccessKey,
): Promise<boolean> {
  if (!(await run.parts.confirm({ about: 'orphan', key, userName, undoing: undoing === true }))) return false
  await gone(iam.deleteAccessKey(userName, key.accessKeyId, run.options))
  run.done('discard')
  return true
}

function orphanStays({ accessKeyId, created }: AccessKey, name: string): HardkeyError {
  const what = `the access key ${accessKeyId}, made ${timeText(created)} and never used`
  return new HardkeyError('ERR_ROTATION_STOPPED', `${what}, is of the rotation that was cut off, or somebody's`, {
    hint:
      `if nobody has it, its secret is lost: hardkey rotate ${name} --resume --delete-orphan ${accessKeyId}; ` +
      `if somebody has it: hardkey rotate ${name} --undo leaves it`,
  })
}

/** Step 3. A refusal says that there is no new key, so that the journal has nothing to remember. */
async function create(run: RotationRun, { userName }: Rotation, iam: IamClient): Promise<NewAccessKey> {
  try {
    const made = await iam.createAccessKey(userName, run.options)
    run.done('create')
    return made
  } catch (error) {
    if (error instanceof HardkeyError && error.code === 'ERR_STS_REFUSED') await removeJournal(run.path)
    throw error
  }
}

/** Steps 4 to 6. */
async function intoDevice(run: RotationRun, rotation: Rotation, made: NewAccessKey): Promise<Rotation> {
  const { stored } = run.parts
  const names = { recordName: stored.name, oldAccessKeyId: rotation.old.accessKeyId, newAccessKeyId: made.accessKeyId }
  const places = besideKey(recordUri({ ...stored, record: rotation.old }), names)
  for (const [index, place] of places.entries()) {
    const newUri = withRelativeFile(place, run.folder).withoutSecrets().toString()
    const held: Rotation = { ...rotation, state: 'has key', newAccessKeyId: made.accessKeyId, newUri }
    let isInDevice = false
    try {
      await run.write(held)
      const { record } = await take(run, place, made)
      isInDevice = true
      run.done('import')
      const next = { ...rotation.old, ...record, made: record.created }
      return await run.write({ ...held, state: 'in device', next })
    } catch (error) {
      const isTaken = error instanceof HardkeyError && error.code === 'ERR_KEY_EXISTS'
      if (isTaken && index + 1 < places.length) continue
      throw await takenBack(run, held, error, isInDevice)
    }
  }
  throw new HardkeyError('ERR_INTERNAL', 'there is no place for the new key')
}

async function take(run: RotationRun, place: KeyUri, made: NewAccessKey): Promise<TakenKey> {
  const { stored, forThisRun, entry, pin, now, signal } = run.parts
  const { accessKeyId, secret } = made
  const to = withSourcesOf(await forThisRun(place), place)
  const input = { name: stored.name, accessKeyId, secret, to, otherStore: true, folder: run.folder, now, signal }
  return await takeKey({ ...input, entry: await entry(to) }, pin)
}

/** F-R04: the new key is deleted with the old one. Gives the failure to throw. */
async function takenBack(run: RotationRun, rotation: Rotation, error: unknown, isInDevice: boolean): Promise<unknown> {
  // An interrupted run ends at once; the next one goes on from the journal.
  if (run.parts.signal?.aborted === true) return error
  try {
    await discardNewKey(run, rotation, { isInDevice })
    await removeJournal(run.path)
    return error
  } catch (failure) {
    if (!(error instanceof HardkeyError && failure instanceof HardkeyError)) return error
    const id = rotation.newAccessKeyId
    return new HardkeyError(
      error.code,
      `${error.message}; the new access key ${id} was not deleted: ${failure.message}`,
      {
        hint: failure.hint,
        cause: error,
      },
    )
  }
}

/**
 * Takes a new key that is not in use out of AWS and out of the device. Each part may be gone already. Gives the state
 * `wants key`, not written yet: where a rotation ends with this, the disk may be full.
 */
export async function discardNewKey(
  run: RotationRun,
  rotation: Rotation,
  { isInDevice }: { readonly isInDevice: boolean },
): Promise<Rotation> {
  const { userName, old, newAccessKeyId, newUri, ...rest } = rotation
  if (newAccessKeyId === undefined || newUri === undefined) return rotation
  const iam = await run.keys.iam(old)
  await gone(iam.deleteAccessKey(userName, newAccessKeyId, run.options))
  run.discarded = newAccessKeyId
  const uri = withAbsoluteFile(KeyUri.parse(rotation.next?.uri ?? newUri), run.folder)
  // A bare handle may be that of another key, unless this rotation has seen its own there.
  if (isInDevice && (isNamedPlace(uri) || rotation.next !== undefined)) {
    const isOurs = rotation.undoing === true && basename(uri.get('file') ?? '').includes(newAccessKeyId)
    await run.removeFromDevice(uri, isOurs ? 'goes' : 'stays')
  }
  run.done('discard')
  const { next: _, ...begun } = rest
  return { ...begun, userName, old, state: 'wants key' }
}

/** What IAM does not know any more is deleted. */
export async function gone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion
  } catch (error) {
    if (!isUnknownKey(error)) throw error
  }
}

/** IAM says the same code of a user that it does not know, as of one that was renamed: his key may be there. */
export function isUnknownKey(error: unknown): boolean {
  if (!(error instanceof HardkeyError) || error.serviceCode?.startsWith('NoSuchEntity') !== true) return false
  return !/\buser with name\b/i.test(error.message)
}
