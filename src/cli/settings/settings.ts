// Where a setting comes from: option, then AWS_ variable, then record, then AWS profile. In: a command's context and
// the settings of the record. Out: what the STS client and the HTTP client take, each checked with its origin in words.
// AWS SDKs and Tools Reference Guide, "Settings reference". A role is never taken from the AWS profile: a profile with
// role_arn and credential_process belongs to the SDK, which assumes the role itself.

import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import type { CaBundle } from '../../http/client.ts'
import { noProfile, type ProfileSettings, profileSettings } from '../../profiles/aws-config.ts'
import type { RecordSettings } from '../../profiles/record.ts'
import { type StsEndpoint, stsEndpoint } from '../../sts/endpoints.ts'
import type { CommandContext } from '../command.ts'
import type { Environment } from './environment.ts'
import { refuseStoreWithoutSts } from './store-without-sts.ts'

/** Real bundles of certificate authorities have about 250 KiB. */
const longestCaBundle = 4 * 1024 * 1024

/** The STS client takes no more attempts than these, whatever AWS_MAX_ATTEMPTS says. */
const mostAttempts = 10

/** A setting and where it was found, for messages: `--region`, `AWS_REGION`, `the record`, `/home/me/.aws/config:7`. */
export interface Setting<T> {
  readonly value: T
  readonly origin: string
}

/** What an HTTP client takes. */
export interface NetworkSettings {
  readonly ca: CaBundle | undefined
  readonly proxy: Environment['proxy']
  /** The name of the application, for the User-Agent. */
  readonly appId?: string | undefined
}

export interface StsSettings extends NetworkSettings {
  readonly region: Setting<string> | undefined
  readonly endpoint: Setting<string> | undefined
  readonly useFipsEndpoint: boolean
  readonly useDualstackEndpoint: boolean
  readonly maxAttempts: number | undefined
  /** What a signature for this STS says. */
  readonly scope: { readonly region: string; readonly service: 'sts' }
}

/** The settings of a call to STS. @throws ERR_CONFIG_INVALID */
export async function stsSettings(context: CommandContext, record: RecordSettings): Promise<StsSettings> {
  const { args, environment } = context
  refuseStoreWithoutSts(context, record)
  const profile = await awsProfile(context)
  const region = regionOf(context, record, profile)
  const endpoint = endpointOf(context, record, profile)
  const useFipsEndpoint =
    args.has('use-fips-endpoint') || (environment.useFipsEndpoint ?? profile.flag('use_fips_endpoint') ?? false)
  const useDualstackEndpoint =
    args.has('use-dualstack-endpoint') ||
    (environment.useDualstackEndpoint ?? profile.flag('use_dualstack_endpoint') ?? false)
  const { signingRegion } = checkEndpoint({ region, endpoint, useFipsEndpoint, useDualstackEndpoint })
  checkModes(context, profile)
  const attempts = environment.maxAttempts ?? profile.number('max_attempts')
  return {
    region,
    endpoint,
    useFipsEndpoint,
    useDualstackEndpoint,
    scope: { region: signingRegion, service: 'sts' },
    maxAttempts: attempts === undefined ? undefined : Math.min(Math.max(attempts, 1), mostAttempts),
    ...(await networkOf(context, profile)),
  }
}

/** The region for a request of any service, where it is set. */
export async function regionSetting(
  context: CommandContext,
  record: RecordSettings,
): Promise<Setting<string> | undefined> {
  return regionOf(context, record, await awsProfile(context))
}

/** A setting of the AWS profile that has no variable and does not stand in records. */
export async function profileSetting(context: CommandContext, name: string): Promise<Setting<string> | undefined> {
  const profile = await awsProfile(context)
  return setting(profile.get(name), profile.where(name) ?? 'the AWS profile')
}

/** Where S3 is, if not at AWS: `--endpoint-url`, AWS_ENDPOINT_URL_S3, the record of a store, the AWS profile. */
export async function s3EndpointSetting(
  context: CommandContext,
  record: RecordSettings,
): Promise<Setting<string> | undefined> {
  const profile = await awsProfile(context)
  const { ofVariable, ofProfile } = configuredEndpoints(context, profile, 's3')
  const found =
    setting(context.args.value('endpoint-url'), '--endpoint-url') ??
    ofVariable ??
    setting(record.store === 's3' ? record.endpointUrl : undefined, 'the record') ??
    ofProfile
  if (found !== undefined && !/^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(found.value)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the endpoint is not an http or https URL (from ${found.origin})`, {
      hint: 'write scheme, host and port, as in https://store.example:9000',
    })
  }
  return found
}

/** CA bundle and proxies for a request of any service. */
export async function networkSettings(context: CommandContext): Promise<NetworkSettings> {
  return await networkOf(context, await awsProfile(context))
}

async function awsProfile({ args, environment }: CommandContext): Promise<ProfileSettings> {
  const named = args.value('profile')
  const files = { config: environment.awsConfigFile, credentials: environment.awsCredentialsFile }
  const profile = await profileSettings(files, named ?? environment.profile ?? 'default')
  if (named !== undefined && !profile.exists) throw noProfile(named, files, undefined, profile.near)
  return profile
}

function regionOf(
  { args, environment }: CommandContext,
  record: RecordSettings,
  profile: ProfileSettings,
): Setting<string> | undefined {
  return (
    setting(args.value('region'), '--region') ??
    setting(environment.region, 'AWS_REGION') ??
    setting(record.region, 'the record') ??
    setting(profile.get('region'), profile.where('region') ?? 'the AWS profile')
  )
}

function endpointOf(
  context: CommandContext,
  record: RecordSettings,
  profile: ProfileSettings,
): Setting<string> | undefined {
  const { ofVariable, ofProfile } = configuredEndpoints(context, profile, 'sts')
  return (
    setting(context.args.value('endpoint-url'), '--endpoint-url') ??
    ofVariable ??
    setting(record.endpointUrl, 'the record') ??
    ofProfile
  )
}

/** Neither counts where they are to be ignored, of which the variable has the last word as in the SDKs. */
export function configuredEndpoints(
  { environment }: CommandContext,
  profile: ProfileSettings,
  service: 'sts' | 's3' | 'kms',
): { readonly ofVariable: Setting<string> | undefined; readonly ofProfile: Setting<string> | undefined } {
  const isIgnored = environment.ignoresConfiguredEndpoints ?? profile.flag('ignore_configured_endpoint_urls') ?? false
  if (isIgnored) return { ofVariable: undefined, ofProfile: undefined }
  const [variable, configured] = [environment.endpoints[service], profile.endpoint(service)]
  return {
    ofVariable: setting(variable?.url, variable?.variable ?? ''),
    ofProfile: setting(configured?.url, configured?.where ?? ''),
  }
}

function setting<T>(value: T | undefined, origin: string): Setting<T> | undefined {
  return value === undefined ? undefined : { value, origin }
}

/**
 * What hardkey has one way for, though AWS tools have several: the regional endpoint answers for every Region, and retries
 * are those of "standard", which "adaptive" slows down and "legacy" once was.
 */
function checkModes({ environment, report }: CommandContext, profile: ProfileSettings): void {
  for (const { name, ofVariable, modes, ours } of [
    {
      name: 'retry_mode',
      ofVariable: environment.retryMode,
      modes: ['standard', 'adaptive', 'legacy'],
      ours: 'standard',
    },
    {
      name: 'sts_regional_endpoints',
      ofVariable: environment.stsRegionalEndpoints,
      modes: ['regional', 'legacy'],
      ours: 'regional',
    },
  ]) {
    const mode =
      setting(ofVariable, `AWS_${name.toUpperCase()}`) ?? setting(profile.get(name), profile.where(name) ?? name)
    if (mode === undefined || mode.value === ours) continue
    if (!modes.includes(mode.value)) {
      throw new HardkeyError('ERR_CONFIG_INVALID', `${name} is none of ${modes.join(', ')} (from ${mode.origin})`)
    }
    report.step(`${name} ${mode.value} (from ${mode.origin}) counts as ${ours}`)
  }
}

/** Asks the table of endpoints now, before a device is opened, and says which setting it refuses. */
function checkEndpoint(
  settings: Pick<StsSettings, 'region' | 'endpoint' | 'useFipsEndpoint' | 'useDualstackEndpoint'>,
): StsEndpoint {
  const { region, endpoint, useFipsEndpoint, useDualstackEndpoint } = settings
  try {
    return stsEndpoint({ region: region?.value, endpoint: endpoint?.value, useFipsEndpoint, useDualstackEndpoint })
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const origin = isOfEndpoint(settings) ? endpoint?.origin : region?.origin
    const missing = 'give --region, set AWS_REGION, or write region = … into the AWS profile'
    const hint = origin === undefined ? missing : error.hint
    const message = origin === undefined ? error.message : `${error.message} (from ${origin})`
    throw new HardkeyError(error.code, message, { hint, cause: error })
  }
}

/** True where no region would mend it. */
function isOfEndpoint({ endpoint, ...settings }: Parameters<typeof checkEndpoint>[0]): boolean {
  try {
    stsEndpoint({ ...settings, region: 'us-east-1', endpoint: endpoint?.value })
    return false
  } catch {
    return true
  }
}

async function networkOf({ args, environment }: CommandContext, profile: ProfileSettings): Promise<NetworkSettings> {
  const bundle =
    setting(args.value('ca-bundle'), '--ca-bundle') ??
    setting(environment.caBundle, 'AWS_CA_BUNDLE') ??
    setting(profile.get('ca_bundle'), profile.where('ca_bundle') ?? 'the AWS profile')
  const appId = environment.appId ?? profile.get('sdk_ua_app_id')
  return { ca: bundle === undefined ? undefined : await readCaBundle(bundle), proxy: environment.proxy, appId }
}

async function readCaBundle({ value, origin }: Setting<string>): Promise<CaBundle> {
  try {
    const pem = await readOwnFile(value, { maxBytes: longestCaBundle })
    return { pem, name: `"${value}" (the CA bundle from ${origin})` }
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    throw new HardkeyError(error.code, `${error.message} (the CA bundle from ${origin})`, {
      hint: error.hint,
      cause: error,
    })
  }
}
