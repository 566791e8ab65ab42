// An access key made at AWS for a check-in: `--create-for USER`. In: who signs, said by an option and never found by itself.
// Out: the key with its secret as bytes, and its deletion where it finds no place in a device.
// CreateAccessKey is signed by the device key of another record (`--with`), or by what stands in an AWS profile; where an MFA
// device is named there, by a session that its code opens.

import { HardkeyError } from '../../errors.ts'
import { withLock } from '../../files/with-lock.ts'
import type { AccessKey } from '../../iam/answer.ts'
import type { IamClient } from '../../iam/client.ts'
import type { NewAccessKey } from '../../iam/new-access-key.ts'
import type { Secret } from '../../key/secret.ts'
import { type Creation, createdKey, creationPath, readCreation, writeCreation } from '../../lifecycle/creation.ts'
import { gone } from '../../lifecycle/rotation-begin.ts'
import { timeText } from '../../lifecycle/rotation-parts.ts'
import { tooManyKeys } from '../../lifecycle/too-many-keys.ts'
import { listRecords, prepareRecordsFolder, recordPath, removeRecord } from '../../profiles/record-store.ts'
import { connectSts, type StsConnection } from '../aws/connection.ts'
import { connectIam } from '../aws/iam-connection.ts'
import { type IamSigner, inMfaSession, namedSigner } from '../aws/iam-signer.ts'
import type { CommandContext } from '../command.ts'
import { recordsFolder } from '../device/open-key.ts'
import { stsSettings } from '../settings/settings.ts'

/** A key that exists at AWS alone, or in the device without a record. The caller wipes the secret and closes it. */
export interface CreatedKey {
  readonly accessKeyId: string
  /** In the device is perhaps what a run has made that was cut off. */
  readonly secret: Secret | 'in-device'
  readonly created: {
    /** Deletes the key at AWS. Gives the failure to throw: the first one, or one that names a key that stays. */
    discard(error: unknown): Promise<unknown>
    /** True where the failure says that the device has no key, and the one at AWS was deleted: another is to be made. */
    replaces(error: unknown): Promise<boolean>
    /** The record has the key. */
    settled(): Promise<void>
    close(): Promise<void>
  }
}

/** Refuses what contradicts `--create-for`, before anything is done. @throws ERR_USAGE */
export function checkCreateFor({ args }: CommandContext): void {
  if (args.value('create-for') === undefined) {
    const stray = (['with', 'admin-profile', 'delete-orphan', 'token-code', 'mfa-process'] as const).find(
      (name) => args.value(name) !== undefined,
    )
    if (stray !== undefined) throw args.wrong(`--${stray} is for --create-for, which is missing`)
    return
  }
  const contradicted = (['from', 'wrapped', 'access-key-id', 'prove'] as const).find(
    (name) => args.value(name) !== undefined,
  )
  if (contradicted !== undefined) throw args.wrong(`--create-for contradicts --${contradicted}`)
  if ((args.value('with') === undefined) === (args.value('admin-profile') === undefined)) {
    throw args.wrong('--create-for needs --with NAME or --admin-profile PROFILE', 'say whose key makes the new one')
  }
}

/** Who makes the key, for whom, and where it is written down. */
interface Creator {
  readonly context: CommandContext
  readonly iam: IamClient
  readonly userName: string
  readonly path: string
}

/**
 * Makes an access key for the user, or finds the one that an import of this name has made that was cut off. It is written down
 * at `path` until the record has it. Nobody else may be at it: see `creationLock`.
 * @throws ERR_ROTATION_STOPPED where the user has two, or a lost one is to stay; ERR_CONFIG_INVALID; as the client of IAM
 */
export async function createKeyFor(context: CommandContext, userName: string): Promise<CreatedKey> {
  const { report } = context
  const settings = await stsSettings(context, {})
  const connection = connectIam(context, settings)
  let sts: StsConnection | undefined
  const path = creationPath(recordPath(recordsFolder(context.environment), context.args.word('NAME')))
  let signer: IamSigner | undefined
  const close = async (): Promise<void> => {
    connection.close()
    sts?.close()
    await signer?.close()
  }
  try {
    signer = await namedSigner(context)
    // --mfa-serial is of the new record.
    const serialNumber = context.environment.mfaSerial ?? signer.settings.mfaSerial
    const { keys } = await inMfaSession(context, signer, serialNumber, () => {
      sts = connectSts(settings, report.step)
      return sts
    })
    const creator = { context, iam: connection.client(keys), userName, path }
    const settled = (): Promise<void> => removeRecord(path).catch((error: Error) => report.warning(error.message))
    const left = await leftKey(creator)
    if (left !== undefined) {
      const created = { discard: async (error: unknown) => error, replaces: left.replaces, settled, close }
      return { accessKeyId: left.accessKeyId, secret: 'in-device', created }
    }
    const { accessKeyId, secret } = await make(creator)
    const discarding = (error: unknown): Promise<unknown> => discard(creator, accessKeyId, error)
    return { accessKeyId, secret, created: { discard: discarding, replaces: async () => false, settled, close } }
  } catch (error) {
    await close()
    throw error
  }
}

/** Runs `act` while no other import of this name makes a key. @throws ERR_ROTATION_STOPPED */
export async function creationLock<T>(
  { environment, signal }: CommandContext,
  name: string,
  act: () => Promise<T>,
): Promise<T> {
  const folder = recordsFolder(environment)
  await prepareRecordsFolder(folder)
  const lock = `${creationPath(recordPath(folder, name))}.lock`
  return await withLock(lock, { waitMilliseconds: 1000, signal }, async (held) => {
    if (held) return await act()
    throw new HardkeyError('ERR_ROTATION_STOPPED', `another import of "${name}" is under way`, { hint: 'wait for it' })
  })
}

/** What an import of this name has left at AWS that was cut off, where the device may have it. What is lost is deleted. */
async function leftKey(
  creator: Creator,
): Promise<{ readonly accessKeyId: string; replaces(error: unknown): Promise<boolean> } | undefined> {
  const { context, iam, path } = creator
  const { args, environment, signal } = context
  const begun = await readCreation(path)
  if (begun === undefined) return undefined
  const { userName } = begun
  const key = createdKey(begun, await iam.listAccessKeys(userName, { signal }))
  const records = await listRecords(recordsFolder(environment))
  const isInUse = records.some((one) => 'record' in one && one.record.accessKeyId === key?.accessKeyId)
  if (key !== undefined && !isInUse) {
    const { accessKeyId } = key
    const replaces = async (error: unknown): Promise<boolean> => {
      if (!(error instanceof HardkeyError) || error.code !== 'ERR_KEY_NOT_FOUND') return false
      await deleteLost(creator, begun, key)
      return true
    }
    if (begun.accessKeyId !== undefined && !args.has('offline')) return { accessKeyId, replaces }
    if ((await iam.lastUse(accessKeyId, { signal })).date === undefined) await deleteLost(creator, begun, key)
  }
  await removeRecord(path)
  return undefined
}

/** What AWS has answered is of that import; what looks like it may be somebody's, and `--yes` says nothing of that. */
async function deleteLost(creator: Creator, { userName, ...begun }: Creation, key: AccessKey): Promise<void> {
  const { context, iam, path } = creator
  const { args, report, terminal, signal } = context
  const { accessKeyId } = key
  const isOurs = begun.accessKeyId === accessKeyId
  const what = isOurs
    ? `${accessKeyId} was made for ${userName} by an import that was cut off, and its secret is lost`
    : `${accessKeyId} was made for ${userName} ${timeText(key.created)}, when an import was cut off, or by somebody else, and was never used`
  const stays = new HardkeyError('ERR_ROTATION_STOPPED', `${what}; it is still there`, {
    hint: isOurs
      ? undefined
      : `if nobody has its secret: --delete-orphan ${accessKeyId}; if somebody has it, remove ${path}, and it stays`,
  })
  const unavailable = isOurs
    ? args.wrong(`${what}: there is no terminal to ask whether it shall be deleted`, 'give --yes')
    : stays
  const isAgreed = args.value('delete-orphan') === accessKeyId || (isOurs && args.has('yes'))
  if (!isAgreed && !(await terminal.confirm({ question: `${what}; delete it`, unavailable, signal }))) throw stays
  await gone(iam.deleteAccessKey(userName, accessKeyId, { signal }))
  report.note(`deleted ${accessKeyId}, whose secret was lost`)
  await removeRecord(path)
}

/** CreateAccessKey is sent once, after it is written down. */
async function make(creator: Creator): Promise<NewAccessKey> {
  const { context, iam, userName, path } = creator
  const { report } = context
  const begun: Creation = {
    userName,
    before: await tellOtherKeys(context, iam, userName),
    began: timeText(iam.now()),
  }
  await writeCreation(path, begun)
  const made = await report.waiting('IAM', create(creator))
  try {
    await writeCreation(path, { ...begun, accessKeyId: made.accessKeyId })
    report.note(`made the access key ${made.accessKeyId} for ${userName}`)
    return made
  } catch (error) {
    made.secret.wipe()
    throw await discard(creator, made.accessKeyId, error)
  }
}

async function tellOtherKeys(
  { environment, report, signal }: CommandContext,
  iam: IamClient,
  userName: string,
): Promise<readonly string[]> {
  const keys = await iam.listAccessKeys(userName, { signal })
  if (keys.length > 1) throw await tooManyKeys({ keys, userName, iam, folder: recordsFolder(environment), signal })
  for (const { accessKeyId, isActive, created } of keys) {
    report.note(`${userName} has ${accessKeyId} too, ${isActive ? 'active' : 'inactive'}, made ${timeText(created)}`)
  }
  return keys.map(({ accessKeyId }) => accessKeyId)
}

/** Where the answer is lost there may be a key, whose secret nobody has. */
async function create({ context, iam, userName, path }: Creator): Promise<NewAccessKey> {
  const { args, signal } = context
  try {
    return await iam.createAccessKey(userName, { signal })
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    if (error.code === 'ERR_STS_REFUSED') {
      await removeRecord(path)
      throw error
    }
    throw new HardkeyError(error.code, `${error.message}; a key may have been made, whose secret is lost`, {
      hint:
        `import ${args.word('NAME')} again, which looks for it and deletes it; ` +
        `aws iam list-access-keys --user-name ${userName} shows it, too`,
      cause: error,
    })
  }
}

async function discard({ iam, userName, path }: Creator, accessKeyId: string, error: unknown): Promise<unknown> {
  try {
    await gone(iam.deleteAccessKey(userName, accessKeyId))
    return await removeRecord(path).then(
      () => error,
      () => error,
    )
  } catch (failure) {
    if (!(failure instanceof HardkeyError)) return error
    const [code, message] =
      error instanceof HardkeyError ? [error.code, error.message] : (['ERR_DEVICE_FAILED', 'it was stopped'] as const)
    const remedy = `aws iam delete-access-key --user-name ${userName} --access-key-id ${accessKeyId}`
    const words = `${message}; the new access key ${accessKeyId} was not deleted: ${failure.message}`
    return new HardkeyError(code, words, { hint: `its secret is lost: ${remedy}`, cause: error })
  }
}
