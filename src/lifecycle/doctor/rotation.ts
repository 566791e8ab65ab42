// What doctor says of a rotation that is not over. In: a record and the journal beside it. Out: a finding where there is one: it
// waits for its time, it is due, nobody has ended it, or it stopped half way.

import { HardkeyError } from '../../errors.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { rotationStanding } from '../rotation-standing.ts'
import { type Finding, faultOf } from './finding.ts'

/** The timer of examples/rotate runs once a day; a machine may be off for one. */
const overdueMilliseconds = 2 * 86_400_000

/** At most one. */
export async function rotationFindings(stored: StoredRecord, now: Date): Promise<readonly Finding[]> {
  const { name } = stored
  try {
    const standing = await rotationStanding(stored, now)
    if (standing === null) return []
    const { state, until, text } = standing
    const resume = `hardkey rotate ${name} --resume`
    if (state === 'stopped') return [{ id: 'rotation', state: 'fault', name, text, remedy: `${resume}, or --undo` }]
    if (state === 'waiting') return [{ id: 'rotation', state: 'note', name, text, remedy: `${resume}, after ${until}` }]
    const isOverdue = now.getTime() - Date.parse(until ?? '') > overdueMilliseconds
    return [{ id: 'rotation', state: isOverdue ? 'fault' : 'note', name, text, remedy: resume }]
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('rotation', error, name)]
  }
}
