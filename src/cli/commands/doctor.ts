// `hardkey doctor [NAME]`. In: records, AWS files, devices, STS. Out: findings, each with an id, a state and the remedy.
// Without NAME no person is asked for a PIN: a key whose device would ask is left out and named. Status 1 for a fault.

import { HardkeyError } from '../../errors.ts'
import { ageFinding, deviceFindings } from '../../lifecycle/doctor/device.ts'
import { type Finding, faultOf } from '../../lifecycle/doctor/finding.ts'
import { profileFindings } from '../../lifecycle/doctor/profiles.ts'
import { rotationFindings } from '../../lifecycle/doctor/rotation.ts'
import { identityFinding, wayFindings } from '../../lifecycle/doctor/service.ts'
import type { Inspection } from '../../lifecycle/inspect.ts'
import { rememberPin } from '../../lifecycle/remembered-pin.ts'
import { recordUri } from '../../profiles/open-record.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { stsEndpoint } from '../../sts/endpoints.ts'
import { asksAPerson, pinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { awsFiles, recordForThisRun, storedRecord } from '../device/open-key.ts'
import { pinLatch } from '../device/pin-latch.ts'
import { clearVerdicts, verdictFolders } from '../device/verdicts.ts'
import { cacheFolderFinding, recordFindings, shellFindings } from '../doctor-machine.ts'
import { stsSettings } from '../settings/settings.ts'
import { tableLines } from '../texts/table-lines.ts'

/** Looks at everything, or at one key. */
export async function doctor(context: CommandContext): Promise<number> {
  const { args, environment, now, output, report } = context
  const name = args.optionalWord('NAME')
  if (args.has('clear-latch')) await forgetRefusals(context)
  const { listed, findings } = await recordFindings(context)
  const records = listed.filter((one): one is StoredRecord => 'record' in one)
  const asked = name === undefined ? records : [await storedRecord(context)]
  const machine = [
    ...findings.filter((finding) => name === undefined || finding.name === undefined),
    cacheFolderFinding(context),
    ...shellFindings(context),
    ...(await profileFindings(awsFiles(environment), environment.botocoreFiles().boto, records)),
  ]
  const ofKeys: Finding[] = []
  // One after the other: two at once would ask two questions, and a TPM does one thing at a time.
  for (const stored of asked) {
    ofKeys.push(...(await keyFindings(context, stored, name !== undefined)))
    ofKeys.push(...(await rotationFindings(stored, now())))
  }
  const all = [...machine.filter((one) => name === undefined || one.name === undefined || one.name === name), ...ofKeys]
  if (args.has('json')) output.json(all)
  else output.line(lines(all, args.has('verbose')).join('\n'))
  const faults = all.filter(({ state }) => state === 'fault').length
  if (faults === 0) return 0
  report.note(`${faults} ${faults === 1 ? 'fault' : 'faults'}`)
  return 1
}

/** What was refused and has been corrected since may be tried again. */
async function forgetRefusals(context: CommandContext): Promise<void> {
  const count = await clearVerdicts(await verdictFolders(context))
  context.report.note(count === 0 ? 'no refused PIN was remembered' : `refused PINs forgotten: ${count}`)
}

async function keyFindings(
  context: CommandContext,
  stored: StoredRecord,
  mayAsk: boolean,
): Promise<readonly Finding[]> {
  const { args, now, report, signal } = context
  const { name } = stored
  try {
    const ours = await recordForThisRun(context, stored)
    const uri = recordUri(ours)
    if (!mayAsk && asksAPerson(uri)) {
      const text = 'its device was not asked, since it would ask for a PIN'
      return [{ id: 'device', state: 'note', name, text, remedy: `hardkey doctor ${name}` }, ageFinding(stored, now())]
    }
    const pin = rememberPin(pinPrompt(context, uri))
    try {
      const entry = await deviceEntry(context, uri, args.has('strict'))
      const latch = pinLatch(context)
      const guard = (look: () => Promise<Inspection>): Promise<Inspection> => latch.guard(uri, signal, look)
      const look = deviceFindings(ours, { pin: pin.source, entry, signal, now, guard })
      const device = await report.waiting('the device', look)
      const works = device.every(({ state }) => state !== 'fault')
      const sts = args.has('offline') ? [] : await stsFindings(context, ours, works ? pin.source : undefined)
      return [...device, ageFinding(stored, now()), ...sts]
    } finally {
      pin.forget()
    }
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('record', error, name)]
  }
}

/** The way to STS, and, with a device that works, what STS says of the key. */
async function stsFindings(
  context: CommandContext,
  stored: StoredRecord,
  pin: ReturnType<typeof rememberPin>['source'] | undefined,
): Promise<readonly Finding[]> {
  const { now, report, signal } = context
  const { name, record } = stored
  if (record.store !== undefined) return []
  const { connect, connectSts } = await import('../aws/connection.ts')
  try {
    const settings = await stsSettings(context, record)
    const { region, endpoint, useFipsEndpoint, useDualstackEndpoint } = settings
    const { url } = stsEndpoint({
      region: region?.value,
      endpoint: endpoint?.value,
      useFipsEndpoint,
      useDualstackEndpoint,
    })
    const http = connect(settings)
    const way = await wayFindings({ http, url, name, now, signal }).finally(() => http.close())
    if (pin === undefined || way.some(({ state }) => state === 'fault')) return way
    const named = { title: name, uri: recordUri(stored), accessKeyId: record.accessKeyId, settings: record }
    const ask = () =>
      withDateKeys(context, named, {
        scope: settings.scope,
        prepare: async () => connectSts(settings, report.step),
        use: (keys, sts) => report.waiting('STS', sts.client(keys, now).getCallerIdentity({ signal })),
        pin,
      })
    return [...way, await identityFinding(name, ask)]
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('endpoint', error, name)]
  }
}

/** A table, then what to do; what is well only with `--verbose`, or where nothing is not. */
function lines(all: readonly Finding[], isVerbose: boolean): readonly string[] {
  const worth = all.filter(({ state }) => state !== 'ok')
  const shown = isVerbose || worth.length === 0 ? all : worth
  const rows = shown.map(({ id, state, name, text }) => [state, id, name ?? '-', text])
  const remedies = shown.flatMap(({ id, name, remedy }) => (remedy === undefined ? [] : [[id, name ?? '-', remedy]]))
  return [
    ...tableLines(['STATE', 'WHAT', 'KEY', 'FOUND'], rows),
    ...(remedies.length === 0 ? [] : ['', ...tableLines(['WHAT', 'KEY', 'REMEDY'], remedies)]),
  ]
}
