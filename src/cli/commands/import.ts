// `hardkey import NAME`: a secret access key checks in. In: the secret, a device, settings. Out: a record; the AWS
// profile and the removal of the plaintext where asked. What can be refused is refused before the secret is read.

import { type PinSource, withoutPinSource } from '../../key/pin-source.ts'
import type { CheckInResult } from '../../lifecycle/check-in.ts'
import { othersOfKey } from '../../lifecycle/same-object.ts'
import {
  checkCredentialProcess,
  type WriteCredentialProcess,
  writeCredentialProcess,
} from '../../profiles/credential-process.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { checkSettings, type RecordSettings } from '../../profiles/record.ts'
import { recordPath, refuseExistingRecord } from '../../profiles/record-store.ts'
import { accountFor } from '../account/account.ts'
import { checkInEverywhere, type Place, placeFor, secondPlace } from '../check-in/check-in-places.ts'
import { type MadePolicy, makePolicy, type PolicyWish, policyWish } from '../check-in/import-policy.ts'
import { importProof } from '../check-in/import-proof.ts'
import { type Imported, tellImport } from '../check-in/import-result.ts'
import {
  type ImportSource,
  importOrWrapped,
  isRemovable,
  type Removal,
  removeSource,
} from '../check-in/import-source.ts'
import { importTarget } from '../check-in/import-target.ts'
import { profileLine } from '../check-in/profile-line.ts'
import type { CommandContext } from '../command.ts'
import { recordsFolder } from '../device/open-key.ts'
import { byOption } from '../option-names.ts'
import { checkSessionSettings } from '../session/session-request.ts'
import { durationOption } from '../settings/durations.ts'

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
  const replaced = profile === undefined ? undefined : await checkCredentialProcess(profile)
  const proof = await importProof(context, settings)
  try {
    const to = await importTarget(context, name)
    const wish = policyWish(context, to)
    const place = await placeFor(context, name, to)
    const places: readonly [Place, ...Place[]] = [place, ...(await secondPlace(context, place))]
    try {
      const results = await checkInEverywhere(context, { source, places, settings, proof })
      return await complete(context, { results, source, proof, profile, replaced, wish, pin: place.pin.source })
    } finally {
      for (const { pin } of places) pin.forget()
    }
  } finally {
    proof.close()
  }
}

interface Rest extends Pick<Imported, 'results' | 'source' | 'proof' | 'profile' | 'replaced'> {
  readonly wish: PolicyWish | undefined
  readonly pin: PinSource
}

/** What follows a check-in, the plaintext last. That the key is in is told whatever becomes of this. */
async function complete(context: CommandContext, { wish, pin, profile, ...made }: Rest): Promise<number> {
  const [{ stored }] = made.results
  let policy: MadePolicy | undefined
  let written: WriteCredentialProcess | undefined
  let removal: Removal = { removed: [], remains: [] }
  try {
    const { accessKeyId } = stored.record
    for (const one of made.results)
      await accountFor(context).deviceUsed({ key: { title: one.stored.name, accessKeyId } })
    if (wish !== undefined) policy = await makePolicy(context, withoutPinSource(recordUri(stored)), wish, pin)
    if (profile !== undefined) await writeCredentialProcess(profile)
    written = profile
    if (context.args.has('remove-source')) removal = await removeSource(context, made.source, accessKeyId)
    await noteOthers(context, made.results)
  } finally {
    tellImport(context, { ...made, profile: written, ...removal, policy })
  }
  return wish?.isWritten === true && policy?.written === false ? 1 : 0
}

/** A key that was there already may have a record already, and ends for both. */
async function noteOthers({ report }: CommandContext, results: readonly CheckInResult[]): Promise<void> {
  const made = results.map(({ stored }) => stored)
  const there = results.find(({ found }) => found)
  const names = there === undefined ? [] : await othersOfKey(there.stored)
  for (const name of names) {
    if (!made.some((one) => one.name === name)) report.note(`the record ${name} is of this key too`)
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
