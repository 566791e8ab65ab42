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
import { durationOption } from '../durations.ts'
import { type ImportProof, importProof, proofTexts } from '../import-proof.ts'
import { type ImportSource, importSource, isRemovable, readSource, removeSource } from '../import-source.ts'
import { importTarget } from '../import-target.ts'
import { awsFiles, pinSourceOption, recordsFolder } from '../open-key.ts'
import { byOption } from '../option-names.ts'
import { newPinPrompt } from '../pin-prompt.ts'
import { checkSessionSettings } from '../session-request.ts'
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
  const proof = await importProof(context, settings)
  try {
    const to = await importTarget(context, name)
    const pin = pinFor(context, to)
    const result = await checkKeyIn(context, { name, source, to, pin, settings, proof })
    if (profile !== undefined) await writeCredentialProcess(profile)
    const removed = args.has('remove-source')
      ? await removeSource(context, source, result.stored.record.accessKeyId)
      : { removed: [], remains: [] }
    tell(context, result, proof, profile, removed)
    return 0
  } finally {
    proof.close()
  }
}

function recordSettings({ args, environment }: CommandContext): RecordSettings {
  return {
    region: args.value('region') ?? environment.region,
    endpointUrl: args.value('endpoint-url'),
    store: args.value('prove') === 's3' ? 's3' : undefined,
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
  if (args.value('prove') === 's3') {
    const remedy = 'sign with the key itself: hardkey presign, hardkey request, or signWithKey in a program'
    throw args.wrong('--write-profile is for keys that get sessions, and a store without STS gives none', remedy)
  }
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
  readonly proof: ImportProof
}

async function checkKeyIn(context: CommandContext, request: CheckInRequest): Promise<CheckInResult> {
  const { args, environment, now, report, signal } = context
  const { name, source, to, pin, settings, proof } = request
  const { accessKeyId, secret } = await readSource(context, source)
  try {
    const checkedIn = checkIn({
      name,
      accessKeyId,
      secret,
      to,
      pin,
      otherStore: args.has('other-store'),
      prove: proof.prove,
      settings,
      folder: recordsFolder(environment),
      now,
      onStep: (step) => {
        if (step === 'undo') report.note(stepTexts[step])
        else report.step(step === 'prove' ? proofTexts[proof.kind].step : stepTexts[step])
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

const stepTexts: Readonly<Record<Exclude<CheckInStep, 'prove'>, string>> = Object.freeze({
  import: 'put the key into the device and read its attributes back',
  open: 'open it as every later use does',
  compare: 'compare the HMAC of the device with one made in software',
  record: 'write the record',
  undo: 'the check-in failed: the key is taken out of the device again',
})

function tell(
  { args, environment, output, report }: CommandContext,
  { stored, info, identity, found }: CheckInResult,
  proof: ImportProof,
  profile: WriteCredentialProcess | undefined,
  { removed, remains }: { readonly removed: readonly string[]; readonly remains: readonly string[] },
): void {
  const { name, record, path } = stored
  if (found) report.note('this very key was in the device already; it was kept')
  for (const warning of info.warnings) report.warning(warning)
  for (const place of remains) report.warning(`the secret still stands in ${place}`)
  if (profile !== undefined && !record.uri.includes('pin-source')) {
    report.note('the key URI has no pin-source: what unlocks the device is asked at the terminal each time')
  }
  if (profile !== undefined && environment.hardkeyHomeIsSet) {
    report.warning(`the AWS profile ${profile.profile} works only where HARDKEY_HOME is set as it is now`)
  }
  if (args.has('json')) {
    output.json({
      name,
      path,
      ...record,
      device: info,
      identity: identity ?? null,
      profile: profile?.profile ?? null,
      removed,
    })
  } else {
    output.line(
      pairLines([
        ['checked in', `${record.accessKeyId} as ${name}`],
        ['device', info.device],
        ['protection', info.protection],
        ['identity', identity?.arn ?? proofTexts[proof.kind].identity],
        ['record', path],
        ['AWS profile', profile?.profile],
        ['removed', removed.length === 0 ? undefined : `the plaintext in ${removed.join(', ')}`],
      ]).join('\n'),
    )
  }
  report.next(
    profile === undefined
      ? proofTexts[proof.kind].next.replace('NAME', name)
      : `aws sts get-caller-identity --profile ${profile.profile}`,
  )
}
