// Where `import` takes the secret from. In: `--from`. Out: the access key with its secret as bytes, checked for its
// form; afterwards the plaintext is removed where that was asked. A secret is never an argument, a variable or a
// string.

import { HardkeyError } from '../../errors.ts'
import { readDescriptor } from '../../key/descriptor.ts'
import type { Secret } from '../../key/secret.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { CheckInSecret } from '../../lifecycle/compare-key.ts'
import { readSecretFile, removeSecretFile } from '../../lifecycle/secret-file.ts'
import {
  checkAccessKeyId,
  checkSecretAccessKey,
  maxSecretBytes,
  readSecretAccessKey,
} from '../../lifecycle/secret-form.ts'
import { readVaultBackup } from '../../lifecycle/vault-backup.ts'
import { plaintextKey, removePlaintextKey } from '../../profiles/plaintext-key.ts'
import { quoted } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { awsFiles } from '../device/open-key.ts'
import { isTerminal } from '../output.ts'
import { type CreatedKey, checkCreateFor, createKeyFor } from './created-key.ts'
import { readDelivery } from './wrap-files.ts'

export type ImportSource =
  | { readonly kind: 'prompt' | 'device' }
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  | { readonly kind: 'csv' | 'json'; readonly path: string }
  | { readonly kind: 'backup'; readonly path: string }
  | { readonly kind: 'wrapped'; readonly path: string }
  | { readonly kind: 'profile'; readonly profile: string }
  | { readonly kind: 'created'; readonly user: string }

/** An access key to check in. The caller wipes the secret. */
export interface SourceKey {
  readonly accessKeyId: string
  readonly secret: CheckInSecret
  /** Only for a key that was made just now. */
  readonly created?: CreatedKey['created']
}

/** The source of `import`: what `--from` names, the file of `--wrapped`, or AWS. @throws as `importSource` */
export function importOrWrapped(context: CommandContext): ImportSource {
  const { args } = context
  checkCreateFor(context)
  const user = args.value('create-for')
  if (user !== undefined) return { kind: 'created', user }
  const path = args.value('wrapped')
  if (path === undefined) return importSource(context)
  if (args.value('from') !== undefined) throw args.wrong('--wrapped contradicts --from')
  return { kind: 'wrapped', path }
}

/** What `--from` names. @throws ERR_USAGE, ERR_SECRET_INVALID for a variable (B-014) */
export function importSource({ args }: CommandContext): ImportSource {
  const from = args.value('from') ?? 'prompt'
  const [, kind = '', rest = ''] = /^([a-z]+)(?::(.*))?$/s.exec(from) ?? []
  if ((kind === 'prompt' || kind === 'device') && from === kind) return { kind }
  if (from === 'stdin') return { kind: 'descriptor', descriptor: 0 }
  if (kind === 'fd' && /^[0-9]{1,4}$/.test(rest)) return { kind: 'descriptor', descriptor: Number(rest) }
  if ((kind === 'csv' || kind === 'json' || kind === 'backup') && rest !== '') return { kind, path: rest }
  if (kind === 'profile' && rest !== '') return { kind, profile: rest }
  if (kind === 'env') {
    throw new HardkeyError('ERR_SECRET_INVALID', 'a secret is not taken from a variable: other programs can read it', {
      hint: 'use the hidden prompt, --from stdin or --from fd:N',
    })
  }
  throw args.wrong(
    `--from ${quoted(from)} is no source`,
    'it is prompt, stdin, fd:N, csv:FILE, json:FILE, profile:NAME, backup:FILE or device',
  )
}

/**
 * Reads the access key, which goes to `to`.
 * @throws ERR_SECRET_INVALID, ERR_CONFIG_INVALID, ERR_KEY_FILE_INVALID, ERR_USAGE without a terminal to ask at
 */
export async function readSource(context: CommandContext, source: ImportSource, to: KeyUri): Promise<SourceKey> {
  const { args } = context
  const form = { otherStore: args.has('other-store') }
  const given = args.value('access-key-id')
  if (given !== undefined) checkAccessKeyId(given, form)
  switch (source.kind) {
    case 'device':
      return { accessKeyId: given ?? (await askForId(context)), secret: 'in-device' }
    case 'wrapped':
      return await readWrapped(context, source.path, to, given)
    case 'created':
      return await createKeyFor(context, source.user)
    case 'prompt':
    case 'descriptor': {
      const accessKeyId = given ?? (await askForId(context))
      return { accessKeyId, secret: readSecretAccessKey(await readBytes(context, source, accessKeyId), form) }
    }
    case 'backup': {
      // Neither Vault nor OpenBao knows of what the key is.
      const accessKeyId = given ?? (await askForId(context))
      const name = to.scheme === 'vault' ? to.get('key') : undefined
      const backup = { path: source.path, name, allowExportable: args.has('allow-exportable') }
      return checkedKey(context, { accessKeyId, secret: await readVaultBackup(backup) }, given)
    }
    default:
      return checkedKey(context, await readStored(context, source, given), given)
  }
}

/** What became of the plaintext. */
export interface Removal {
  /** Files that held it. */
  readonly removed: readonly string[]
  /** What still holds it, as FILE:LINE. */
  readonly remains: readonly string[]
}

/** Removes the plaintext that the key came from. */
export async function removeSource(
  { environment }: CommandContext,
  source: ImportSource,
  accessKeyId: string,
): Promise<Removal> {
  if (source.kind === 'csv' || source.kind === 'json') {
    await removeSecretFile({ form: source.kind, path: source.path, accessKeyId })
    return { removed: [source.path], remains: [] }
  }
  if (source.kind !== 'profile') return { removed: [], remains: [] }
  const { files, remains } = await removePlaintextKey(awsFiles(environment), source.profile, accessKeyId)
  return { removed: files, remains }
}

/** True where a file has seen the secret, and may have been copied. */
export function wasInFile({ kind }: ImportSource): boolean {
  return isRemovable({ kind }) || kind === 'backup'
}

/** True where there is plaintext that `--remove-source` can remove. */
export function isRemovable({ kind }: Pick<ImportSource, 'kind'>): boolean {
  return kind === 'csv' || kind === 'json' || kind === 'profile'
}

async function askForId(context: CommandContext): Promise<string> {
  const { args, terminal, signal } = context
  const unavailable = args.wrong('--access-key-id is missing', 'there is no terminal to ask for it')
  const typed = await terminal.text({ question: 'access key ID', unavailable, signal })
  checkAccessKeyId(typed, { otherStore: args.has('other-store') })
  return typed
}

async function readBytes(
  { args, report, terminal, signal }: CommandContext,
  source: Extract<ImportSource, { kind: 'prompt' | 'device' | 'descriptor' }>,
  accessKeyId: string,
): Promise<Uint8Array> {
  if (source.kind !== 'descriptor') {
    const unavailable = args.wrong('there is no terminal to ask for the secret', 'give --from stdin or --from fd:N')
    return await terminal.secret({ question: `secret access key of ${accessKeyId}`, unavailable, signal })
  }
  if (isTerminal(source.descriptor)) {
    throw args.wrong('the secret would be shown while it is typed', 'leave --from out: the prompt is hidden')
  }
  try {
    // One byte more than a secret may have: readSecretAccessKey then says that it is too long (B-015).
    const bytes = await readDescriptor(source.descriptor, maxSecretBytes + 1, signal)
    if (bytes.at(-1) === 0x0a) report.step('leave out the line ending behind the secret')
    return bytes
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const remedy = `open it for hardkey, as in: … --from fd:${source.descriptor} ${source.descriptor}<FILE`
    throw args.wrong(`descriptor ${source.descriptor} cannot be read`, remedy)
  }
}

async function readWrapped(
  context: CommandContext,
  path: string,
  to: KeyUri,
  given: string | undefined,
): Promise<SourceKey> {
  const { accessKeyId, ...delivered } = await readDelivery(path)
  const { scheme, device } = delivered.wrapped
  if (scheme !== to.scheme) {
    throw context.args.wrong(`the key is wrapped for ${scheme}:, and --to names ${to.scheme}:`, `it is for ${device}`)
  }
  if (given !== undefined && accessKeyId !== undefined && given !== accessKeyId) {
    throw context.args.wrong(`the file holds the key ${accessKeyId}, not the one that --access-key-id names`)
  }
  return { accessKeyId: accessKeyId ?? given ?? (await askForId(context)), secret: delivered }
}

async function readStored(
  { args, environment }: CommandContext,
  source: Extract<ImportSource, { kind: 'csv' | 'json' | 'profile' }>,
  accessKeyId: string | undefined,
): Promise<{ readonly accessKeyId: string; readonly secret: Secret }> {
  if (source.kind === 'profile') return await plaintextKey(awsFiles(environment), source.profile)
  return await readSecretFile({ form: source.kind, path: source.path, accessKeyId, goes: args.has('remove-source') })
}

function checkedKey(
  { args }: CommandContext,
  found: { readonly accessKeyId: string; readonly secret: Secret },
  given: string | undefined,
): SourceKey {
  try {
    if (given !== undefined && given !== found.accessKeyId) {
      throw args.wrong(`the source holds the key ${found.accessKeyId}, not the one that --access-key-id names`)
    }
    const form = { otherStore: args.has('other-store') }
    checkAccessKeyId(found.accessKeyId, form)
    checkSecretAccessKey(found.secret, form)
    return found
  } catch (error) {
    found.secret.wipe()
    throw error
  }
}
