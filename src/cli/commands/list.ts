// `hardkey list`. In: the folder of records. Out: a table on standard output; what cannot be read goes to standard
// error.

import { recordAgeDays } from '../../lifecycle/inspect.ts'
import { type ListedRecord, listRecords, type StoredRecord } from '../../profiles/record-store.ts'
import type { CommandContext } from '../command.ts'
import { recordsFolder } from '../open-key.ts'
import { tableLines } from '../table-lines.ts'

/** Prints the records in the order of their names. Status 1 where one cannot be read. */
export async function list({ args, environment, now, output, report }: CommandContext): Promise<number> {
  const folder = recordsFolder(environment)
  const listed = await listRecords(folder)
  const records = listed.filter((one): one is StoredRecord => 'record' in one)
  for (const one of listed) {
    if (isBroken(one)) report.warning(one.problem.message)
  }
  if (args.has('json')) {
    output.json(
      records.map(({ name, path, record }) => ({ name, ...record, ageDays: recordAgeDays(record, now()), path })),
    )
  } else if (records.length > 0) {
    const rows = records.map(({ name, record }) => [
      name,
      record.accessKeyId,
      record.protection,
      `${recordAgeDays(record, now())} d`,
      record.uri,
    ])
    output.line(tableLines(['NAME', 'ACCESS KEY ID', 'PROTECTION', 'AGE', 'KEY'], rows).join('\n'))
  } else if (listed.length === 0) {
    report.note(`no records in ${folder}`)
    report.next('hardkey import NAME --to embedded')
  }
  return listed.length === records.length ? 0 : 1
}

function isBroken(one: ListedRecord): one is Exclude<ListedRecord, StoredRecord> {
  return 'problem' in one
}
