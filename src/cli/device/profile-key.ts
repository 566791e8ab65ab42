// An AWS profile in the place of NAME. In: `--profile`. Out: what NAME would have been, and what profile, line and record
// together say of the session. The device is not asked here.
// An option of the run comes first, then an AWS_ variable, the profile, its line, the record.

import { parseArgs } from 'node:util'
import { HardkeyError } from '../../errors.ts'
import type { AwsFiles, ProfileSettings } from '../../profiles/aws-config.ts'
import { type ProfileRole, profileChain } from '../../profiles/profile-chain.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import type { CommandContext } from '../command.ts'
import { secondsOf } from '../settings/durations.ts'
import { configuredEndpoints } from '../settings/settings.ts'

/** What a profile says, and the record behind it does not. */
export interface ProfileKey {
  /** A record or a key URI. */
  readonly name: string
  readonly accessKeyId: string | undefined
  readonly pinSource: string | undefined
  /** The settings of the session, over those of the record. */
  over(record: RecordSettings): RecordSettings
  /** The roles before the last one, over the role of the record. */
  through(record: RecordSettings): readonly ProfileRole[]
  /** The last role. */
  readonly role: ProfileRole | undefined
}

const text = { type: 'string' } as const
const option = { type: 'boolean' } as const

/** What `--profile` can take over of a line, and what changes nothing of the session. */
const lineOptions = {
  'access-key-id': text,
  'pin-source': text,
  region: text,
  'endpoint-url': text,
  'role-arn': text,
  'role-session-name': text,
  'external-id': text,
  duration: text,
  'mfa-serial': text,
  'no-role': option,
  'no-cache': option,
  'ca-bundle': text,
  verbose: option,
  account: text,
  profile: text,
} as const

/** @throws ERR_CONFIG_INVALID where the profile does not lead to hardkey, or its line says what cannot be taken over */
export async function profileKey(context: CommandContext, files: AwsFiles, profile: string): Promise<ProfileKey> {
  const { profiles, roles, words, where } = await profileChain(files, profile)
  const line = readLine(words, where)
  const [asked] = profiles
  const role = roles.at(-1)
  const mfaSerial = profiles.map((one) => one.get('mfa_serial')).find((serial) => serial !== undefined)
  const ofLine = (record: RecordSettings): RecordSettings => ({
    ...record,
    ...given(line.settings),
    ...(line.hasNoRole ? { roleArn: undefined } : {}),
  })
  return {
    name: line.name,
    accessKeyId: line.accessKeyId,
    pinSource: line.pinSource,
    over: (record) => {
      const base = withoutPlaces(context, asked, ofLine(record))
      const own = given({ durationSeconds: asked.number('duration_seconds'), mfaSerial })
      if (role === undefined) return { ...base, ...own }
      const { roleArn, roleSessionName = base.roleSessionName, externalId, durationSeconds } = role
      return { ...base, ...own, roleArn, roleSessionName, externalId, durationSeconds }
    },
    through: (record) => {
      const { roleArn, roleSessionName, externalId } = ofLine(record)
      if (role === undefined) return []
      return [...(roleArn === undefined ? [] : [{ roleArn, roleSessionName, externalId }]), ...roles.slice(0, -1)]
    },
    role,
  }
}

interface Line {
  readonly name: string
  readonly accessKeyId: string | undefined
  readonly pinSource: string | undefined
  readonly settings: RecordSettings
  readonly hasNoRole: boolean
}

/** The words as the command reads them. */
function readLine(words: readonly string[], where: string): Line {
  const refuse = (what: string, cause?: unknown): HardkeyError =>
    new HardkeyError('ERR_CONFIG_INVALID', `${where}: ${what}`, {
      hint: 'name the record in place of the profile',
      cause,
    })
  const { values, positionals } = parsedLine(words, refuse)
  const [name, more] = positionals
  if (name === undefined || name === '' || more !== undefined) throw refuse('the line does not name one record')
  const duration = values.duration === undefined ? undefined : secondsOf(values.duration)
  if (values.duration !== undefined && duration === undefined) throw refuse('--duration is no length of time')
  return {
    name,
    accessKeyId: values['access-key-id'],
    pinSource: values['pin-source'],
    settings: {
      region: values.region,
      endpointUrl: values['endpoint-url'],
      roleArn: values['role-arn'],
      roleSessionName: values['role-session-name'],
      externalId: values['external-id'],
      durationSeconds: duration,
      mfaSerial: values['mfa-serial'],
    },
    hasNoRole: values['no-role'] === true,
  }
}

function parsedLine(words: readonly string[], refuse: (what: string, cause: unknown) => HardkeyError) {
  try {
    return parseArgs({ args: [...words], options: lineOptions, allowPositionals: true })
  } catch (error) {
    const [, name] = /'(--?[\w-]+)/.exec(error instanceof Error ? error.message : '') ?? []
    throw refuse(`${name ?? 'an option'} of the line cannot be taken over`, error)
  }
}

/** Region and endpoint of the profile are found where those of every profile are, once the record has none. */
function withoutPlaces(context: CommandContext, asked: ProfileSettings, base: RecordSettings): RecordSettings {
  // The endpoint in the record of a store is that of the store.
  const hasEndpoint = base.store === undefined && configuredEndpoints(context, asked, 'sts').ofProfile !== undefined
  return {
    ...base,
    region: asked.get('region') === undefined ? base.region : undefined,
    endpointUrl: hasEndpoint ? undefined : base.endpointUrl,
  }
}

/** Without what is not said. */
function given(settings: RecordSettings): RecordSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
