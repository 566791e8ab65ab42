// `hardkey configure NAME`. In: a record, settings to set or unset, an AWS profile. Out: the record and the profile changed,
// and what changed; without a change the settings, and the profiles that ask for them. What can be refused is refused
// before anything is written.

import {
  checkCredentialProcess,
  profilesThatAsk,
  type WriteCredentialProcess,
  writeCredentialProcess,
} from '../../profiles/credential-process.ts'
import { checkSettings, type RecordSettings } from '../../profiles/record.ts'
import { changeRecord, type StoredRecord } from '../../profiles/record-store.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { durationOption } from '../durations.ts'
import { awsFiles, storedRecord } from '../open-key.ts'
import { byOption } from '../option-names.ts'
import { profileLine, tellProfileLine } from '../profile-line.ts'
import { checkSessionSettings } from '../session-request.ts'
import { pairLines } from '../table-lines.ts'

/** Settings by the options that set them, in the order in which they are shown. */
const settingsByOption = Object.freeze({
  region: 'region',
  'endpoint-url': 'endpointUrl',
  'role-arn': 'roleArn',
  'role-session-name': 'roleSessionName',
  'external-id': 'externalId',
  duration: 'durationSeconds',
  'mfa-serial': 'mfaSerial',
} satisfies Record<string, keyof RecordSettings>)

type Option = keyof typeof settingsByOption
type Value = string | number | undefined

interface Change {
  readonly option: Option
  readonly from: Value
  readonly to: Value
}

const options = Object.keys(settingsByOption) as readonly Option[]

/** Changes or shows the settings of a record. */
export async function configure(context: CommandContext): Promise<number> {
  const stored = await storedRecord(context)
  const wished = wishedSettings(context)
  const changes = options
    .filter((option) => wished.has(option))
    .map((option) => ({ option, from: settingOf(stored.record, option), to: wished.get(option) }))
    .filter(({ from, to }) => from !== to)
  const settings = withChanges(stored.record, changes)
  byOption(context.args, () => checkSettings(settings))
  checkSessionSettings(context, settings)
  const profile = profileLine(context, 'profile', stored.name, settings)
  if (wished.size === 0 && profile === undefined) return await show(context, stored)
  const before = profile === undefined ? undefined : await checkCredentialProcess(profile)
  if (changes.length > 0) await changeRecord(stored.path, (record) => withChanges(record, changes))
  if (profile !== undefined) await writeCredentialProcess(profile)
  tellChanges(context, stored, changes, profile)
  if (profile !== undefined && before !== undefined) tellProfileLine(context, profile.profile, before)
  context.report.next(
    profile === undefined
      ? `hardkey whoami ${stored.name}`
      : `aws sts get-caller-identity --profile ${profile.profile}`,
  )
  return 0
}

/** What the options say: a value, or undefined for one to unset. @throws ERR_USAGE */
function wishedSettings({ args }: CommandContext): ReadonlyMap<Option, Value> {
  const wished = new Map<Option, Value>()
  for (const option of options) {
    const value = option === 'duration' ? durationOption(args, option) : args.value(option)
    if (value !== undefined) wished.set(option, value)
  }
  for (const word of args.values('unset')) {
    const option = options.find((one) => one === word)
    if (option === undefined)
      throw args.wrong(`--unset ${quoted(word)} is no setting`, `they are ${options.join(', ')}`)
    if (wished.has(option)) throw args.wrong(`--unset ${option} contradicts --${option}`)
    wished.set(option, undefined)
  }
  return wished
}

function settingOf(settings: RecordSettings, option: Option): Value {
  return settings[settingsByOption[option]]
}

/** The same with the changes made; the rest of a record goes along. */
function withChanges<Settings extends RecordSettings>(settings: Settings, changes: readonly Change[]): Settings {
  return { ...settings, ...Object.fromEntries(changes.map(({ option, to }) => [settingsByOption[option], to])) }
}

async function show({ args, environment, output, report }: CommandContext, stored: StoredRecord): Promise<number> {
  const { name, path, record } = stored
  const profiles = await profilesThatAsk(awsFiles(environment), name)
  const settings = options.map((option) => [option, settingOf(record, option)] as const)
  if (args.has('json')) {
    output.json({
      name,
      path,
      settings: Object.fromEntries(settings.map(([option, value = null]) => [option, value])),
      profiles,
    })
    return 0
  }
  output.line(
    pairLines([
      ['record', path],
      ...settings.map(([option, value]) => [option, value === undefined ? '-' : String(value)] as const),
      ['AWS profiles', profiles.length === 0 ? '-' : profiles.join(', ')],
    ]).join('\n'),
  )
  report.next(`hardkey configure ${name} --profile PROFILE, or --region, --role-arn, … to change a setting`)
  return 0
}

function tellChanges(
  { args, output, report }: CommandContext,
  { name, path }: StoredRecord,
  changes: readonly Change[],
  profile: WriteCredentialProcess | undefined,
): void {
  if (args.has('json')) {
    const changed = changes.map(({ option, from = null, to = null }) => ({ setting: option, from, to }))
    output.json({ name, path, changed, profile: profile?.profile ?? null })
    return
  }
  for (const { option, from, to } of changes) {
    const was = from === undefined ? '' : ` (was ${from})`
    output.line(to === undefined ? `unset ${option}${was}` : `set ${option} to ${to}${was}`)
  }
  if (profile !== undefined) output.line(`wrote credential_process into the AWS profile ${profile.profile}`)
  if (changes.length === 0 && profile === undefined) report.note('nothing was changed: the record says so already')
}
