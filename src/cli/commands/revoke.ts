// `hardkey revoke NAME`: the stop list after a leak. In: a record, roles, who signs. Out: what ends what, until when it is good
// otherwise, and the command that ends it. With --apply it is done. Exit status 1 where one step was not, or the person says no.

import { HardkeyError } from '../../errors.ts'
import { userNameOf } from '../../iam/user-name.ts'
import { readJournal } from '../../lifecycle/rotation-journal.ts'
import { carryOut, type Leak, type StopOutcome, stopList } from '../../lifecycle/stop-list.ts'
import { recordUri } from '../../profiles/open-record.ts'
import { checkSettings, type RecordSettings } from '../../profiles/record.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { connectSts, type StsConnection } from '../aws/connection.ts'
import { connectIam, type IamConnection } from '../aws/iam-connection.ts'
import { deviceSigner, type IamSigner, inMfaSession, namedSigner, signerOptions } from '../aws/iam-signer.ts'
import type { CommandContext } from '../command.ts'
import { prepared, storedRecord } from '../device/open-key.ts'
import { byOption } from '../option-names.ts'
import { removeKept } from '../session/kept-sessions.ts'
import { runtimeFolder } from '../session/runtime-folder.ts'
import { mfaSerial } from '../session/session-request.ts'
import { recordText } from '../session/session-text.ts'
import { stsSettings } from '../settings/settings.ts'
import { shellLine } from '../texts/shell-word.ts'
import { tellStopList } from '../texts/stop-list-texts.ts'

/** In a command that a person completes. */
const unknownUser = 'USER'

/** Prints the list, or carries it out. */
export async function revoke(context: CommandContext): Promise<number> {
  const { args, report } = context
  const isApplied = args.has('apply')
  const named = signerOptions.filter((name) => args.value(name) !== undefined)
  if (named.length > 1) throw args.wrong('--with contradicts --admin-profile')
  if (named.length > 0 && !isApplied) throw args.wrong(`--${named[0]} signs for --apply, which is missing`)
  if (isApplied && args.has('offline')) throw args.wrong('--apply contradicts --offline')
  // Of a word that is no ARN, IAM would take the last part for a role of its own.
  for (const roleArn of args.values('role-arn')) byOption(args, () => checkSettings({ roleArn }))
  const stored = await storedRecord(context)
  const settings = await stsSettings(context, stored.record)
  const sts = connectSts(settings, report.step)
  const iam = connectIam(context, settings)
  const run: Run = { context, stored, sts, iam }
  try {
    return isApplied ? await apply(run, named.length > 0) : await print(run)
  } finally {
    sts.close()
    iam.close()
  }
}

interface Run {
  readonly context: CommandContext
  readonly stored: StoredRecord
  readonly sts: StsConnection
  readonly iam: IamConnection
}

/** Whom a key speaks for. */
interface Caller {
  readonly arn: string
  readonly account: string
  /** At AWS. */
  readonly now: Date
}

async function print(run: Run): Promise<number> {
  const { context, stored } = run
  const { args, now } = context
  const userName = args.value('user-name') ?? (args.has('offline') ? undefined : await askedName(run))
  tellStopList(context, stopList(await leakOf(run, userName ?? unknownUser, now())))
  context.report.next(`hardkey revoke ${stored.name} --apply`)
  return 0
}

/** After a leak a list with a gap is worth more than none. */
async function askedName(run: Run): Promise<string | undefined> {
  try {
    return await withDevice(run, async (signer) => nameOf(await callerOf(run, signer)))
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    run.context.report.warning(
      `nobody says whose key it is: ${error.message}; write the IAM user in place of ${unknownUser}, or give --user-name`,
    )
    return undefined
  }
}

async function apply(run: Run, isSignedByOther: boolean): Promise<number> {
  const { context, stored } = run
  const given = context.args.value('user-name')
  if (!isSignedByOther) {
    return await withDevice(run, async (signer) => {
      const caller = await callerOf(run, signer)
      const userName = nameOf(caller)
      if (given !== undefined && given !== userName) throw otherUser(run, given)
      return await applyAs(run, await withMfa(run, signer, stored.record), caller, userName)
    })
  }
  const userName = given ?? (await withDevice(run, async (signer) => nameOf(await callerOf(run, signer))))
  const signer = await namedSigner(context)
  try {
    const asked = await withMfa(run, signer, signer.settings)
    await refuseOtherUser(run, asked, userName)
    return await applyAs(run, asked, await callerOf(run, asked), userName)
  } finally {
    await signer.close()
  }
}

/** A mistyped name, or the same name in the account of the signer, would lock somebody else out. */
async function refuseOtherUser(run: Run, { keys }: IamSigner, userName: string): Promise<void> {
  const { context, stored, iam } = run
  const listed = await iam.client(keys).listAccessKeys(userName, { signal: context.signal })
  if (!listed.some(({ accessKeyId }) => accessKeyId === stored.record.accessKeyId)) throw otherUser(run, userName)
}

function otherUser({ stored }: Run, userName: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the user ${userName} has no access key ${stored.record.accessKeyId}`, {
    hint: 'check --user-name, and whose account signs; where the key is deleted, type the commands that are printed without --apply',
  })
}

async function applyAs(run: Run, { keys }: IamSigner, { account, now }: Caller, userName: string): Promise<number> {
  const { context, iam } = run
  const { args, report, signal } = context
  const leak = await leakOf(run, userName, now)
  if (!args.has('yes') && !(await agreed(context, leak))) {
    report.note('nothing was changed')
    return 1
  }
  const list = stopList(leak)
  const local = async (): Promise<void> => forgetSessions(run)
  const parts = { iam: iam.client(keys), signer: keys, account, local, signal }
  const outcomes = await report.waiting('IAM', carryOut(list.steps, parts))
  tellStopList(context, list, outcomes)
  const undone = outcomes.filter(({ failure }) => failure !== undefined)
  report.next(nextCommand(run, userName, undone))
  return undone.length === 0 ? 0 : 1
}

/** While a step at AWS is not done the thief goes on: what signs may have ended, so somebody else has to. */
function nextCommand({ context, stored }: Run, userName: string, undone: readonly StopOutcome[]): string {
  if (undone.length === 0) return `hardkey forget ${stored.name} --from-device`
  if (undone.every(({ step }) => step.iam === undefined)) return `hardkey cache clear ${stored.name}`
  const roles = context.args.values('role-arn').flatMap((roleArn) => ['--role-arn', roleArn])
  const again = ['--apply', '--admin-profile', 'PROFILE', '--user-name', userName]
  return shellLine(['hardkey', 'revoke', stored.name, ...roles, ...again])
}

async function leakOf({ context, stored, iam }: Run, userName: string, now: Date): Promise<Leak> {
  const { name, path, record } = stored
  const rotation = await readJournal(path)
  const ids = [record.accessKeyId, rotation?.old.accessKeyId, rotation?.newAccessKeyId]
  const roleArns = [...context.args.values('role-arn'), ...(record.roleArn === undefined ? [] : [record.roleArn])]
  return {
    name,
    accessKeyIds: [...new Set(ids.filter((id) => id !== undefined))],
    userName,
    roleArns: [...new Set(roleArns)],
    awsOptions: iam.awsOptions,
    now,
  }
}

/** What `hardkey cache clear NAME` does. */
function forgetSessions({ context, stored }: Run): void {
  const folder = runtimeFolder(context, context.args.value('cache-dir'))
  if (folder !== undefined) removeKept(folder, recordText(stored.path))
}

async function withDevice<T>({ context, stored }: Run, use: (signer: IamSigner) => Promise<T>): Promise<T> {
  const uri = await prepared(context, recordUri(stored), true)
  const signer = await deviceSigner(context, { title: stored.name, uri, record: stored.record })
  try {
    return await use(signer)
  } finally {
    await signer.close()
  }
}

/** IAM may want a session that an MFA code opened. Where no code can be had, the key itself signs: a leak does not wait. */
async function withMfa({ context, sts }: Run, signer: IamSigner, settings: RecordSettings): Promise<IamSigner> {
  try {
    return await inMfaSession(context, signer, mfaSerial(context, settings), () => sts)
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code !== 'ERR_MFA_REQUIRED') throw error
    context.report.warning(`${error.message}: IAM is asked without MFA`)
    return signer
  }
}

async function callerOf({ context, sts }: Run, { keys }: IamSigner): Promise<Caller> {
  const { now, report, signal } = context
  const client = sts.client(keys, now)
  const { arn, account } = await report.waiting('STS', client.getCallerIdentity({ signal }))
  return { arn, account, now: client.now() }
}

function nameOf({ arn }: Caller): string {
  const name = userNameOf(arn)
  if (name !== undefined) return name
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', `${arn} is no IAM user`, {
    hint: 'the access keys of the root user are deleted in the console of AWS, at its security credentials',
  })
}

function agreed({ args, terminal, signal }: CommandContext, leak: Leak): Promise<boolean> {
  const { accessKeyIds, userName, roleArns } = leak
  const what = [`the user ${userName}`, ...roleArns].join(' and ')
  return terminal.confirm({
    question: `switch off ${accessKeyIds.join(' and ')}, and end all sessions of ${what} that are made until then`,
    unavailable: args.wrong('there is no terminal to ask whether the key shall be switched off', 'give --yes'),
    signal,
  })
}
