// `hardkey list`. In: the folder of records. Out: a table on standard output; what cannot be read goes to standard
// error.

import { HardkeyError } from '../../errors.ts'
import { recordAgeDays } from '../../lifecycle/inspect.ts'
import { type RotationStanding, rotationStanding } from '../../lifecycle/rotation-standing.ts'
import { type ListedRecord, listRecords, type StoredRecord } from '../../profiles/record-store.ts'
import type { CommandContext } from '../command.ts'
import { recordsFolder } from '../device/open-key.ts'
import { tableLines } from '../texts/table-lines.ts'

/** Prints the records in the order of their names. Status 1 where one cannot be read. */
export async function list({ args, environment, now, output, report }: CommandContext): Promise<number> {
  const folder = recordsFolder(environment)
  const listed = await listRecords(folder)
  const records = listed.filter((one): one is StoredRecord => 'record' in one)
  for (const one of listed) {
    if (isBroken(one)) report.warning(one.problem.message)
  }
  const rows = await Promise.all(records.map((stored) => rowOf(stored, now(), report.warning)))
  if (args.has('json')) {
    output.json(rows.map(({ name, path, record, ageDays, rotation }) => ({ name, ...record, ageDays, rotation, path })))
  } else if (rows.length > 0) {
    const isRotating = rows.some(({ rotation }) => rotation !== null)
    const only = (cell: string): readonly string[] => (isRotating ? [cell] : [])
    const cells = rows.map(({ name, record, ageDays, rotation }) => [
      ...[name, record.accessKeyId, record.protection, `${ageDays} d`],
      ...only(rotationCell(rotation)),
      record.uri,
    ])
    const head = ['NAME', 'ACCESS KEY ID', 'PROTECTION', 'AGE', ...only('ROTATION'), 'KEY']
    output.line(tableLines(head, cells).join('\n'))
  } else if (listed.length === 0) {
    report.note(`no records in ${folder}`)
    report.next('hardkey import NAME --to embedded')
  }
  return listed.length === records.length ? 0 : 1
}

interface Row extends StoredRecord {
  readonly ageDays: number
  readonly rotation: RotationStanding | null
}

/** A journal that is none is told, and hides no record. */
async function rowOf(stored: StoredRecord, now: Date, warning: (text: string) => void): Promise<Row> {
  const row = { ...stored, ageDays: recordAgeDays(stored.record, now) }
  try {
    return { ...row, rotation: await rotationStanding(stored, now) }
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    warning(error.message)
    return { ...row, rotation: null }
  }
}

function rotationCell(rotation: RotationStanding | null): string {
  if (rotation === null) return '-'
  const { state, next, until } = rotation
  return state === 'stopped' ? state : `old key ${next} after ${until}`
}

function isBroken(one: ListedRecord): one is Exclude<ListedRecord, StoredRecord> {
  return 'problem' in one
}
