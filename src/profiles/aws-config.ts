// The settings of an AWS profile, as the AWS SDK for JavaScript reads them: ~/.aws/config first, ~/.aws/credentials over
// it. In: the paths of the two files and a profile. Out: settings as text with the line each stands on, never a secret.
// AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and "Service-specific endpoints".

import { devNull } from 'node:os'
import { HardkeyError } from '../errors.ts'
import { isMissingFile } from '../files/file-failure.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { didYouMean } from '../key/did-you-mean.ts'
import { type IniLine, iniSettings, readIniLines } from './ini.ts'

/** Where the two files lie. One that does not exist is as good as an empty one. */
export interface AwsFiles {
  readonly config: string
  readonly credentials: string
}

/** An endpoint, and FILE:LINE where it stands. */
export interface ConfiguredEndpoint {
  readonly url: string
  readonly where: string
}

/** What the two files say of a profile, with what it takes from others by `include_profile`, a name of aws-vault. */
export interface ProfileSettings {
  readonly profile: string
  /** False when neither file has the profile. */
  readonly exists: boolean
  /** The profile that was probably meant, when neither file has this one. */
  readonly near: string | undefined
  /** A setting as text, by its own name: `ca_bundle`, or `s3.addressing_style` for a nested one. Never a secret. */
  get(name: string): string | undefined
  /** FILE:LINE of a setting, for messages. */
  where(name: string): string | undefined
  /** `true` or `false`, in any case. @throws ERR_CONFIG_INVALID with FILE:LINE for anything else */
  flag(name: string): boolean | undefined
  /** A whole number from 0. @throws ERR_CONFIG_INVALID with FILE:LINE for anything else */
  number(name: string): number | undefined
  /**
   * `endpoint_url` for a service (`sts`, `s3`): that of its block in the `[services NAME]` of the profile, else that of
   * the profile. Whether it counts, `ignore_configured_endpoint_urls` says.
   */
  endpoint(service: string): ConfiguredEndpoint | undefined
}

/** One of the two files, read. Wiped by whoever read it: it may hold secrets. */
export interface AwsFile {
  readonly which: keyof AwsFiles
  readonly path: string
  readonly bytes: Uint8Array
  readonly lines: readonly IniLine[]
  /** The sections that may be the profile's. The SDK takes the last of them that has a setting. */
  sectionsOf(profile: string): readonly string[]
}

/** Bytes that an AWS file may have. */
const maxFileBytes = 1_048_576

/** Reads one of the files. @throws ERR_CONFIG_INVALID where it cannot be read or others could change it */
async function readAwsFile(files: AwsFiles, which: keyof AwsFiles): Promise<AwsFile> {
  const path = files[which]
  const bytes = await readAwsBytes(path)
  // A section of config is `profile.NAME` or `default`; `[profile default]` hides `[default]`.
  const ofConfig = (profile: string): string[] => [...(profile === 'default' ? ['default'] : []), `profile.${profile}`]
  const sectionsOf = which === 'config' ? ofConfig : (profile: string): string[] => [profile]
  return { which, path, bytes, lines: readIniLines(bytes, path), sectionsOf }
}

/** Lends both files, config first, and wipes them afterwards. */
export async function withAwsFiles<T>(
  files: AwsFiles,
  use: (both: readonly [config: AwsFile, credentials: AwsFile]) => T | Promise<T>,
): Promise<T> {
  const config = await readAwsFile(files, 'config')
  try {
    const credentials = await readAwsFile(files, 'credentials')
    try {
      return await use([config, credentials])
    } finally {
      credentials.bytes.fill(0)
    }
  } finally {
    config.bytes.fill(0)
  }
}

/** The settings and blocks of a profile in one file, in the order of the lines. */
export function profileLines(file: AwsFile, profile: string): readonly IniLine[] {
  const sections = file.sectionsOf(profile)
  const isOf = (line: IniLine) => line.section !== undefined && sections.includes(line.section)
  return file.lines.filter((line) => (line.kind === 'setting' || line.kind === 'block') && isOf(line))
}

/** The section that holds the profile's settings, or would hold its first. */
export function sectionInUse(file: AwsFile, profile: string): string {
  const sections = file.sectionsOf(profile)
  const hasSetting = (section: string): boolean =>
    file.lines.some((line) => line.kind === 'setting' && line.section === section)
  return sections.findLast(hasSetting) ?? sections[0] ?? profile
}

/**
 * Refuses a file that is malformed where this profile stands: AWS tools would each read something else.
 * @throws ERR_CONFIG_INVALID with FILE:LINE
 */
export function refuseProblems(file: AwsFile, profile: string): void {
  const sections = file.sectionsOf(profile)
  // A header that is not closed may be that of any profile.
  const concerns = (line: IniLine) =>
    (line.section !== undefined && sections.includes(line.section)) || line.problem === 'the section is not closed'
  const line = file.lines.find((one) => one.problem !== undefined && concerns(one))
  if (line === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `${file.path}:${line.number}: ${line.problem}`, {
    hint: 'AWS tools disagree about such a line; mend it first',
  })
}

/**
 * The settings of a profile. A profile that neither file has gives settings that are all undefined.
 * @throws ERR_CONFIG_INVALID with FILE:LINE where a file is malformed at this profile, or cannot be read safely; where
 * `include_profile` goes round in a circle or names no profile
 */
export async function profileSettings(files: AwsFiles, profile: string): Promise<ProfileSettings> {
  return await withAwsFiles(files, (both) => {
    const found = collectProfile(both, profile)
    const seen = [profile]
    for (let next = found.values.get('include_profile'); next !== undefined; ) {
      refuseCircle('include_profile', seen, next)
      seen.push(next)
      const { exists, values, places } = collectProfile(both, next)
      if (!exists) throw noProfile(next, files, found.places.get('include_profile'))
      for (const [name, value] of values) {
        if (found.values.has(name)) continue
        found.values.set(name, value)
        found.places.set(name, places.get(name) ?? '')
      }
      next = values.get('include_profile')
    }
    const services = collect(both[0], `services.${found.values.get('services') ?? ''}`)
    const near = found.exists ? undefined : nearProfile(both, profile)
    return settingsFrom(profile, { ...found, near }, services)
  })
}

/** @throws ERR_CONFIG_INVALID where `next` was seen before, with the whole way round */
export function refuseCircle(setting: string, seen: readonly string[], next: string): void {
  if (!seen.includes(next)) return
  const way = [...seen.slice(seen.indexOf(next)), next].join(' -> ')
  throw new HardkeyError('ERR_CONFIG_INVALID', `${setting} goes round in a circle: ${way}`, {
    hint: 'take the line out of one of these profiles',
  })
}

/** ERR_CONFIG_INVALID for a profile that neither file has; `where` is the line that names it. */
export function noProfile(profile: string, files: AwsFiles, where?: string, near?: string): HardkeyError {
  const by = where === undefined ? '' : ` (named in ${where})`
  return new HardkeyError('ERR_CONFIG_INVALID', `there is no AWS profile "${profile}"${by}`, {
    hint:
      near !== undefined ? `did you mean ${near}` : `profiles are read from ${files.config} and ${files.credentials}`,
  })
}

function nearProfile(both: readonly AwsFile[], profile: string): string | undefined {
  const sections = both.flatMap(({ lines }) =>
    lines.flatMap(({ kind, section }) => (kind === 'section' && section) || []),
  )
  return didYouMean(
    profile,
    [...new Set(sections)].map((section) => section.replace(/^profile\./, '')),
  )
}

/** Settings by name, and FILE:LINE of each. */
interface Collected {
  readonly values: Map<string, string>
  readonly places: Map<string, string>
}

function collectProfile(both: readonly AwsFile[], profile: string): Collected & { readonly exists: boolean } {
  for (const file of both) refuseProblems(file, profile)
  const found = both.map((file) => collect(file, sectionInUse(file, profile)))
  return {
    exists: both.some((file) => file.lines.some((line) => isHeaderOf(file, line, profile))),
    values: new Map(found.flatMap(({ values }) => [...values])),
    places: new Map(found.flatMap(({ places }) => [...places])),
  }
}

function settingsFrom(
  profile: string,
  { exists, near, values, places }: ReturnType<typeof collectProfile> & Pick<ProfileSettings, 'near'>,
  services: Collected,
): ProfileSettings {
  const wrong = (name: string, mustBe: string): HardkeyError =>
    new HardkeyError('ERR_CONFIG_INVALID', `${places.get(name)}: ${name} must be ${mustBe}`)
  const flag = (name: string): boolean | undefined => {
    const value = values.get(name)?.toLowerCase()
    if (value !== undefined && value !== 'true' && value !== 'false') throw wrong(name, 'true or false')
    return value === undefined ? undefined : value === 'true'
  }
  const number = (name: string): number | undefined => {
    const value = values.get(name)
    if (value !== undefined && !/^\d{1,9}$/.test(value)) throw wrong(name, 'a whole number')
    return value === undefined ? undefined : Number(value)
  }
  const endpoint = (service: string): ConfiguredEndpoint | undefined =>
    endpointIn(services, `${service}.endpoint_url`) ?? endpointIn({ values, places }, 'endpoint_url')
  const get = (name: string): string | undefined => values.get(name)
  return { profile, exists, near, get, where: (name) => places.get(name), flag, number, endpoint }
}

function endpointIn({ values, places }: Collected, name: string): ConfiguredEndpoint | undefined {
  const url = values.get(name)
  return url === undefined ? undefined : { url, where: places.get(name) ?? '' }
}

function collect(file: AwsFile, section: string): Collected {
  const values = iniSettings(file.bytes, file.lines, section)
  const places = new Map<string, string>()
  for (const name of values.keys()) {
    const line = file.lines.findLast((one) => one.kind === 'setting' && one.section === section && one.name === name)
    places.set(name, `${file.path}:${line?.number}`)
  }
  return { values, places }
}

function isHeaderOf(file: AwsFile, line: IniLine, profile: string): boolean {
  return line.kind === 'section' && line.section !== undefined && file.sectionsOf(profile).includes(line.section)
}

/** The bytes of one of the files, in a buffer that the caller wipes; none for a file that does not exist, or /dev/null. */
export async function readAwsBytes(path: string): Promise<Uint8Array> {
  if (path === devNull) return new Uint8Array(0)
  try {
    return await readOwnFile(path, { maxBytes: maxFileBytes })
  } catch (error) {
    if (isMissingFile(error)) return new Uint8Array(0)
    throw error
  }
}
