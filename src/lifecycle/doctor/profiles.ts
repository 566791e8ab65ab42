// What the AWS files make of the keys. In: the two files, the records. Out: findings: a secret that still lies in plaintext,
// lines that name what is not there, settings that win over hardkey. No secret is read.
// AWS SDKs and Tools Reference Guide, "Standardized credential providers": what each tool asks first.

import { existsSync } from 'node:fs'
import { HardkeyError } from '../../errors.ts'
import { profileIn } from '../../profiles/any-reading.ts'
import { type AwsFile, type AwsFiles, withAwsFiles } from '../../profiles/aws-config.ts'
import { hardkeyLine, winningOver } from '../../profiles/credential-process.ts'
import { type IniLine, iniValue } from '../../profiles/ini.ts'
import { plaintextKeyPlaces } from '../../profiles/plaintext-key.ts'
import type { StoredRecord } from '../../profiles/record-store.ts'
import { botoSignIn } from '../../profiles/sign-in.ts'
import { type Finding, faultOf } from './finding.ts'

type Both = readonly [config: AwsFile, credentials: AwsFile]

/** Findings about every profile and about the files of boto 2; one `ok` where there is nothing to say. */
export async function profileFindings(
  files: AwsFiles,
  boto: readonly string[],
  records: readonly StoredRecord[],
): Promise<readonly Finding[]> {
  try {
    const ofBoto = await botoFindings(boto)
    return await withAwsFiles(files, (both) => {
      const found = [...profilesOf(both).flatMap((profile) => findingsOf(both, profile, records)), ...ofBoto]
      const text = `no profile in ${files.config} or ${files.credentials} stands in the way`
      return found.length === 0 ? [{ id: 'profile-file', state: 'ok', text }] : found
    })
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('profile-file', error)]
  }
}

function profilesOf(both: Both): readonly string[] {
  return [...new Set(both.flatMap((file) => file.lines.flatMap((line) => profileOf(file, line) ?? [])))]
}

function profileOf({ which }: AwsFile, { section }: IniLine): string | undefined {
  if (section === undefined || /^(?:services|sso-session)\./.test(section)) return undefined
  return section.startsWith('profile.') ? section.slice('profile.'.length) : (profileIn(section, which) ?? section)
}

function findingsOf(both: Both, profile: string, records: readonly StoredRecord[]): readonly Finding[] {
  const places = plaintextKeyPlaces(both, profile)
  const owner = records.find(({ record }) => record.accessKeyId === accessKeyIdOf(both, profile))
  return [
    ...(owner === undefined ? [] : [leftInPlaintext(profile, places, owner)]),
    ...lineFindings(both, profile, records),
    ...(profile === 'default' ? defaultFindings(both) : []),
  ]
}

function leftInPlaintext(profile: string, places: readonly string[], { name }: StoredRecord): Finding {
  return {
    id: 'plaintext-key',
    state: 'fault',
    name,
    text: `the secret of this key lies in plaintext in profile "${profile}": ${places.join(', ')}`,
    remedy: `remove these lines, and replace the secret, which others may have read: hardkey rotate ${name}`,
  }
}

function lineFindings(both: Both, profile: string, records: readonly StoredRecord[]): readonly Finding[] {
  const line = both.map((file) => hardkeyLine(file, profile)).find((one) => one !== undefined)
  if (line === undefined) return []
  const { program, where } = line
  const name = line.name.includes(':') ? undefined : line.name
  const findings: Finding[] = []
  if (name !== undefined && !records.some((record) => record.name === name)) {
    findings.push({
      id: 'profile-record',
      state: 'fault',
      text: `profile "${profile}" asks for the record "${name}", which is not there (${where})`,
      remedy: 'hardkey list shows the records; remove the line, or hardkey configure NAME --profile PROFILE',
    })
  }
  const missing = program.find((path) => !existsSync(path))
  if (missing !== undefined) {
    findings.push({
      id: 'profile-command',
      state: 'fault',
      name,
      text: `profile "${profile}" starts ${missing}, which is not there (${where})`,
      remedy: `hardkey configure ${name ?? 'NAME'} --profile ${profile}`,
    })
  }
  const winning = winningOver(both, profile)
  if (winning.length > 0) {
    findings.push({
      id: 'profile-shadowed',
      state: 'fault',
      name,
      text: `profile "${profile}" has what AWS tools ask before hardkey: ${winning.join(', ')}`,
      remedy: 'remove these lines, or write the line of hardkey into another profile',
    })
  }
  return findings
}

function defaultFindings(both: Both): readonly Finding[] {
  const winning = winningOver(both, 'default')
  if (winning.length === 0) return []
  return [
    {
      id: 'default-profile',
      state: 'note',
      text: `the default profile signs in by itself, and wins over the endpoint of exec and serve: ${winning.join(', ')}`,
      remedy: 'hardkey exec NAME --isolate-config, or give that profile another name',
    },
  ]
}

async function botoFindings(paths: readonly string[]): Promise<readonly Finding[]> {
  const signIn = await botoSignIn(paths)
  if (signIn === undefined) return []
  return [
    {
      id: 'default-profile',
      state: 'note',
      text: `the SDK for Python and the AWS CLI take a key of boto 2 before the endpoint of exec and serve: ${signIn.place}`,
      remedy: 'remove it, or hardkey exec NAME --isolate-config',
    },
  ]
}

function accessKeyIdOf(both: Both, profile: string): string | undefined {
  const lines = both.flatMap((file) =>
    file.lines
      .filter((line) => line.kind === 'setting' && line.name.toLowerCase() === 'aws_access_key_id')
      .filter((line) => profileOf(file, line) === profile)
      .map((line) => iniValue(file.bytes, line)),
  )
  return lines.at(-1)
}
