// An access key made at AWS for a check-in: `--create-for USER`. In: who signs, said by an option and never found by itself.
// Out: the key with its secret as bytes, and its deletion where it finds no place in a device.
// CreateAccessKey is signed by the device key of another record (`--with`), or by what stands in an AWS profile.

import { HardkeyError } from '../errors.ts'
import type { IamClient } from '../iam/client.ts'
import type { NewAccessKey } from '../iam/new-access-key.ts'
import type { Secret } from '../key/secret.ts'
import { tooManyKeys } from '../lifecycle/too-many-keys.ts'
import type { CommandContext } from './command.ts'
import { connectIam } from './iam-connection.ts'
import { type IamSigner, namedSigner } from './iam-signer.ts'
import { stsSettings } from './settings.ts'

/** A key that exists at AWS alone. The caller wipes the secret and closes it. */
export interface CreatedKey {
  readonly accessKeyId: string
  readonly secret: Secret
  readonly created: {
    /** Deletes the key at AWS. Gives the failure to throw: the first one, or one that names a key that stays. */
    discard(error: unknown): Promise<unknown>
    close(): Promise<void>
  }
}

/** Refuses what contradicts `--create-for`, before anything is done. @throws ERR_USAGE */
export function checkCreateFor({ args }: CommandContext): void {
  if (args.value('create-for') === undefined) {
    const stray = (['with', 'admin-profile'] as const).find((name) => args.value(name) !== undefined)
    if (stray !== undefined) throw args.wrong(`--${stray} signs for --create-for, which is missing`)
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

/** Makes an access key for the user. @throws ERR_ROTATION_STOPPED where the user has two, and as the client of IAM */
export async function createKeyFor(context: CommandContext, userName: string): Promise<CreatedKey> {
  const { report, signal } = context
  const connection = connectIam(context, await stsSettings(context, {}))
  let signer: IamSigner | undefined
  const close = async (): Promise<void> => {
    connection.close()
    await signer?.close()
  }
  try {
    signer = await namedSigner(context)
    const iam = connection.client(signer.keys)
    await tellOtherKeys(context, iam, userName)
    const { accessKeyId, secret } = await report.waiting('IAM', create(iam, userName, signal))
    // Told at once: should this process be killed, the ID is what to delete.
    report.note(`made the access key ${accessKeyId} for ${userName}`)
    return { accessKeyId, secret, created: { discard: (error) => discard(iam, userName, accessKeyId, error), close } }
  } catch (error) {
    await close()
    throw error
  }
}

async function tellOtherKeys({ report, signal }: CommandContext, iam: IamClient, userName: string): Promise<void> {
  const keys = await iam.listAccessKeys(userName, { signal })
  if (keys.length > 1) throw await tooManyKeys({ keys, userName, iam, signal })
  for (const { accessKeyId, isActive, created } of keys) {
    report.note(
      `${userName} has ${accessKeyId} too, ${isActive ? 'active' : 'inactive'}, made ${created.toISOString()}`,
    )
  }
}

/** Where the answer is lost there may be a key, whose secret nobody has. */
async function create(iam: IamClient, userName: string, signal: AbortSignal): Promise<NewAccessKey> {
  try {
    return await iam.createAccessKey(userName, { signal })
  } catch (error) {
    if (!(error instanceof HardkeyError) || error.code === 'ERR_STS_REFUSED') throw error
    throw new HardkeyError(error.code, `${error.message}; a key may have been made, whose secret is lost`, {
      hint: `aws iam list-access-keys --user-name ${userName} shows it; delete it before the next try`,
      cause: error,
    })
  }
}

async function discard(iam: IamClient, userName: string, accessKeyId: string, error: unknown): Promise<unknown> {
  try {
    await iam.deleteAccessKey(userName, accessKeyId)
    return error
  } catch (failure) {
    if (!(failure instanceof HardkeyError)) return error
    const [code, message] =
      error instanceof HardkeyError ? [error.code, error.message] : (['ERR_DEVICE_FAILED', 'it was stopped'] as const)
    const remedy = `aws iam delete-access-key --user-name ${userName} --access-key-id ${accessKeyId}`
    const words = `${message}; the new access key ${accessKeyId} was not deleted: ${failure.message}`
    return new HardkeyError(code, words, { hint: `its secret is lost: ${remedy}`, cause: error })
  }
}
