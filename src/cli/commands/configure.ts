// `hardkey configure NAME`. In: a record, settings to set or unset, an AWS profile. Out: the record and the profile changed,
// and what changed; without a change the settings, and the profiles that ask for them. What can be refused is refused
// before anything is written.

import { descriptorsOf, pinSourceOf, withoutPinSource } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import {
  checkCredentialProcess,
  otherRegions,
  profilesThatAsk,
  type WriteCredentialProcess,
  writeCredentialProcess,
} from '../../profiles/credential-process.ts'
import { checkSettings, type KeyRecord, type RecordSettings } from '../../profiles/record.ts'
import { changeRecord, type StoredRecord } from '../../profiles/record-store.ts'
import { partitionOfRegion } from '../../sts/partitions.ts'
import { quoted } from '../args.ts'
import { proofTexts } from '../check-in/import-proof.ts'
import { profileLine, tellOtherRegion, tellProfileLine } from '../check-in/profile-line.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles, pinSourceOption, storedRecord } from '../device/open-key.ts'
import { byOption } from '../option-names.ts'
import { checkSessionSettings } from '../session/session-request.ts'
import { durationOption } from '../settings/durations.ts'
import { pairLines } from '../texts/table-lines.ts'

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

/** `pin-source` stands in the key URI of the record. */
type Option = keyof typeof settingsByOption | 'pin-source'
type Value = string | number | undefined

interface Change {
  readonly option: Option
  readonly from: Value
  readonly to: Value
}

const options = [...Object.keys(settingsByOption), 'pin-source'] as readonly Option[]

/** Changes or shows the settings of a record. */
export async function configure(context: CommandContext): Promise<number> {
  const stored = await storedRecord(context)
  const wished = wishedSettings(context)
  const changes = options
    .filter((option) => wished.has(option))
    .map((option) => ({ option, from: settingOf(stored.record, option), to: wished.get(option) }))
    .filter(({ from, to }) => from !== to)
  const settings = withChanges(stored.record, changes)
  // It has hints, so it comes first.
  checkSessionSettings(context, settings)
  byOption(context.args, () => checkSettings(settings))
  checkPinSource(context, settings)
  const profile = profileLine(context, 'profile', stored.name, settings)
  if (wished.size === 0 && profile === undefined) return await show(context, stored)
  const before = profile === undefined ? undefined : await checkCredentialProcess(profile)
  if (changes.length > 0) await changeRecord(stored.path, (record) => withChanges(record, changes))
  if (profile !== undefined) await writeCredentialProcess(profile)
  tellChanges(context, stored, changes, profile)
  if (profile !== undefined && before !== undefined) tellProfileLine(context, profile.profile, before)
  tellStrangeRegion(context, wished.get('region'), settings.endpointUrl)
  await tellOtherRegions(context, stored.name, changes, profile?.profile)
  context.report.next(
    profile === undefined
      ? proofTexts[stored.record.store ?? 'sts'].next.replace('NAME', stored.name)
      : `aws sts get-caller-identity --profile ${profile.profile}`,
  )
  return 0
}

/** What the options say: a value, or undefined for one to unset. @throws ERR_USAGE */
function wishedSettings({ args }: CommandContext): ReadonlyMap<Option, Value> {
  const wished = new Map<Option, Value>()
  for (const option of options) {
    const value = given(args, option)
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

function given(args: CommandContext['args'], option: Option): Value {
  if (option === 'pin-source') return pinSourceOption(args)
  return option === 'duration' ? durationOption(args, option) : args.value(option)
}

/** @throws ERR_USAGE for a source of one run alone, ERR_URI_INVALID for what is none; it is not read */
function checkPinSource({ args }: CommandContext, { uri }: KeyRecord): void {
  if (pinSourceOption(args) === undefined) return
  const checked = KeyUri.parse(uri)
  if (descriptorsOf(checked).length > 0) {
    throw args.wrong(
      'a descriptor is open in one run alone',
      'keep file:PATH, credential:NAME, keyring:NAME or env:NAME',
    )
  }
  pinSourceOf(checked, async () => new Uint8Array(0))
}

function settingOf(record: KeyRecord, option: Option): Value {
  return option === 'pin-source' ? sourceOf(KeyUri.parse(record.uri)) : record[settingsByOption[option]]
}

/** What a service asks for has other names than `pin-source`. */
function sourceOf(uri: KeyUri): string | undefined {
  const kept = withoutPinSource(uri)
  const name = uri.names().find((one) => !kept.has(one))
  return name && uri.get(name)
}

/** The same with the changes made; the rest of a record goes along. */
function withChanges(record: KeyRecord, changes: readonly Change[]): KeyRecord {
  const changed: { -readonly [Member in keyof KeyRecord]: KeyRecord[Member] } = { ...record }
  for (const { option, to } of changes) {
    if (option === 'pin-source') changed.uri = withSource(record.uri, to)
    else Object.assign(changed, { [settingsByOption[option]]: to })
  }
  return changed
}

function withSource(uri: string, to: Value): string {
  const query = { 'pin-source': to === undefined ? to : String(to) }
  return withoutPinSource(KeyUri.parse(uri)).with({ query }).toString()
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

/** Stores name regions as they like; AWS does not. */
function tellStrangeRegion({ report }: CommandContext, region: Value, endpoint: string | undefined): void {
  if (typeof region !== 'string' || endpoint !== undefined || partitionOfRegion(region) !== undefined) return
  report.note(`"${region}" is not the name of an AWS region, such as eu-west-1`)
}

/** A profile keeps the region that was written into it, and AWS tools go by that. */
async function tellOtherRegions(
  { environment, report }: CommandContext,
  name: string,
  changes: readonly Change[],
  told: string | undefined,
): Promise<void> {
  const region = changes.find(({ option }) => option === 'region')?.to
  if (typeof region !== 'string') return
  const files = awsFiles(environment)
  const profiles = (await profilesThatAsk(files, name)).filter((profile) => profile !== told)
  for (const [profile, other] of await otherRegions(files, profiles, region)) tellOtherRegion(report, profile, other)
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
