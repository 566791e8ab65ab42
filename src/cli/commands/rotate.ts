// `hardkey rotate NAME`. In: a record, times, answers. Out: a new access key in the device in the place of the old one, as far
// as the times allow; what is left is in the journal. Exit status 1 where the person says no.

import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { HardkeyError } from '../../errors.ts'
import { type PinSource, pinSourceOf } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import { rememberPin } from '../../lifecycle/remembered-pin.ts'
import { restoredRecord } from '../../lifecycle/restored-record.ts'
import { rotate } from '../../lifecycle/rotate.ts'
import { journalPath } from '../../lifecycle/rotation-journal.ts'
import type { MfaDevice, RotationParts, RotationQuestion, RotationWish } from '../../lifecycle/rotation-parts.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { listRecords, recordPath, type StoredRecord } from '../../profiles/record-store.ts'
import { accountedKeys } from '../account/account.ts'
import { newPinPrompt, pinPrompt } from '../ask/pin-prompt.ts'
import { connectSts } from '../aws/connection.ts'
import { connectIam } from '../aws/iam-connection.ts'
import type { CommandContext } from '../command.ts'
import { deviceEntry } from '../device/device-entry.ts'
import { prepared, recordsFolder, storedRecord } from '../device/open-key.ts'
import { latched } from '../device/pin-latch.ts'
import { mfaInput, mfaSerial } from '../session/session-request.ts'
import { daysOption } from '../settings/durations.ts'
import { stsSettings } from '../settings/settings.ts'
import { policyOfBoth } from '../texts/rotation-policy.ts'
import { questionText, stepTexts, tellOutcome } from '../texts/rotation-texts.ts'

/** Hosts that share a record read it anew within a day. */
const usualOverlapOfService = 86_400

/** Rotates, or goes on with a rotation, or takes it back. */
export async function rotateKey(context: CommandContext): Promise<number> {
  const { args, report } = context
  const wish = wishOf(context)
  const stored = await recordOf(context)
  const settings = await stsSettings(context, stored.record)
  const iam = connectIam(context, settings)
  const sts = connectSts(settings, report.step)
  const uri = await prepared(context, recordUri(stored), true)
  const pin = rememberPin(pinSourceOf(uri, promptFor(context, uri)))
  try {
    const parts: RotationParts = {
      stored,
      ...deviceParts(context),
      pin,
      sts: (keys) => sts.client(accountedKeys(context, stored.name, keys), context.now),
      iam: (keys) => iam.client(accountedKeys(context, stored.name, keys)),
      mfa: () => mfaOf(context, stored),
      beforeSwitch: policyOfBoth(context, { uri, accessKeyId: stored.record.accessKeyId }, pin.source),
      confirm: (question) => agreed(context, question),
      overlapSeconds: daysOption(args, 'overlap'),
      usualOverlapSeconds: uri.scheme === 'vault' ? usualOverlapOfService : undefined,
      graceSeconds: daysOption(args, 'grace'),
    }
    const outcome = await report.waiting('AWS', rotate(parts, wish))
    if (outcome.switched) await warnOfOthers(context, stored)
    return tellOutcome(context, stored.name, outcome)
  } catch (error) {
    if (context.signal.aborted && existsSync(journalPath(stored.path))) {
      report.note(`the rotation can be gone on with: hardkey rotate ${stored.name} --resume, or --undo`)
    }
    throw error
  } finally {
    pin.forget()
    sts.close()
    iam.close()
  }
}

/** The record, which the journal has too. */
async function recordOf(context: CommandContext): Promise<StoredRecord> {
  try {
    return await storedRecord(context)
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_CONFIG_INVALID') throw error
    const { args, environment, report, signal } = context
    const restored = await restoredRecord(recordPath(recordsFolder(environment), args.word('NAME')), signal)
    if (restored === undefined) throw error
    report.warning(`${error.message}; it is written anew, as the journal of its rotation has it`)
    return restored
  }
}

/** `import --also-to` makes two records of one access key. */
async function warnOfOthers({ environment, report }: CommandContext, { path, record }: StoredRecord): Promise<void> {
  for (const other of await listRecords(recordsFolder(environment))) {
    if (other.path === path || !('record' in other) || other.record.accessKeyId !== record.accessKeyId) continue
    report.warning(`the record ${other.name} still names ${record.accessKeyId}, which ends`)
  }
}

function wishOf({ args }: CommandContext): RotationWish {
  const given = (['resume', 'undo'] as const).filter((name) => args.has(name))
  const ifOlderThanSeconds = daysOption(args, 'if-older-than')
  const [kind] = given
  if (kind === undefined) return { kind: 'rotate', ifOlderThanSeconds }
  if (given.length > 1) throw args.wrong('--resume contradicts --undo')
  if (ifOlderThanSeconds !== undefined)
    throw args.wrong(`--if-older-than says when to begin, and --${kind} begins nothing`)
  return { kind }
}

type OfThisRun = 'entry' | 'forThisRun' | 'guard' | 'now' | 'sleep' | 'onDone' | 'onAgeUnknown' | 'onWait' | 'signal'

function deviceParts(context: CommandContext): Pick<RotationParts, OfThisRun> {
  const { now, report, signal } = context
  return {
    entry: (uri) => deviceEntry(context, uri),
    forThisRun: (uri) => prepared(context, uri, true),
    guard: (uri, act) => latched(context, uri, act),
    now,
    sleep: (milliseconds, ending) => wait(milliseconds, undefined, { signal: ending }),
    onDone: (step) => report.done(stepTexts[step]),
    onAgeUnknown: ({ message }) => report.note(`AWS was not asked, or not heard, how old the key is: ${message}`),
    onWait: () => report.note('AWS does not know the key everywhere yet; waiting for up to 90 seconds'),
    signal,
  }
}

/** What unlocks the old key unlocks the new one; only a new auth value is typed twice. */
function promptFor(context: CommandContext, uri: KeyUri): PinSource {
  return (request) => (request.isNew === true ? newPinPrompt : pinPrompt)(context, uri)(request)
}

async function mfaOf(context: CommandContext, { record }: StoredRecord): Promise<MfaDevice | undefined> {
  const input = await mfaInput(context, mfaSerial(context, record), context.signal)
  return 'serialNumber' in input ? input : undefined
}

/** `--yes` answers for what is of this rotation. Whether an orphan is, a person says, at the terminal or by its ID. */
async function agreed(context: CommandContext, question: RotationQuestion): Promise<boolean> {
  const { args, report, terminal } = context
  if (question.about !== 'orphan') return args.has('yes') || (await ask(context, question))
  const { key, undoing, userName } = question
  const { accessKeyId } = key
  const named = args.value('delete-orphan')
  if (named === accessKeyId) return true
  if (named === undefined && terminal.isThere() && (await ask(context, question))) return true
  if (undoing) {
    report.warning(
      `${questionText(question).replace(/;.*/, '')}: it stays; if nobody has its secret: ` +
        `aws iam delete-access-key --user-name ${userName} --access-key-id ${accessKeyId}`,
    )
  }
  return false
}

function ask({ args, terminal, signal }: CommandContext, question: RotationQuestion): Promise<boolean> {
  const unavailable = args.wrong(`there is no terminal to ask: ${questionText(question)}?`, 'give --yes')
  return terminal.confirm({ question: questionText(question), unavailable, signal })
}
