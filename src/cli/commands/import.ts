// `hardkey import NAME`: a secret access key checks in. In: the secret, a device, settings. Out: a record; the AWS
// profile and the removal of the plaintext where asked. What can be refused is refused before the secret is read.

import { realpathSync } from 'node:fs'
import { pinSourceOf } from '../../key/pin-source.ts'
import { KeyUri } from '../../key/uri.ts'
import { type CheckInInput, type CheckInResult, type CheckInStep, checkIn } from '../../lifecycle/check-in.ts'
import {
  checkCredentialProcess,
  credentialProcessLine,
  type WriteCredentialProcess,
  writeCredentialProcess,
} from '../../profiles/credential-process.ts'
import { checkSettings, type RecordSettings } from '../../profiles/record.ts'
import { recordPath, refuseExistingRecord } from '../../profiles/record-store.ts'
import type { CommandContext } from '../command.ts'
import { connectSts, type StsConnection } from '../connection.ts'
import { durationOption } from '../durations.ts'
import { type ImportSource, importSource, isRemovable, readSource, removeSource } from '../import-source.ts'
import { importTarget } from '../import-target.ts'
import { awsFiles, pinSourceOption, recordsFolder } from '../open-key.ts'
import { byOption } from '../option-names.ts'
import { newPinPrompt } from '../pin-prompt.ts'
import { checkSessionSettings } from '../session-request.ts'
import { stsSettings } from '../settings.ts'
import { pairLines } from '../table-lines.ts'

/** Checks the key in and prints the record. */
export async function importKey(context: CommandContext): Promise<number> {
  const { args } = context
  const name = args.word('NAME')
  const source = importSource(context)
  if (args.has('remove-source') && !isRemovable(source)) {
    throw args.wrong('--remove-source has nothing to remove', 'it goes with --from csv:, json: or profile:')
  }
  if (name.includes(':')) throw args.wrong('NAME names the new record; the key URI goes to --to')
  // The check-in looks again; here it is before anybody types a secret.
  await refuseExistingRecord(recordPath(recordsFolder(context.environment), name))
  const settings = recordSettings(context)
  byOption(args, () => checkSettings(settings))
  checkSessionSettings(context, settings)
  const profile = profileToWrite(context, name, source, settings)
  if (profile !== undefined) await checkCredentialProcess(profile)
  const sts = args.has('offline') ? undefined : connectSts(await stsSettings(context, {}), context.report.step)
  try {
    const to = await importTarget(context, name)
    const pin = pinFor(context, to)
    const result = await checkKeyIn(context, { name, source, to, pin, settings, sts })
    if (profile !== undefined) await writeCredentialProcess(profile)
    const removed = args.has('remove-source')
      ? await removeSource(context, source, result.stored.record.accessKeyId)
      : { removed: [], remains: [] }
    tell(context, { result, profile, ...removed })
    return 0
  } finally {
    sts?.close()
  }
}

function recordSettings({ args, environment }: CommandContext): RecordSettings {
  return {
    region: args.value('region') ?? environment.region,
    endpointUrl: args.value('endpoint-url'),
    roleArn: args.value('role-arn'),
    roleSessionName: args.value('role-session-name'),
    externalId: args.value('external-id'),
    durationSeconds: durationOption(args, 'duration'),
    mfaSerial: args.value('mfa-serial'),
  }
}

function profileToWrite(
  { args, environment }: CommandContext,
  name: string,
  source: ImportSource,
  { region }: RecordSettings,
): WriteCredentialProcess | undefined {
  const profile = args.value('write-profile')
  if (profile === undefined) return undefined
  // Both by absolute path: programs started from a desktop or a service have another PATH than this shell.
  const command = [process.execPath, realpathSync(process.argv[1] ?? process.execPath)]
  const plaintextKeyGoesNext = args.has('remove-source') && source.kind === 'profile' && source.profile === profile
  const line = credentialProcessLine(command, name)
  return { files: awsFiles(environment), profile, line, region, plaintextKeyGoesNext }
}

interface CheckInRequest {
  readonly name: string
  readonly source: ImportSource
  readonly to: KeyUri
  readonly pin: CheckInInput['pin']
  readonly settings: RecordSettings
  readonly sts: StsConnection | undefined
}

async function checkKeyIn(context: CommandContext, request: CheckInRequest): Promise<CheckInResult> {
  const { args, environment, now, report, signal } = context
  const { name, source, to, pin, settings, sts } = request
  const { accessKeyId, secret } = await readSource(context, source)
  const prove: CheckInInput['prove'] =
    sts === undefined ? undefined : (keys, ended) => sts.client(keys, now).getCallerIdentity({ signal: ended })
  try {
    const checkedIn = checkIn({
      name,
      accessKeyId,
      secret,
      to,
      pin,
      otherStore: args.has('other-store'),
      prove,
      settings,
      folder: recordsFolder(environment),
      now,
      onStep: (step) => {
        if (step === 'undo') report.note(stepTexts[step])
        else report.step(stepTexts[step])
      },
      signal,
    })
    return await report.waiting('the device', checkedIn)
  } finally {
    if (secret !== 'in-device') secret.wipe()
  }
}

/**
 * `--pin-source` is for this run: it is asked like a person and does not go into the record. A source that is none is
 * refused before a secret is typed, be it the option's or the URI's.
 */
function pinFor(context: CommandContext, to: KeyUri): CheckInInput['pin'] {
  const { args } = context
  const source = pinSourceOption(args)
  if (source !== undefined && (to.has('pin-source') || to.has('pin-value'))) {
    throw args.wrong('--pin-source contradicts the key URI', 'leave one out: that of the URI is kept in the record')
  }
  const named = source === undefined ? to : KeyUri.of(to.scheme, {}, { 'pin-source': source })
  return pinSourceOf(named, newPinPrompt(context))
}

const stepTexts: Readonly<Record<CheckInStep, string>> = Object.freeze({
  import: 'put the key into the device and read its attributes back',
  open: 'open it as every later use does',
  compare: 'compare the HMAC of the device with one made in software',
  prove: 'ask STS who the key is, signed by the device',
  record: 'write the record',
  undo: 'the check-in failed: the key is taken out of the device again',
})

interface Told {
  readonly result: CheckInResult
  readonly profile: WriteCredentialProcess | undefined
  readonly removed: readonly string[]
  readonly remains: readonly string[]
}

function tell(context: CommandContext, told: Told): void {
  const { args, output } = context
  const { stored, info, identity } = told.result
  const { name, record, path } = stored
  tellNotes(context, told)
  if (args.has('json')) {
    output.json({
      name,
      path,
      ...record,
      device: info,
      identity: identity ?? null,
      profile: told.profile?.profile ?? null,
      removed: told.removed,
    })
  } else {
    output.line(
      pairLines([
        ['checked in', `${record.accessKeyId} as ${name}`],
        ['device', info.device],
        ['protection', info.protection],
        ['identity', identity === undefined ? 'not asked (--offline)' : identity.arn],
        ['record', path],
        ['AWS profile', told.profile?.profile],
        ['removed', told.removed.length === 0 ? undefined : `the plaintext in ${told.removed.join(', ')}`],
      ]).join('\n'),
    )
  }
  context.report.next(nextCommand(told))
}

function tellNotes({ environment, report }: CommandContext, { result, profile, remains }: Told): void {
  const { stored, info, found, awaitsApproval } = result
  if (found) report.note('this very key was in the device already; it was kept')
  if (awaitsApproval) {
    report.note('the TPM answers approved days alone, and none is approved yet: the first inspect compares the key')
  }
  for (const warning of info.warnings) report.warning(warning)
  for (const place of remains) report.warning(`the secret still stands in ${place}`)
  if (profile !== undefined && asksAPerson(KeyUri.parse(stored.record.uri))) {
    report.note('the key URI has no pin-source: what unlocks the device is asked at the terminal each time')
  }
  if (profile !== undefined && environment.hardkeyHomeIsSet) {
    report.warning(`the AWS profile ${profile.profile} works only where HARDKEY_HOME is set as it is now`)
  }
}

/** A key of a TPM asks nobody, unless it has an auth value. */
function asksAPerson(uri: KeyUri): boolean {
  return !uri.has('pin-source') && (uri.scheme !== 'tpm2' || uri.get('auth') === 'yes')
}

function nextCommand({ result, profile }: Told): string {
  const { stored, identity, awaitsApproval } = result
  if (awaitsApproval) {
    return `hardkey approve ${stored.name} --office-key FILE, where the office key is, with a copy of the record`
  }
  if (profile !== undefined) return `aws sts get-caller-identity --profile ${profile.profile}`
  return `hardkey ${identity === undefined ? 'inspect' : 'whoami'} ${stored.name}`
}
