// A secret checks in to one device, or to two in the same sitting, where its plaintext exists once. In: a source, the places,
// a proof. Out: what checked in, in the order of the places: all of them, or none and every device as it was.
// 1. The secret is read when nothing is left that could be refused, and wiped when the last place has it.
// 2. A key that --create-for made at AWS is deleted there again where it found no place.

import { setTimeout as wait } from 'node:timers/promises'
import type { BackendEntry } from '../../backends/list.ts'
import { HardkeyError } from '../../errors.ts'
import { namesPinSource, type PinSource, pinSourceOf } from '../../key/pin-source.ts'
import { Secret } from '../../key/secret.ts'
import { KeyUri } from '../../key/uri.ts'
import { type CheckInInput, type CheckInResult, type CheckInStep, checkIn } from '../../lifecycle/check-in.ts'
import { forget } from '../../lifecycle/forget.ts'
import { named } from '../../lifecycle/key-name.ts'
import { type RememberedPin, rememberPin } from '../../lifecycle/remembered-pin.ts'
import { type DeviceObject, isSameObject, isSamePlace } from '../../lifecycle/same-object.ts'
import { whenSettled } from '../../lifecycle/settling.ts'
import { recordUri, withAbsoluteFile } from '../../profiles/open-record.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { recordPath, refuseExistingRecord } from '../../profiles/record-store.ts'
import { newPinPrompt } from '../ask/pin-prompt.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { awsFiles, pinSourceOption, recordsFolder } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'
import { creationLock } from './created-key.ts'
import { type ImportProof, proofTexts } from './import-proof.ts'
import { type ImportSource, readSource, type SourceKey } from './import-source.ts'
import { alsoTarget } from './import-target.ts'

/** A record to be, and where its key goes. Its PIN is asked for once; whoever made the place forgets it. */
export interface Place {
  readonly name: string
  readonly to: KeyUri
  readonly entry: BackendEntry
  readonly pin: RememberedPin
  /** With the source of the PIN, whoever names it. */
  readonly latch: KeyUri
}

export async function placeFor(context: CommandContext, name: string, to: KeyUri): Promise<Place> {
  const entry = await deviceEntry(context, to, context.args.has('strict'))
  const source = pinSourceOption(context.args)
  const latch = source === undefined ? to : to.with({ query: { 'pin-source': source } })
  return { name, to, entry, pin: rememberPin(pinFor(context, to)), latch }
}

/** The place of `--also-to`, with a record of its own. @throws ERR_USAGE, ERR_KEY_EXISTS, and as `--to` */
export async function secondPlace(context: CommandContext, first: Place): Promise<readonly Place[]> {
  const { args, environment } = context
  const name = args.value('also-name') ?? `${first.name}-2`
  if (args.value('also-to') === undefined) {
    if (args.value('also-name') !== undefined) throw args.wrong('--also-name names the record of --also-to')
    return []
  }
  if (args.value('from') === 'device' || args.value('wrapped') !== undefined) {
    throw args.wrong('--also-to needs the secret, which no device gives out')
  }
  if (name === first.name) throw args.wrong('--also-name is the name of the first record')
  const folder = recordsFolder(environment)
  await refuseExistingRecord(recordPath(folder, name))
  const to = await alsoTarget(context, name)
  const inDevice = (uri: KeyUri, of: string): KeyUri => withAbsoluteFile(named(uri, of), folder)
  if (isSamePlace(inDevice(first.to, first.name), inDevice(to, name))) throw samePlace(context)
  const pin = rememberPin(pinSourceOf(to, newPinPrompt(context, to)))
  return [{ name, to, entry: await deviceEntry(context, to), pin, latch: to }]
}

export interface CheckInRequest {
  readonly source: ImportSource
  readonly places: readonly [Place, ...Place[]]
  readonly settings: RecordSettings
  readonly proof: ImportProof
}

/** @throws as `checkIn`; then no place has the key, or the message names the one that does */
export async function checkInEverywhere(
  context: CommandContext,
  request: CheckInRequest,
): Promise<readonly [CheckInResult, ...CheckInResult[]]> {
  if (request.source.kind !== 'created') return await checkInAll(context, request)
  return await creationLock(context, request.places[0].name, () => checkInAll(context, request))
}

async function checkInAll(
  context: CommandContext,
  request: CheckInRequest,
): Promise<readonly [CheckInResult, ...CheckInResult[]]> {
  const { source, places } = request
  const [first, ...others] = places
  const key = await readSource(context, source, first.to)
  const done: CheckInResult[] = []
  try {
    const result = await checkInAt(context, request, first, key)
    done.push(result)
    for (const place of others) {
      const second = await checkInAt(context, request, place, key)
      done.push(second)
      // A token may be named by its label and by its serial number, a file through a link.
      if (isSameObject(objectOf(result), objectOf(second))) throw samePlace(context)
    }
    await key.created?.settled()
    return [result, ...done.slice(1)]
  } catch (error) {
    for (const [index, result] of [...done.entries()].reverse()) await takeOut(context, result, places[index])
    if ((await key.created?.replaces(error)) === true) return await checkInAll(context, request)
    throw (await key.created?.discard(error)) ?? error
  } finally {
    if (key.secret instanceof Secret) key.secret.wipe()
    await key.created?.close()
  }
}

async function checkInAt(
  context: CommandContext,
  { settings, proof, places }: CheckInRequest,
  place: Place,
  { accessKeyId, secret, created }: SourceKey,
): Promise<CheckInResult> {
  const { args, environment, now, report, signal } = context
  const { name, to, entry, pin, latch } = place
  const input: CheckInInput = {
    name,
    accessKeyId,
    secret,
    to: created === undefined ? to : named(to, name),
    pin: pin.source,
    entry,
    otherStore: args.has('other-store'),
    prove: created === undefined ? proof.prove : patiently(context, proof.prove),
    settings,
    folder: recordsFolder(environment),
    now,
    onStep: (step) => {
      if (step === 'undo') report.note(stepTexts[step])
      else report.step(step === 'prove' ? proofTexts[proof.kind].step : stepTexts[step])
    },
    // STS may take long to answer.
    onCompared: () => {
      if (place === places.at(-1) && secret instanceof Secret) secret.wipe()
    },
    signal,
  }
  return await report.waiting(
    'the device',
    latched(context, latch, () => checkIn(input)),
  )
}

/** AWS takes some seconds to know a key that was made just now. */
function patiently({ report }: CommandContext, prove: ImportProof['prove']): ImportProof['prove'] {
  if (prove === undefined) return undefined
  const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => wait(milliseconds, undefined, { signal })
  const onWait = (): void => report.note('AWS does not know the key everywhere yet; waiting for up to 90 seconds')
  return (keys, signal) => whenSettled(() => prove(keys, signal), { sleep, signal, onWait })
}

function objectOf({ stored }: CheckInResult): DeviceObject {
  return { uri: recordUri(stored), check: stored.record.check }
}

function samePlace({ args }: CommandContext): HardkeyError {
  return args.wrong('--also-to is where --to is', 'name another device, or another object')
}

/** The first place without the second: as if nothing had happened. */
async function takeOut(context: CommandContext, { stored, found }: CheckInResult, place?: Place): Promise<void> {
  const { environment, report } = context
  report.note(`the key is taken out of ${stored.name} again: it goes to both devices or to none`)
  const fromDevice = found || place === undefined ? undefined : { pin: place.pin.source, entry: place.entry }
  try {
    await forget({ stored, files: awsFiles(environment), fromDevice })
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    report.warning(`the record ${stored.name} stays, and its key: ${error.message}`)
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
