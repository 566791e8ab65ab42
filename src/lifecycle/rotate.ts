// A new access key in the place of the old one, in the same device. In: a record, a device, IAM and STS, a wish.
// Out: what came of it. At every instant a key in the device signs requests that AWS accepts; F-R02 to F-R12.
// 1. The journal comes before each step that cannot be seen from outside; a run that was cut off is gone on with.
// 2. The old key is switched off when the new one has signed, and deleted a grace period later, after another look.
// 3. The old object in the device is the last thing to go.

import { existsSync } from 'node:fs'
import { HardkeyError } from '../errors.ts'
import { withLock } from '../files/with-lock.ts'
import { userNameOf } from '../iam/user-name.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { changeRecord } from '../profiles/record-store.ts'
import { refuseUnrotatable } from './beside-key.ts'
import { bringNewKey, discardNewKey } from './rotation-begin.ts'
import { finish, nextOf, retire, switchOver } from './rotation-end.ts'
import { beginJournal, journalPath, lockPath, type Rotation, readJournal } from './rotation-journal.ts'
import { type RotationOutcome, type RotationParts, type RotationWish, timeText } from './rotation-parts.ts'
import { RotationRun } from './rotation-run.ts'
import { undoRotation } from './rotation-undo.ts'

/** Who holds the journal names itself within milliseconds; a lock that names nobody after this was left by a killed run. */
const lockWait = { waitMilliseconds: 1000 }

/** How long an old key stays, inactive, where nobody says so. */
const usualGraceSeconds = 7 * 86_400

/**
 * Ends an earlier rotation as far as its times allow, then does what is wished.
 *
 * @throws ERR_ROTATION_STOPPED where something is left to be resumed, with the failure as cause, where another run holds
 * the journal, and where the user has two keys; before the journal is begun, and after all was taken back, the failure
 * itself
 */
export async function rotate(parts: RotationParts, wish: RotationWish): Promise<RotationOutcome> {
  const { name, path } = parts.stored
  const lock = lockPath(path)
  return await withLock(lock, { ...lockWait, signal: parts.signal }, async (held) => {
    if (!held) throw existsSync(lock) ? underWay(name) : unwritable(path)
    const run = new RotationRun(parts)
    try {
      return await fulfil(run, wish)
    } catch (error) {
      throw await stopped(error, name, path)
    } finally {
      await run.keys.close()
    }
  })
}

async function fulfil(run: RotationRun, wish: RotationWish): Promise<RotationOutcome> {
  const { record } = run.parts.stored
  const earlier = await readJournal(run.path)
  if (earlier !== undefined) mustBelong(run, earlier)
  if (wish.kind === 'undo' || earlier?.undoing === true) {
    const undone = earlier === undefined ? record : await undoRotation(run, earlier)
    return { state: earlier === undefined ? 'nothing to resume' : 'undone', switched: false, record: undone }
  }
  const outcome = earlier && (await goOn(run, earlier, false))
  if (outcome !== undefined && (outcome.state !== 'ended' || outcome.switched)) return answerTo(run, wish, outcome)
  const known = earlier === undefined && !isDue(run, wish) ? await withMade(run, wish) : record
  if (!isDue(run, wish, known)) {
    const state = wish.kind === 'resume' ? 'nothing to resume' : 'not due'
    return outcome ?? { state, switched: false, record: known }
  }
  return await begin(run, known)
}

/** A rotation that waits for its time keeps a new one from beginning; a timer has nothing to do then. */
function answerTo(run: RotationRun, wish: RotationWish, outcome: RotationOutcome): RotationOutcome {
  const { old, switched } = outcome
  if (switched || old === undefined || !isDue(run, wish)) return outcome
  const { name } = run.parts.stored
  const what = `${old.accessKeyId} stays ${old.isActive ? 'active' : 'inactive'} until ${timeText(old.until)}`
  throw new HardkeyError('ERR_ROTATION_STOPPED', `the earlier rotation of "${name}" is not over: ${what}`, {
    hint: `hardkey rotate ${name} --resume --${old.isActive ? 'overlap' : 'grace'} 0 ends it now`,
  })
}

/** The record, with the time when AWS made its key: asked once, and kept. Where AWS is not reached, that stops nothing. */
async function withMade(run: RotationRun, wish: RotationWish): Promise<KeyRecord> {
  const { stored, onAgeUnknown, signal } = run.parts
  const { record } = stored
  if (wish.kind !== 'rotate' || record.made !== undefined) return record
  let known = record
  try {
    const { arn } = await (await run.keys.sts(record)).getCallerIdentity({ signal })
    const keys = await (await run.keys.iam(record)).listAccessKeys(userOf(arn), { signal })
    const key = keys.find(({ accessKeyId }) => accessKeyId === record.accessKeyId)
    if (key === undefined) return record
    known = { ...record, made: timeText(key.created) }
    await changeRecord(stored.path, (now) =>
      now.accessKeyId === record.accessKeyId ? { ...now, made: known.made } : now,
    )
  } catch (error) {
    if (!(error instanceof HardkeyError) || signal?.aborted === true) throw error
    onAgeUnknown?.(error)
  }
  return known
}

function isDue({ parts }: RotationRun, wish: RotationWish, record: KeyRecord = parts.stored.record): boolean {
  if (wish.kind !== 'rotate') return false
  const { created, made = created } = record
  const age = parts.now().getTime() - Date.parse(made)
  return wish.ifOlderThanSeconds === undefined || age >= wish.ifOlderThanSeconds * 1000
}

/** Step 1. Whatever can be refused is refused before the journal. */
async function begin(run: RotationRun, record: KeyRecord): Promise<RotationOutcome> {
  const { stored, confirm, usualOverlapSeconds = 0, graceSeconds = usualGraceSeconds, signal } = run.parts
  const { overlapSeconds = usualOverlapSeconds } = run.parts
  const { accessKeyId } = record
  refuseUnrotatable(stored)
  if (overlapSeconds === 0 && !(await confirm({ about: 'end at once', accessKeyId }))) {
    return { state: 'declined', switched: false, record }
  }
  const sts = await run.keys.sts(record)
  refuseUnrotatable(stored, await run.keys.attributesOf(record))
  const userName = userOf((await sts.getCallerIdentity({ signal })).arn)
  const began = timeText(sts.now())
  const rotation: Rotation = {
    version: 1,
    state: 'wants key',
    began,
    userName,
    overlapSeconds,
    graceSeconds,
    old: record,
  }
  await beginJournal(run.path, rotation)
  run.done('journal')
  return await goOn(run, rotation, true)
}

/** From state to state, as far as the times allow. */
async function goOn(run: RotationRun, from: Rotation, isNew: boolean): Promise<RotationOutcome> {
  const { overlapSeconds = from.overlapSeconds, graceSeconds = from.graceSeconds, now } = run.parts
  let rotation = from
  let switched = false
  const waiting = (since: string | undefined, seconds: number): RotationOutcome | undefined => {
    const until = new Date(Date.parse(since ?? '') + seconds * 1000)
    if (until <= now()) return undefined
    const { accessKeyId } = rotation.old
    const old = { accessKeyId, isActive: rotation.state === 'switched', until }
    return { state: 'waiting', switched, record: nextOf(rotation), old }
  }
  for (;;) {
    switch (rotation.state) {
      case 'wants key':
        rotation = await bringNewKey(run, rotation, isNew)
        break
      case 'has key':
        // The secret was lost with the run that had it.
        rotation = await run.write(await discardNewKey(run, rotation, { isInDevice: true }))
        break
      case 'in device':
        rotation = await switchOver(run, rotation)
        switched = true
        break
      case 'switched': {
        const outcome = waiting(rotation.switched, overlapSeconds)
        if (outcome !== undefined) return outcome
        rotation = await retire(run, rotation)
        break
      }
      case 'retired': {
        const outcome = waiting(rotation.retired, graceSeconds)
        if (outcome !== undefined) return outcome
        const state = (await finish(run, rotation)) ? 'ended' : 'declined'
        const ended = state === 'ended' ? rotation.old.accessKeyId : undefined
        return { state, switched, record: nextOf(rotation), ended }
      }
    }
  }
}

/** The user in an ARN; a role has no access keys, and those of the root user are to be deleted. */
function userOf(arn: string): string {
  const name = userNameOf(arn)
  if (name !== undefined) return name
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `${arn} is no IAM user, whose keys alone are rotated`, {
    hint: 'make a user with an access key of its own, and delete the keys of the root user',
  })
}

function mustBelong({ parts }: RotationRun, { old, next }: Rotation): void {
  const { accessKeyId } = parts.stored.record
  if (accessKeyId === old.accessKeyId || accessKeyId === next?.accessKeyId) return
  const path = journalPath(parts.stored.path)
  throw new HardkeyError('ERR_ROTATION_STOPPED', `${path} is of ${old.accessKeyId}, and the record of ${accessKeyId}`, {
    hint:
      'where somebody has written the record since, look at both keys at AWS and remove the journal; ' +
      `else remove the record, which is damaged: hardkey rotate ${parts.stored.name} --resume writes it anew`,
  })
}

function underWay(name: string): HardkeyError {
  return new HardkeyError('ERR_ROTATION_STOPPED', `another rotation of "${name}" is under way`, {
    hint: 'wait for it',
  })
}

function unwritable(path: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the journal of a rotation cannot be written beside ${path}`, {
    hint: 'the disk is full or read-only, or the folder is not yours',
  })
}

/** A failure that leaves a journal can be resumed, and says so; any other one stays as it is. */
async function stopped(error: unknown, name: string, path: string): Promise<unknown> {
  if (!(error instanceof HardkeyError) || error.code === 'ERR_ROTATION_STOPPED') return error
  const journal = await readJournal(path).catch(() => undefined)
  if (journal === undefined) return error
  const message = `the rotation of "${name}" stopped at "${journal.state}": ${error.message}`
  const way = `hardkey rotate ${name} --resume, or --undo`
  const hint = error.hint === undefined ? way : `${error.hint}; then ${way}`
  const { serviceCode, status, requestId } = error
  return new HardkeyError('ERR_ROTATION_STOPPED', message, { hint, cause: error, serviceCode, status, requestId })
}
