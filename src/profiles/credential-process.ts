// The `credential_process` line that makes every AWS tool ask hardkey. In: the command and a record's name, the AWS files
// and a profile. Out: the line, and the config file with it or without it, every other byte kept.
// AWS SDKs and Tools Reference Guide, "Process credential provider". Some tools run the line in a shell and some split it
// by themselves, so it must mean the same both ways.

import { HardkeyError } from '../errors.ts'
import { type AwsFile, type AwsFiles, profileLines, refuseProblems, sectionInUse, withAwsFiles } from './aws-config.ts'
import { editAwsFiles, replaceAwsFile } from './edit-aws-files.ts'
import { type IniLine, iniValue } from './ini.ts'
import { removeIniLines, setIniSettings } from './ini-edit.ts'
import { plaintextKeyPlaces } from './plaintext-key.ts'
import { checkRecordName } from './record.ts'

/** Which profile gets which line. */
export interface WriteCredentialProcess {
  readonly files: AwsFiles
  readonly profile: string
  /** What `credentialProcessLine` gave. */
  readonly line: string
  /** Written too when it is given. */
  readonly region?: string | undefined
  /** True when the plaintext key of this very profile is removed right after: until then the line has no effect. */
  readonly plaintextKeyGoesNext?: boolean | undefined
}

/**
 * The value of `credential_process`: the words of the command (an absolute path, on Windows with forward slashes), then
 * `credential-process NAME`. Words with spaces are put in double quotes, each as a whole.
 * @throws ERR_CONFIG_INVALID for a word that shells or AWS files would read as something else
 */
export function credentialProcessLine(command: readonly string[], name: string): string {
  checkRecordName(name)
  return [...command, 'credential-process', name].map(quoted).join(' ')
}

/** True when this line asks hardkey for this record. */
export function isCredentialProcessLineOf(line: string, name: string): boolean {
  const words = wordsOf(line)
  const at = words.indexOf('credential-process')
  return words.slice(0, Math.max(at, 0)).some(isHardkey) && words[at + 1] === name
}

/** The line of a profile that asks hardkey. */
export interface HardkeyLine {
  /** The record that it asks for. */
  readonly name: string
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
  const words = line === undefined ? [] : wordsOf(iniValue(file.bytes, line))
  const at = words.indexOf('credential-process')
  const name = words[at + 1]
  if (line === undefined || name === undefined || !words.slice(0, Math.max(at, 0)).some(isHardkey)) return undefined
  const program = words.slice(0, at).filter((word) => /^(?:\/|[A-Za-z]:[\\/])/.test(word))
  return { name, program, where: `${file.path}:${line.number}` }
}

/** FILE:LINE and name of each setting by which AWS tools sign this profile in before they run a credential_process. */
export function otherSignInOf(file: AwsFile, profile: string): readonly string[] {
  return profileLines(file, profile)
    .filter(({ kind, name }) => kind === 'setting' && otherSignIns.includes(name ?? ''))
    .map(({ name, number }) => `${file.path}:${number} (${name})`)
}

/** Throws what `writeCredentialProcess` would throw and changes nothing: for before a check-in. */
export async function checkCredentialProcess(input: WriteCredentialProcess): Promise<void> {
  await withAwsFiles(input.files, (both) => edited(input, both).fill(0))
}

/**
 * Writes `credential_process` and `region` into the profile in the config file and keeps everything else byte for byte.
 * @throws ERR_CONFIG_INVALID while the profile keeps a plaintext key or signs in another way, which would win, or has
 * another program's `credential_process`; where its name cannot stand in the file; where the file is malformed there
 */
export async function writeCredentialProcess(input: WriteCredentialProcess): Promise<void> {
  await editAwsFiles(input.files, (both) => replaceAwsFile(both[0], edited(input, both)))
}

/**
 * Removes each `credential_process` line that asks hardkey for this record; what else the profiles say stays.
 * Returns the profiles that had one.
 */
export async function removeCredentialProcess(files: AwsFiles, name: string): Promise<readonly string[]> {
  return await editAwsFiles(files, async (both) => {
    const profiles = new Set<string>()
    for (const file of both) {
      const ours = file.lines.filter((line) => isOurs(file, line, name))
      if (ours.length === 0) continue
      await replaceAwsFile(file, removeIniLines(file.bytes, file.lines, ours, file.path))
      for (const line of ours) profiles.add((line.section ?? '').replace(/^profile\./, ''))
    }
    return [...profiles]
  })
}

/** The config file with the line in it, in a buffer to wipe. */
function edited(input: WriteCredentialProcess, both: readonly [config: AwsFile, credentials: AwsFile]): Uint8Array {
  const { profile, line, region } = input
  const [config] = both
  if (!/^[\w\-@+.%:/]{1,100}$/.test(profile)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'this name of a profile cannot be read back by AWS tools', {
      hint: 'use letters, digits and _ - @ + . % : /',
    })
  }
  for (const file of both) refuseProblems(file, profile)
  if (input.plaintextKeyGoesNext !== true) refusePlaintextKey(both, profile)
  refuseForeignLine(config, profile)
  refuseOtherSignIn(both, profile)
  const section = sectionInUse(config, profile)
  const header = `[${section.replace('profile.', 'profile ')}]`
  const settings: [string, string][] = [['credential_process', line], ...regionSetting(region)]
  return setIniSettings(config.bytes, config.lines, { section, header, settings }, config.path)
}

function refusePlaintextKey(both: readonly AwsFile[], profile: string): void {
  const places = plaintextKeyPlaces(both, profile)
  if (places.length === 0) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" keeps a plaintext key, which would win`, {
    hint: `it stands in ${places.join(', ')}: remove it, or check it in with --from profile:${profile} --remove-source`,
  })
}

function regionSetting(region: string | undefined): [string, string][] {
  return region === undefined ? [] : [['region', region]]
}

function refuseForeignLine(file: AwsFile, profile: string): void {
  const isForeign = (line: IniLine): boolean =>
    line.name === 'credential_process' &&
    line.kind === 'setting' &&
    !iniValue(file.bytes, line).split(/\s/).some(isHardkey)
  const foreign = profileLines(file, profile).find(isForeign)
  if (foreign === undefined) return
  throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" asks another program for its credentials`, {
    hint: `${file.path}:${foreign.number} has a credential_process already: remove it, or name another profile`,
  })
}

/** The AWS CLI asks these before it runs a credential_process (botocore, create_credential_resolver). */
const otherSignIns: readonly string[] = [
  'role_arn',
  'sso_account_id',
  'sso_role_name',
  'web_identity_token_file',
  'login_session',
]

function refuseOtherSignIn(both: readonly AwsFile[], profile: string): void {
  for (const file of both) {
    const line = profileLines(file, profile).find(
      ({ kind, name }) => kind === 'setting' && otherSignIns.includes(name ?? ''),
    )
    if (line === undefined) continue
    throw new HardkeyError('ERR_CONFIG_INVALID', `profile "${profile}" signs in by ${line.name}, which would win`, {
      hint: `it stands in ${file.path}:${line.number}: remove it, or name another profile`,
    })
  }
}

function isOurs(file: AwsFile, line: IniLine, name: string): boolean {
  if (line.kind !== 'setting' || line.name !== 'credential_process') return false
  return isCredentialProcessLineOf(iniValue(file.bytes, line), name)
}

function wordsOf(line: string): readonly string[] {
  return Array.from(line.matchAll(/"([^"]*)"|[^\s"]+/g), ([word, inside]) => inside ?? word)
}

/** The command itself, or its script behind `node`: /usr/bin/hardkey, C:/x/hardkey.cmd, …/dist/cli/hardkey.cjs. */
function isHardkey(word: string): boolean {
  return /^"?(.*[/\\])?hardkey(\.\w+)?"?$/.test(word)
}

function quoted(word: string): string {
  if (/^[\w./:@%+=,~-]+$/.test(word) && !/[%~]/.test(word)) return word
  // Inside double quotes a shell still reads $ ` \ and !, cmd.exe reads %; # and ; begin a comment in the file.
  const special = /["$`\\!%#;\p{Cc}\p{Zl}\p{Zp}]/u.exec(word)?.[0]
  if (word !== '' && special === undefined) return `"${word}"`
  const fault = special === undefined ? 'a word is empty' : `"${special}" stands in a path`
  throw new HardkeyError('ERR_CONFIG_INVALID', `the command cannot be written into an AWS file: ${fault}`, {
    hint: 'install hardkey where its path has letters, digits and . _ - / alone, or name it by such a link',
  })
}
