// From the word NAME to a key URI. In: the name of a record, a key URI with --access-key-id, or an AWS profile that gets its
// credentials from one of them. Out: the URI with what this run adds, the access key ID, and the settings of record and
// profile. The device is not asked here.

import { parseKeyUri } from '../../backends/open.ts'
import { HardkeyError } from '../../errors.ts'
import { didYouMean } from '../../key/did-you-mean.ts'
import { withoutPinSource } from '../../key/pin-source.ts'
import type { KeyUri } from '../../key/uri.ts'
import type { AwsFiles } from '../../profiles/aws-config.ts'
import { recordUri } from '../../profiles/open-record.ts'
import type { ProfileRole } from '../../profiles/profile-chain.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { listRecords, readRecord, recordPath, type StoredRecord } from '../../profiles/record-store.ts'
import type { ParsedArguments } from '../args.ts'
import type { CommandContext } from '../command.ts'
import { transitServer } from './kek-uri.ts'
import type { ProfileKey } from './profile-key.ts'

/** What NAME stands for. The device has not been asked yet. */
export interface NamedKey {
  /** For messages and next commands: the name of the record, or "the key". */
  readonly title: string
  readonly uri: KeyUri
  readonly accessKeyId: string
  /** Of the record, and of an AWS profile in NAME's place; none for a key URI. */
  readonly settings: RecordSettings
  /** What such a profile says besides. */
  readonly profile?: Pick<ProfileKey, 'role'> & { readonly through: readonly ProfileRole[] }
  /** The check value of the record, and where the record lies; none for a key URI. */
  readonly check?: string | undefined
  readonly path?: string | undefined
}

/** The folder of records. @throws ERR_CONFIG_INVALID where there is none */
export function recordsFolder({ hardkeyHome }: CommandContext['environment']): string {
  // Both separators work on every platform that Node knows; the path itself came from node:path.
  if (hardkeyHome !== undefined) return `${hardkeyHome}/keys`
  throw new HardkeyError('ERR_CONFIG_INVALID', 'there is no home folder, in which records would lie', {
    hint: 'set HOME, or HARDKEY_HOME to the folder that holds keys/',
  })
}

/** The two files of the AWS tools. */
export function awsFiles(environment: CommandContext['environment']): AwsFiles {
  return { config: environment.awsConfigFile, credentials: environment.awsCredentialsFile }
}

/** Reads what the word NAME of the command stands for. @throws ERR_USAGE, ERR_URI_INVALID, ERR_CONFIG_INVALID */
export async function namedKey(context: CommandContext): Promise<NamedKey> {
  const { args } = context
  const accessKeyId = args.value('access-key-id')
  const name = args.optionalWord('NAME')
  const profile = name === undefined ? args.value('profile') : undefined
  if (profile === undefined) return await keyOf(context, args.word('NAME'), { accessKeyId })
  const { profileKey } = await import('./profile-key.ts')
  const asked = await profileKey(context, awsFiles(context.environment), profile)
  const key = await keyOf(context, asked.name, { ...asked, accessKeyId: accessKeyId ?? asked.accessKeyId })
  const through = asked.through(key.settings)
  return { ...key, settings: own(asked.over(key.settings)), profile: { role: asked.role, through } }
}

/** For what is signed with the key itself: AWS tools would act as the role of such a profile. */
export function tellUserSigns({ report }: CommandContext, { profile, settings }: NamedKey): void {
  if (profile === undefined || settings.roleArn === undefined) return
  report.note("signed by the key of the user; the profile's role takes no part")
}

/** For naming a key again: what was chosen for it without being asked was told the first time. */
export function toldOnce(context: CommandContext): CommandContext {
  const { step } = context.report
  return { ...context, report: { ...context.report, note: step, warning: step } }
}

/** What the run or the line of a profile says besides. */
type Said = Pick<ProfileKey, 'accessKeyId'> & { readonly pinSource?: string | undefined }

async function keyOf(
  context: CommandContext,
  name: string,
  { accessKeyId: given, pinSource }: Said,
): Promise<NamedKey> {
  const { args } = context
  if (!name.includes(':')) {
    const stored = await recordNamed(context, name)
    const { accessKeyId } = stored.record
    if (given !== undefined && given !== accessKeyId) {
      throw args.wrong(`the record "${name}" is of ${accessKeyId}, not of the ID that --access-key-id gives`)
    }
    const uri = await prepared(context, recordUri(stored), true, pinSource)
    const { check } = stored.record
    return { title: name, uri, accessKeyId, settings: own(stored.record), check, path: stored.path }
  }
  const uri = parseKeyUri(name)
  // Before a module is looked for: what a shell cut off would have named both.
  if (given === undefined) {
    const remedy =
      'quote the URI: a shell ends a word at ; and &; or check the key in: hardkey import NAME --from device'
    throw args.wrong('a key URI needs --access-key-id', remedy)
  }
  const complete = await prepared(context, uri, false, pinSource)
  return { title: 'the key', uri: complete, accessKeyId: given, settings: own({}) }
}

/** What a polluted prototype would add is no setting. */
function own(settings: RecordSettings): RecordSettings {
  return Object.assign(Object.create(null), settings)
}

/** The record with what this run adds to its key URI; it is not written so. */
export async function recordForThisRun(context: CommandContext, stored: StoredRecord): Promise<StoredRecord> {
  const uri = await prepared(context, recordUri(stored), true)
  return { ...stored, record: { ...stored.record, uri: uri.toString() } }
}

/** Reads the record that the word NAME names; a name that nobody knows is corrected. */
export async function storedRecord(context: CommandContext): Promise<StoredRecord> {
  const name = context.args.word('NAME')
  if (name.includes(':')) throw context.args.wrong('NAME is the name of a record here, not a key URI')
  return await recordNamed(context, name)
}

async function recordNamed({ environment }: CommandContext, name: string): Promise<StoredRecord> {
  const folder = recordsFolder(environment)
  const path = recordPath(folder, name)
  try {
    return await readRecord(path)
  } catch (error) {
    const names = (await listRecords(folder)).map((listed) => listed.name)
    if (!(error instanceof HardkeyError) || names.includes(name)) throw error
    const near = didYouMean(name, names)
    throw new HardkeyError('ERR_CONFIG_INVALID', `there is no record "${name}"`, {
      hint: near === undefined ? noRecordHint(names, name) : `did you mean ${near}`,
      cause: error,
    })
  }
}

function noRecordHint(names: readonly string[], name: string): string {
  return names.length === 0
    ? `check a key in first: hardkey import ${name} --to embedded, or with a device from hardkey devices`
    : `the records are ${names.slice(0, 10).join(', ')}`
}

/** `--pin-source`. @throws ERR_USAGE for what names no source: it may be the PIN itself */
export function pinSourceOption(args: ParsedArguments): string | undefined {
  const source = args.value('pin-source')
  // A bare path and a command are left to pinSourceOf, which reads the one and refuses the other.
  if (source === undefined || /^(?:[a-z]+:|[/|])/.test(source)) return source
  throw args.wrong(
    '--pin-source does not say where the PIN comes from',
    'write prompt:, file:/PATH, fd:N, env:NAME or credential:NAME; a PIN given here was visible to others: change it',
  )
}

/**
 * The URI with what this run adds: --pin-source, else that of a profile's line, and a device where it names none. A record
 * keeps what it names.
 */
export async function prepared(
  context: CommandContext,
  uri: KeyUri,
  isRecord = false,
  ofLine?: string,
): Promise<KeyUri> {
  const { args, report } = context
  const source = pinSourceOption(args) ?? ofLine
  const withSource = source === undefined ? uri : withoutPinSource(uri).with({ query: { 'pin-source': source } })
  if (withSource.has('pin-value')) {
    report.warning('pin-value in a key URI can be read by others in the list of processes; use pin-source')
  }
  return await withDevice(context, withSource, isRecord)
}

/** A URI that names its module, TPM or server: its own, else what the environment says, and says which was taken. */
export async function withDevice(context: CommandContext, uri: KeyUri, isRecord = false): Promise<KeyUri> {
  switch (uri.scheme) {
    case 'pkcs11':
      return await withModule(context, uri)
    case 'tpm2':
      return withTpm(context, uri)
    case 'vault':
      return (await import('./vault-uri.ts')).withVault(context, uri, isRecord)
    default:
      if (transitServer(uri) === undefined) return uri
      return (await import('./vault-uri.ts')).withTransit(context, uri, isRecord)
  }
}

/** A tpm2: URI with a device: its own, else TPM2TOOLS_TCTI. */
function withTpm({ environment, report }: CommandContext, uri: KeyUri): KeyUri {
  if (uri.has('device') || environment.tpmDevice === undefined) return uri
  report.note(`device is ${environment.tpmDevice}, from TPM2TOOLS_TCTI`)
  return uri.with({ query: { device: environment.tpmDevice } })
}

/** A pkcs11: URI with a module-path: its own, else PKCS11_MODULE_PATH, else p11-kit-proxy. */
async function withModule({ environment, report }: CommandContext, uri: KeyUri): Promise<KeyUri> {
  if (uri.has('module-path') || uri.has('module-name')) return uri
  const { path, origin } = await defaultModule(environment)
  report.note(`module-path is ${path}, from ${origin}`)
  return uri.with({ query: { 'module-path': path } })
}

/** The module for a URI that names none. @throws ERR_URI_INVALID where there is none either */
export async function defaultModule(
  environment: CommandContext['environment'],
): Promise<{ readonly path: string; readonly origin: string }> {
  if (environment.pkcs11ModulePath !== undefined) {
    return { path: environment.pkcs11ModulePath, origin: 'PKCS11_MODULE_PATH' }
  }
  const [{ findP11KitProxy }, { existsSync }] = await Promise.all([
    import('../../backends/pkcs11/module-path.ts'),
    import('node:fs'),
  ])
  const path = findP11KitProxy(existsSync)
  if (path !== undefined) return { path, origin: 'p11-kit' }
  throw new HardkeyError('ERR_URI_INVALID', 'no PKCS#11 module is named, and p11-kit-proxy is not on this machine', {
    hint:
      'add ?module-path=/absolute/path/of/the/module.so to the key URI, and quote it: a shell ends a word at ; and &; ' +
      'or set PKCS11_MODULE_PATH',
  })
}
