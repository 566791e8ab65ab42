// How far the rotation of a key has come. In: a record, the journal beside it, the time. Out: whether it waits, is due or stopped
// half way, and until when the other key stays as it is.

import type { StoredRecord } from '../profiles/record-store.ts'
import { type Rotation, readJournal } from './rotation-journal.ts'
import { timeText } from './rotation-parts.ts'

/** A rotation that is not over. */
export interface RotationStanding {
  /** `due`: its next step may be done. `stopped`: it was cut off, and its next run goes on with it. */
  readonly state: 'waiting' | 'due' | 'stopped'
  /** The key that it began with. */
  readonly accessKeyId: string
  /** What is to come of that key; null where it stopped. */
  readonly next: 'switched off' | 'deleted' | null
  /** When: "2026-11-24T17:20:00Z". */
  readonly until: string | null
  readonly text: string
}

/** Null where no rotation is under way. @throws ERR_CONFIG_INVALID for a journal that is none */
export async function rotationStanding({ path }: StoredRecord, now: Date): Promise<RotationStanding | null> {
  const rotation = await readJournal(path)
  if (rotation === undefined) return null
  const { accessKeyId } = rotation.old
  const until = waitsUntil(rotation)
  if (until === undefined) {
    const text = `a rotation${rotation.undoing === true ? ' that is taken back' : ''} stopped at "${rotation.state}"`
    return { state: 'stopped', accessKeyId, next: null, until: null, text }
  }
  const next = rotation.state === 'switched' ? 'switched off' : 'deleted'
  const text = `the key before it, ${accessKeyId}, is to be ${next} after ${timeText(until)}`
  return { state: until > now ? 'waiting' : 'due', accessKeyId, next, until: timeText(until), text }
}

/** When the next step of a rotation is due that has done its part; undefined in the middle of it. */
function waitsUntil(rotation: Rotation): Date | undefined {
  const { undoing, state, switched = '', retired = '', overlapSeconds, graceSeconds } = rotation
  if (undoing === true || (state !== 'switched' && state !== 'retired')) return undefined
  const [since, seconds] = state === 'switched' ? [switched, overlapSeconds] : [retired, graceSeconds]
  return new Date(Date.parse(since) + seconds * 1000)
}
