// From an AWS profile to the hardkey line that its credentials come from. In: the AWS files and a profile. Out: the words of
// that line, and the roles on the way, each with what its profile says of it.
// AWS SDKs and Tools Reference Guide, "Assume role credential provider": a role is assumed with the credentials of
// `source_profile`, and only a profile without one runs its own `credential_process`. Names of aws-vault are read besides.

import { HardkeyError } from '../errors.ts'
import type { AssumeRoleInput, Tag } from '../sts/inputs.ts'
import { type AwsFiles, noProfile, type ProfileSettings, profileSettings, refuseCircle } from './aws-config.ts'
import { otherSignIns } from './credential-process.ts'
import { hardkeyCall } from './process-line.ts'

/** A role as its profile tells of it; what the STS API takes is checked there. */
export type ProfileRole = Omit<AssumeRoleInput, 'policy' | 'policyArns' | 'serialNumber' | 'tokenCode'>

export interface ProfileChain {
  /** From the profile that was asked for to the one whose line asks hardkey. */
  readonly profiles: readonly [ProfileSettings, ...ProfileSettings[]]
  /** In the order in which they are assumed: that of the profile that was asked for is the last. */
  readonly roles: readonly ProfileRole[]
  /** What stands behind `credential-process` in the line. */
  readonly words: readonly string[]
  /** FILE:LINE of the line. */
  readonly where: string
}

/** Where credentials may come from besides, by which such a profile does not get them from us. */
const otherSources: readonly string[] = ['credential_source', ...otherSignIns]

/**
 * Follows `source_profile` to a profile that asks hardkey.
 * @throws ERR_CONFIG_INVALID, naming the way, where it ends elsewhere, goes round in a circle or is malformed
 */
export async function profileChain(files: AwsFiles, profile: string): Promise<ProfileChain> {
  const first = await existing(files, profile)
  const profiles: [ProfileSettings, ...ProfileSettings[]] = [first]
  let last = first
  for (let next = sourceOf(last); next !== undefined; next = sourceOf(last)) {
    refuseCircle(
      'source_profile',
      profiles.map((one) => one.profile),
      next,
    )
    last = await existing(files, next, last.where('source_profile'))
    profiles.push(last)
  }
  const words = hardkeyCall(last.get('credential_process') ?? '')?.words
  if (words === undefined) throw asksOthers(profiles, last)
  const roles = profiles.flatMap((one) => roleOf(one) ?? []).reverse()
  return { profiles, roles, words, where: last.where('credential_process') ?? '' }
}

async function existing(files: AwsFiles, profile: string, where?: string): Promise<ProfileSettings> {
  const settings = await profileSettings(files, profile)
  if (!settings.exists) throw noProfile(profile, files, where, settings.near)
  const other = otherSources.find((name) => name !== 'role_arn' && settings.get(name) !== undefined)
  if (other === undefined) return settings
  throw new HardkeyError('ERR_CONFIG_INVALID', `the AWS profile "${profile}" signs in by ${other}, not by hardkey`, {
    hint: `it stands in ${settings.where(other)}`,
  })
}

/** As the AWS SDKs do: without a role, a line of its own comes before a source. */
function sourceOf(settings: ProfileSettings): string | undefined {
  const runsItsLine = settings.get('role_arn') === undefined && settings.get('credential_process') !== undefined
  return runsItsLine ? undefined : settings.get('source_profile')
}

function roleOf(settings: ProfileSettings): ProfileRole | undefined {
  const roleArn = settings.get('role_arn')
  if (roleArn === undefined) return undefined
  return {
    roleArn,
    roleSessionName: settings.get('role_session_name'),
    externalId: settings.get('external_id'),
    durationSeconds: settings.number('duration_seconds'),
    sourceIdentity: settings.get('source_identity'),
    tags: tagsOf(settings),
    transitiveTagKeys: listOf(settings, 'transitive_session_tags'),
  }
}

/** `session_tags = team=blue, stage=test`. */
function tagsOf(settings: ProfileSettings): readonly Tag[] | undefined {
  return listOf(settings, 'session_tags')?.map((pair) => {
    const at = pair.indexOf('=')
    if (at > 0) return { key: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim() }
    throw new HardkeyError('ERR_CONFIG_INVALID', `${settings.where('session_tags')}: session_tags needs key=value, …`)
  })
}

function listOf(settings: ProfileSettings, name: string): readonly string[] | undefined {
  const list = settings
    .get(name)
    ?.split(',')
    .map((one) => one.trim())
  return list?.filter((one) => one !== '')
}

function asksOthers(profiles: readonly ProfileSettings[], last: ProfileSettings): HardkeyError {
  const way = profiles.length < 2 ? '' : ` (${profiles.map(({ profile }) => profile).join(' -> ')})`
  const place = last.where('credential_process')
  const what = place === undefined ? 'has no credential_process of hardkey' : 'asks another program for its credentials'
  return new HardkeyError('ERR_CONFIG_INVALID', `the AWS profile "${last.profile}" ${what}${way}`, {
    hint:
      place === undefined
        ? `write it with hardkey configure NAME --profile ${last.profile}`
        : `it stands in ${place}; or name the record in place of the profile`,
  })
}
