// `hardkey import NAME`: a secret access key checks in. In: the secret, a device, settings. Out: a record; the AWS
// profile and the removal of the plaintext where asked. What can be refused is refused before the secret is read.

import { namesPinSource, type PinSource, pinSourceOf, withoutPinSource } from '../../key/pin-source.ts'
import { Secret } from '../../key/secret.ts'
import { KeyUri } from '../../key/uri.ts'
import { type CheckInInput, type CheckInResult, type CheckInStep, checkIn } from '../../lifecycle/check-in.ts'
import { rememberPin } from '../../lifecycle/remembered-pin.ts'
import {
  checkCredentialProcess,
  type WriteCredentialProcess,
  writeCredentialProcess,
} from '../../profiles/credential-process.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { checkSettings, type RecordSettings } from '../../profiles/record.ts'
import { recordPath, refuseExistingRecord } from '../../profiles/record-store.ts'
import { accountFor } from '../account.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device-entry.ts'
import { durationOption } from '../durations.ts'
import { makePolicy, policyWish } from '../import-policy.ts'
import { type ImportProof, importProof, proofTexts } from '../import-proof.ts'
import { tellImport } from '../import-result.ts'
import { type ImportSource, importOrWrapped, isRemovable, readSource, removeSource } from '../import-source.ts'
import { importTarget } from '../import-target.ts'
import { pinSourceOption, recordsFolder } from '../open-key.ts'
import { byOption } from '../option-names.ts'
import { newPinPrompt } from '../pin-prompt.ts'
import { profileLine } from '../profile-line.ts'
import { checkSessionSettings } from '../session-request.ts'

/** Checks the key in and prints the record. */
export async function importKey(context: CommandContext): Promise<number> {
  const { args } = context
  const name = args.word('NAME')
  const source = importOrWrapped(context)
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
  const askedBefore = profile === undefined ? undefined : await checkCredentialProcess(profile)
  const proof = await importProof(context, settings)
  try {
    const to = await importTarget(context, name)
    const wish = policyWish(context, to)
    const entry = await deviceEntry(context, to, args.has('strict'))
    const pin = rememberPin(pinFor(context, to))
    try {
      const result = await checkKeyIn(context, { name, source, to, pin: pin.source, entry, settings, proof })
      await accountFor(context).deviceUsed({ key: { title: name, accessKeyId: result.stored.record.accessKeyId } })
      const uri = withoutPinSource(recordUri(result.stored))
      const policy = wish === undefined ? undefined : await makePolicy(context, uri, wish, pin.source)
      if (profile !== undefined) await writeCredentialProcess(profile)
      const removed = args.has('remove-source')
        ? await removeSource(context, source, result.stored.record.accessKeyId)
        : { removed: [], remains: [] }
      tellImport(context, { result, proof, profile, askedBefore, ...removed, policy })
      return wish?.isWritten === true && policy?.written === false ? 1 : 0
    } finally {
      pin.forget()
    }
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
  context: CommandContext,
  name: string,
  source: ImportSource,
  settings: RecordSettings,
): WriteCredentialProcess | undefined {
  const written = profileLine(context, 'write-profile', name, settings)
  const isSource = source.kind === 'profile' && source.profile === written?.profile
  return written && { ...written, plaintextKeyGoesNext: isSource && context.args.has('remove-source') }
}

interface CheckInRequest {
  readonly name: string
  readonly source: ImportSource
  readonly to: KeyUri
  readonly pin: CheckInInput['pin']
  readonly entry: CheckInInput['entry']
  readonly settings: RecordSettings
  readonly proof: ImportProof
}

async function checkKeyIn(context: CommandContext, request: CheckInRequest): Promise<CheckInResult> {
  const { args, environment, now, report, signal } = context
  const { name, source, to, pin, entry, settings, proof } = request
  const { accessKeyId, secret } = await readSource(context, source, to)
  try {
    const checkedIn = checkIn({
      name,
      accessKeyId,
      secret,
      to,
      pin,
      entry,
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
    if (secret instanceof Secret) secret.wipe()
  }
}

/**
 * `--pin-source` is for this run: it is asked like a person and does not go into the record. A source that is none is
 * refused before a secret is typed, be it the option's or the URI's.
 */
function pinFor(context: CommandContext, to: KeyUri): PinSource {
  const { args } = context
  const source = pinSourceOption(args)
  if (source !== undefined && namesPinSource(to)) {
    throw args.wrong('--pin-source contradicts the key URI', 'leave one out: that of the URI is kept in the record')
  }
  const named = source === undefined ? to : KeyUri.of(to.scheme, {}, { 'pin-source': source })
  return pinSourceOf(named, newPinPrompt(context, to))
}

const stepTexts: Readonly<Record<Exclude<CheckInStep, 'prove'>, string>> = Object.freeze({
  import: 'put the key into the device and read its attributes back',
  open: 'open it as every later use does',
  compare: 'compare the HMAC of the device with one made in software',
  record: 'write the record',
  undo: 'the check-in failed: the key is taken out of the device again',
})
