// `hardkey forget NAME`. In: a record. Out: the record, its line in the AWS profile and the sessions that are kept of it are
// gone; with --from-device the key too, which cannot be undone and is asked for.

import { HardkeyError } from '../../errors.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type ForgetFromDevice, forget } from '../../lifecycle/forget.ts'
import { recordUri } from '../../profiles/open-record.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device-entry.ts'
import { removeKept } from '../kept-sessions.ts'
import { awsFiles, recordForThisRun, storedRecord, toldOnce } from '../open-key.ts'
import { latched } from '../pin-latch.ts'
import { pinPrompt } from '../pin-prompt.ts'
import { runtimeFolder } from '../runtime-folder.ts'
import { keyText } from '../session-text.ts'

/** Removes a record; status 1 and nothing changed where the person says no. */
export async function forgetKey(context: CommandContext): Promise<number> {
  const { args, environment, output, report, signal } = context
  const stored = await storedRecord(context)
  const destroys = args.has('from-device')
  if (destroys && !args.has('yes') && !(await agreed(context, stored))) {
    report.note('nothing was changed')
    return 1
  }
  const ours = destroys ? await recordForThisRun(context, stored) : stored
  const fromDevice = destroys ? await destroyer(context, recordUri(ours)) : undefined
  const forgetting = () => forget({ stored: ours, files: awsFiles(environment), fromDevice, signal })
  const forgotten = destroys ? latched(context, recordUri(ours), forgetting) : forgetting()
  const { profiles, device } = await report.waiting('the device', forgotten)
  const { accessKeyId } = stored.record
  const sessions = await forgetSessions(context, stored)
  if (args.has('json')) output.json({ name: stored.name, accessKeyId, profiles, device, sessions })
  else {
    output.line(`forgot ${stored.name} (${accessKeyId}); the key in the device: ${device}`)
    for (const profile of profiles) output.line(`removed credential_process from the AWS profile ${profile}`)
    if (sessions > 0) output.line(`removed ${sessions} kept sessions; who was handed one before has it until it ends`)
  }
  report.note(`${accessKeyId} was not switched off where it was made: if it is active there, it stays so`)
  if (stored.record.store !== undefined) report.next('hardkey list')
  else report.next(`aws iam update-access-key --user-name USER --access-key-id ${accessKeyId} --status Inactive`)
  return 0
}

/** Removes what is kept of the record between runs, and gives the number of sessions. */
async function forgetSessions(context: CommandContext, stored: StoredRecord): Promise<number> {
  try {
    const uri = recordUri(await recordForThisRun(toldOnce(context), stored))
    const folder = runtimeFolder(context, undefined)
    return folder === undefined ? 0 : removeKept(folder, keyText({ ...stored.record, uri }))
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    context.report.warning(`kept sessions of ${stored.name} may be left: ${error.message}`)
    return 0
  }
}

async function destroyer(context: CommandContext, uri: KeyUri): Promise<ForgetFromDevice> {
  return { pin: pinPrompt(context, uri), entry: await deviceEntry(context, uri) }
}

function agreed({ args, terminal, signal }: CommandContext, { name, record }: StoredRecord): Promise<boolean> {
  const unavailable = args.wrong('there is no terminal to ask whether the key shall be destroyed', 'give --yes')
  const atAws = record.store === undefined ? `, which does not end it at AWS (hardkey revoke ${name})` : ''
  return terminal.confirm({
    question: `destroy the key of ${name} (${record.accessKeyId}) in the device for ever${atAws}`,
    unavailable,
    signal,
  })
}
