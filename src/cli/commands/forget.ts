// `hardkey forget NAME`. In: a record. Out: the record, its line in the AWS profile and the sessions that are kept of it are
// gone; with --from-device the key too, which cannot be undone and is asked for.

import { HardkeyError } from '../../errors.ts'
import { type ForgetFromDevice, type ForgetResult, forget, otherKeys } from '../../lifecycle/forget.ts'
import { type RememberedPin, rememberPin } from '../../lifecycle/remembered-pin.ts'
import { type Rotation, readJournal } from '../../lifecycle/rotation-journal.ts'
import { recordUri } from '../../profiles/open-record.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { awsFiles, prepared, recordForThisRun, storedRecord, toldOnce } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'
import { removeKept } from '../session/kept-sessions.ts'
import { runtimeFolder } from '../session/runtime-folder.ts'
import { recordText } from '../session/session-text.ts'

/** Removes a record; status 1 and nothing changed where the person says no. */
export async function forgetKey(context: CommandContext): Promise<number> {
  const { args, report } = context
  const stored = await storedRecord(context)
  const rotation = await readJournal(stored.path)
  const destroys = args.has('from-device')
  if (destroys && recordUri(stored).scheme === 'vault') {
    report.warning('other hosts may use this key of the server: none of them can sign without it')
  }
  const isAsked = destroys || rotation !== undefined
  if (isAsked && !args.has('yes') && !(await agreed(context, stored, rotation))) {
    report.note('nothing was changed')
    return 1
  }
  const forgotten = destroys ? await destroyed(context, stored) : await forget(inputOf(context, stored))
  tell(context, stored, forgotten, forgetSessions(context, stored))
  for (const id of idsOf(stored, rotation)) {
    report.note(`${id} was not switched off where it was made: if it is active there, it stays so`)
  }
  if (rotation?.state === 'wants key') {
    const list = `aws iam list-access-keys --user-name ${rotation.userName}`
    report.warning(`the rotation may have made an access key at AWS that no device has: ${list}`)
  }
  const user = rotation?.userName ?? 'USER'
  const { accessKeyId, store } = stored.record
  if (store !== undefined) report.next('hardkey list')
  else report.next(`aws iam update-access-key --user-name ${user} --access-key-id ${accessKeyId} --status Inactive`)
  return 0
}

function inputOf({ environment, signal }: CommandContext, stored: StoredRecord) {
  return { stored, files: awsFiles(environment), signal }
}

async function destroyed(context: CommandContext, stored: StoredRecord): Promise<ForgetResult> {
  const ours = await recordForThisRun(context, stored)
  const uri = recordUri(ours)
  const pin = rememberPin(pinPrompt(context, uri))
  try {
    const fromDevice = await destroyer(context, ours, pin)
    const act = (): Promise<ForgetResult> => forget({ ...inputOf(context, ours), fromDevice })
    return await context.report.waiting('the device', latched(context, uri, act))
  } finally {
    pin.forget()
  }
}

async function destroyer(context: CommandContext, ours: StoredRecord, pin: RememberedPin): Promise<ForgetFromDevice> {
  const forThisRun: ForgetFromDevice['forThisRun'] = (uri) => prepared(toldOnce(context), uri, true)
  return { pin: pin.source, entry: await deviceEntry(context, recordUri(ours)), forThisRun }
}

function tell({ args, output }: CommandContext, stored: StoredRecord, forgotten: ForgetResult, sessions: number): void {
  const { name } = stored
  const { accessKeyId } = stored.record
  const { profiles, device } = forgotten
  const others = forgotten.others.map((other) => ({
    accessKeyId: other.accessKeyId,
    uri: other.uri.withoutSecrets().toString(),
    device: other.device,
  }))
  if (args.has('json')) {
    output.json({ name, accessKeyId, profiles, device, others, sessions })
    return
  }
  output.line(`forgot ${name} (${accessKeyId}); the key in the device: ${device}`)
  for (const other of others) {
    output.line(`forgot the rotation with ${other.accessKeyId}; that key in the device: ${other.device}, ${other.uri}`)
  }
  for (const profile of profiles) output.line(`removed credential_process from the AWS profile ${profile}`)
  if (sessions === 0) return
  const what = sessions === 1 ? '1 kept session' : `${sessions} kept sessions`
  output.line(`removed ${what}; who was handed one before has it until it ends`)
}

/** The access keys that the record and its rotation name. */
function idsOf({ record }: StoredRecord, rotation: Rotation | undefined): readonly string[] {
  const ids = [record.accessKeyId, rotation?.old.accessKeyId, rotation?.newAccessKeyId]
  return [...new Set(ids.filter((id) => id !== undefined))]
}

/** Removes what is kept of the record between runs, and gives the number of sessions. */
function forgetSessions(context: CommandContext, stored: StoredRecord): number {
  try {
    const folder = runtimeFolder(context, undefined)
    return folder === undefined ? 0 : removeKept(folder, recordText(stored.path))
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    context.report.warning(`kept sessions of ${stored.name} may be left: ${error.message}`)
    return 0
  }
}

async function agreed(
  { args, terminal, signal }: CommandContext,
  stored: StoredRecord,
  rotation: Rotation | undefined,
): Promise<boolean> {
  const { name, record } = stored
  const destroys = args.has('from-device')
  const unavailable = args.wrong(
    destroys
      ? 'there is no terminal to ask whether the key shall be destroyed'
      : `there is no terminal to ask whether the rotation of "${name}", which is not over, shall be forgotten too`,
    'give --yes',
  )
  const others = otherKeys(stored, rotation).filter(({ isOurs }) => isOurs || !destroys)
  const ids = [record.accessKeyId, ...others.map(({ accessKeyId }) => accessKeyId)].join(' and ')
  const what = others.length === 0 ? `the key of ${name} (${ids})` : `both keys of the rotation of ${name} (${ids})`
  const atAws = record.store === undefined ? `, which does not end it at AWS (hardkey revoke ${name})` : ''
  const question = destroys
    ? `destroy ${what} in the device for ever${atAws}`
    : `forget the rotation of ${name}, which is not over (${ids}); the keys stay in the device`
  return await terminal.confirm({ question, unavailable, signal })
}
