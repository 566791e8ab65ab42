// `hardkey inspect NAME`. In: a record. Out: what it says, what the device says of the key, and whether both are still
// the same. One use of the device: the check value.

import { type Inspection, inspect } from '../../lifecycle/inspect.ts'
import { rotationStanding } from '../../lifecycle/rotation-standing.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { accountFor } from '../account/account.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { recordForThisRun, storedRecord } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'
import { placedLines, placedSteps } from '../request/signing-places.ts'
import { pairLines } from '../texts/table-lines.ts'

/** Prints record and device. Status 1 when the device holds another key than the one that checked in. */
export async function inspectKey(context: CommandContext): Promise<number> {
  const { args, now, output, report, signal } = context
  const stored = await storedRecord(context)
  const { record } = stored
  const rotation = await rotationStanding(stored, now())
  const ours = await recordForThisRun(context, stored)
  const uri = recordUri(ours)
  const entry = await deviceEntry(context, uri, args.has('strict'))
  const look = (): Promise<Inspection> => inspect(ours, { pin: pinPrompt(context, uri), entry, signal, now })
  const { info, sameKey, ageDays } = await report.waiting('the device', latched(context, uri, look))
  await accountFor(context).deviceUsed({ key: { title: stored.name, accessKeyId: record.accessKeyId } })
  for (const warning of info.warnings) report.warning(warning)
  if (args.has('chain')) {
    const steps = placedSteps(info, record, now())
    if (args.has('json')) output.json({ name: stored.name, device: info.device, protection: info.protection, steps })
    else output.line(placedLines(info, steps).join('\n'))
  } else if (args.has('json')) {
    output.json({ name: stored.name, path: stored.path, ...record, ageDays, rotation, device: info, sameKey })
  } else {
    output.line(
      pairLines([
        ['access key ID', record.accessKeyId],
        ['key', record.uri],
        ['device', info.device],
        ['protection', info.protection],
        ['checked in', `${record.created}, ${ageDays} days ago`],
        ['rotation', rotation?.text],
        ['check value', sameKey ? `${record.check}, the same in the device` : `${record.check}, ANOTHER in the device`],
        ['region', record.region],
        ['endpoint', record.endpointUrl],
        ['role', record.roleArn],
        ['MFA device', record.mfaSerial],
        ['duration', record.durationSeconds === undefined ? undefined : `${record.durationSeconds} s`],
        ...Object.entries(info.attributes).map(([name, value]) => [name, String(value)] as const),
        ['record', stored.path],
      ]).join('\n'),
    )
  }
  return sameKey ? 0 : 1
}
