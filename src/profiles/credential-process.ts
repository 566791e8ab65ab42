// The AWS profiles that ask hardkey. In: the AWS files, a profile and the line that process-line.ts made. Out: the config
// file with the line or without it, every other byte kept; which profiles have it.
// AWS SDKs and Tools Reference Guide, "Process credential provider".

import { HardkeyError } from '../errors.ts'
import { KeyUri } from '../key/uri.ts'
import { type FoundSetting, settingsForAny } from './any-reading.ts'
import { type AwsFile, type AwsFiles, profileLines, refuseProblems, sectionInUse, withAwsFiles } from './aws-config.ts'
import { editAwsFiles, replaceAwsFile } from './edit-aws-files.ts'
import { type IniLine, iniSettings, iniValue } from './ini.ts'
import { removeIniLines, setIniSettings } from './ini-edit.ts'
import { leftOver } from './left-over.ts'
import { plaintextKeyPlaces } from './plaintext-key.ts'
import { hardkeyCall, isCredentialProcessLineOf, namesHardkey } from './process-line.ts'

/** Which profile gets which line. */
export interface WriteCredentialProcess {
  readonly files: AwsFiles
  readonly profile: string
  /** What `credentialProcessLine` gave. */
  readonly line: string
  /** Written too when it is given, where the profile has none. */
  readonly region?: string | undefined
  /** True when the plaintext key of this very profile is removed right after: until then the line has no effect. */
  readonly plaintextKeyGoesNext?: boolean | undefined
}

/** The line of a profile that asks hardkey. */
export interface HardkeyLine {
  /** The record that it asks for, or a key URI without its secrets. */
  readonly name: string
  /** Its options, without their values. */
  readonly options: readonly string[]
  /** The absolute paths that it starts: Node and the script, or the command. */
  readonly program: readonly string[]
  /** FILE:LINE. */
  readonly where: string
}

/** The line of this profile that asks hardkey; undefined where there is none. */
export function hardkeyLine(file: AwsFile, profile: string): HardkeyLine | undefined {
  const lines = profileLines(file, profile).filter(
    ({ kind, name }) => kind === 'setting' && name === 'credential_process',
  )
  const [line] = lines.slice(-1)
  if (line === undefined) return undefined
  const call = hardkeyCall(iniValue(file.bytes, line))
  if (call?.name === undefined) return undefined
  const program = call.program.filter((word) => /^(?:\/|[A-Za-z]:[\\/])/.test(word))
  return { name: withoutSecrets(call.name), options: call.options, program, where: `${file.path}:${line.number}` }
}

/** A PIN may stand in a key URI, however wrong that is. */
function withoutSecrets(name: string): string {
  if (!name.includes(':')) return name
  try {
    return KeyUri.parse(name).withoutSecrets().toString()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return `${name.split(':', 1)[0]}:…`
  }
}

/** FILE:LINE and name of each setting by which AWS tools sign this profile in before they run a credential_process. */
function otherSignInOf(file: AwsFile, profile: string): readonly string[] {
  return settingsForAny(file, profile, otherSignIns).map(({ name, place }) => `${place} (${name})`)
}

/** What a profile says that what is written now does not. */
export interface ReplacedLine {
  /** The record that it asks for, where it is another one. */
  readonly asked: string | undefined
  /** Options of the line. */
  readonly options: readonly string[]
  /** Another region, which stays. */
  readonly region: string | undefined
}

/**
 * Throws what `writeCredentialProcess` would throw and changes nothing: for before a check-in. Returns what the profile says
 * until now.
 */
export async function checkCredentialProcess(input: WriteCredentialProcess): Promise<ReplacedLine> {
  return await withAwsFiles(input.files, (both) => {
    edited(input, both).fill(0)
    const { name, options = [] } = hardkeyLine(both[0], input.profile) ?? {}
    const region = input.region && regionOf(both[0], input.profile)
    return {
      asked: name === hardkeyCall(input.line)?.name ? undefined : name,
      options,
      region: region === input.region ? undefined : region,
    }
  })
}

/**
 * Writes `credential_process`, and `region` where there is none, into the profile in the config file and keeps everything
 * else byte for byte.
 * @throws ERR_CONFIG_INVALID while the profile keeps a plaintext key or signs in another way, which would win, or has
 * another program's `credential_process`; where its name cannot stand in the file; where the file is malformed there
 */
export async function writeCredentialProcess(input: WriteCredentialProcess): Promise<void> {
  await editAwsFiles(input.files, (both) => replaceAwsFile(both[0], edited(input, both)))
}

/** The profiles whose `credential_process` asks hardkey for this record, in the order of the files. */
export async function profilesThatAsk(files: AwsFiles, name: string): Promise<readonly string[]> {
  return await withAwsFiles(files, (both) => [
    ...new Set(both.flatMap((file) => file.lines.filter((line) => isOurs(file, line, name)).map(profileOf))),
  ])
}

/** Of these profiles, those whose region in the config file is another one, with it. */
export async function otherRegions(
  files: AwsFiles,
  profiles: readonly string[],
  region: string,
): Promise<readonly (readonly [profile: string, region: string])[]> {
  return await withAwsFiles(files, ([config]) =>
    profiles
      .map((profile) => [profile, regionOf(config, profile) ?? region] as const)
      .filter(([, found]) => found !== region),
  )
}

/**
 * Removes each `credential_process` line that asks hardkey for this record, and a profile that has nothing else but the
 * `region` that hardkey wrote there; what else the profiles say stays. Returns the profiles that had one.
 */
export async function removeCredentialProcess(
  files: AwsFiles,
  name: string,
  region?: string,
): Promise<readonly string[]> {
  return await editAwsFiles(files, async ([config, credentials]) => {
    const ours = (file: AwsFile): readonly IniLine[] => file.lines.filter((line) => isOurs(file, line, name))
    const all = [...ours(config), ...ours(credentials)]
    const profiles = [...new Set(all.map(profileOf))]
    for (const file of [config, credentials]) {
      const sections = profiles.flatMap((profile) => file.sectionsOf(profile))
      const left = sections.flatMap((section) => leftOver(file, section, ours(file), region))
      const gone = [...ours(file), ...left]
      if (gone.length > 0) await replaceAwsFile(file, removeIniLines(file.bytes, file.lines, gone, file.path))
    }
    return profiles
  })
}

/** The config file with the line in it, in a buffer to wipe. */
function edited(input: WriteCredentialProcess, both: readonly [config: AwsFile, credentials: AwsFile]): Uint8Array {
  const { profile, line } = input
  const [config] = both
  if (!/^[\w\-@+.%:/]{1,100}$/.test(profile)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'this name of a profile cannot be read back by AWS tools', {
      hint: 'use letters, digits and _ - @ + . % : /',
    })
  }
  for (const file of both) refuseProblems(file, profile)
  refusePlaintextKey(both, profile, input.plaintextKeyGoesNext === true)
  refuseForeignLine(config, profile)
  refuseOverLine(both[1], profile, line)
  refuseOtherSignIn(both, profile)
  const section = sectionInUse(config, profile)
  const header = `[${section.replace('profile.', 'profile ')}]`
  const region = regionOf(config, profile) === undefined ? input.region : undefined
  const settings: [string, string][] = [['credential_process', line], ...regionSetting(region)]
  return setIniSettings(config.bytes, config.lines, { section, header, settings }, config.path)
}

function refusePlaintextKey(both: readonly AwsFile[], profile: string, goesNext: boolean): void {
  const places = plaintextKeyPlaces(both, profile, goesNext)
  if (places.length === 0) return
  const source = places.every((place) => place.endsWith('[DEFAULT]')) ? 'DEFAULT' : profile
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" keeps a plaintext key, which would win`, {
    hint: `it stands in ${places.join(', ')}: remove it, or check it in with --from profile:${source} --remove-source`,
  })
}

function regionOf(file: AwsFile, profile: string): string | undefined {
  return iniSettings(file.bytes, file.lines, sectionInUse(file, profile)).get('region') || undefined
}

function regionSetting(region: string | undefined): [string, string][] {
  return region === undefined ? [] : [['region', region]]
}

function refuseForeignLine(file: AwsFile, profile: string): void {
  const isForeign = (line: IniLine): boolean =>
    line.name === 'credential_process' && line.kind === 'setting' && !namesHardkey(iniValue(file.bytes, line))
  const foreign = profileLines(file, profile).find(isForeign)
  if (foreign === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" asks another program for its credentials`, {
    hint: `${file.path}:${foreign.number} has a credential_process already: remove it, or name another profile`,
  })
}

/** The AWS CLI asks these before it runs a credential_process (botocore, create_credential_resolver). */
export const otherSignIns: readonly string[] = Object.freeze([
  'role_arn',
  'sso_account_id',
  'sso_role_name',
  'web_identity_token_file',
  'login_session',
])

function refuseOtherSignIn(both: readonly AwsFile[], profile: string): void {
  const [found] = both.flatMap((file) => settingsForAny(file, profile, otherSignIns))
  if (found === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" signs in by ${found.name}, which would win`, {
    hint: `it stands in ${found.place}: remove it, or name another profile`,
  })
}

/** A line in the credentials file comes over that in config, in every AWS tool. */
function refuseOverLine(credentials: AwsFile, profile: string, line: string): void {
  const [found] = processLines(credentials, profile)
  if (found === undefined || hardkeyLine(credentials, profile)?.name === hardkeyCall(line)?.name) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" has a credential_process that would win`, {
    hint: `it stands in ${found.place}: remove it, or name another profile`,
  })
}

function processLines(file: AwsFile, profile: string): readonly FoundSetting[] {
  return settingsForAny(file, profile, ['credential_process'])
}

/** FILE:LINE and name of each setting by which AWS tools sign this profile in before, or in place of, its line in config. */
export function winningOver(
  both: readonly [config: AwsFile, credentials: AwsFile],
  profile: string,
): readonly string[] {
  const [config, credentials] = both
  const isInConfig = hardkeyLine(config, profile) !== undefined
  return [
    ...plaintextKeyPlaces(both, profile),
    ...both.flatMap((file) => otherSignInOf(file, profile)),
    ...(isInConfig ? processLines(credentials, profile).map(({ place }) => `${place} (credential_process)`) : []),
  ]
}

function profileOf(line: IniLine): string {
  return (line.section ?? '').replace(/^profile\./, '')
}

function isOurs(file: AwsFile, line: IniLine, name: string): boolean {
  if (line.kind !== 'setting' || line.name !== 'credential_process') return false
  return isCredentialProcessLineOf(iniValue(file.bytes, line), name)
}
