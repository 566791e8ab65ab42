// How far the rotation of a key has come. In: a record and the journal beside it. Out: a finding where there is one: it waits
// for its time, it is due, or it stopped half way.

import { HardkeyError } from '../../errors.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { type Rotation, readJournal } from '../rotation-journal.ts'
import { timeText } from '../rotation-parts.ts'
import { type Finding, faultOf } from './finding.ts'

/** At most one. */
export async function rotationFindings({ name, path }: StoredRecord, now: Date): Promise<readonly Finding[]> {
  try {
    const rotation = await readJournal(path)
    return rotation === undefined ? [] : [findingOf(name, rotation, now)]
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('rotation', error, name)]
  }
}

function findingOf(name: string, rotation: Rotation, now: Date): Finding {
  const until = waitsUntil(rotation)
  const { accessKeyId } = rotation.old
  if (until === undefined) {
    const text = `a rotation${rotation.undoing === true ? ' that is taken back' : ''} stopped at "${rotation.state}"`
    return { id: 'rotation', state: 'fault', name, text, remedy: `hardkey rotate ${name} --resume, or --undo` }
  }
  const next = rotation.state === 'switched' ? 'switched off' : 'deleted'
  const text = `the key before it, ${accessKeyId}, is to be ${next} after ${timeText(until)}`
  if (until > now) return { id: 'rotation', state: 'ok', name, text }
  return { id: 'rotation', state: 'note', name, text, remedy: `hardkey rotate ${name} --resume` }
}

/** When the next step of a rotation is due that has done its part; undefined in the middle of it. */
function waitsUntil(rotation: Rotation): Date | undefined {
  const { undoing, state, switched = '', retired = '', overlapSeconds, graceSeconds } = rotation
  if (undoing === true || (state !== 'switched' && state !== 'retired')) return undefined
  const [since, seconds] = state === 'switched' ? [switched, overlapSeconds] : [retired, graceSeconds]
  return new Date(Date.parse(since) + seconds * 1000)
}
