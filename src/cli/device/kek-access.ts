// Keysets that a service decrypts, with what this run has for it. In: the environment. Out: the entry for `tink:`.
// AWS KMS is asked with the key of the environment, else of the AWS profile, else with what the AWS SDK's own chain finds.
// The profile may get its credentials from this very keyset: such a circle is noticed in the process that it starts.

import type { BackendEntry } from '../../backends/list.ts'
import { chainedAwsCredentials } from '../../backends/tink/aws-credentials.ts'
import type { AwsCredentials, TinkOptions } from '../../backends/tink/backend.ts'
import { tinkBackend } from '../../backends/tink/backend.ts'
import { tinkImporter } from '../../backends/tink/import.ts'
import { HardkeyError } from '../../errors.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import type { KeyUri } from '../../key/uri.ts'
import { type ProfileSettings, profileSettings } from '../../profiles/aws-config.ts'
import { profileCredentials } from '../../profiles/plaintext-key.ts'
import { hardkeyCall } from '../../profiles/process-line.ts'
import type { CommandContext } from '../command.ts'
import { configuredEndpoints } from '../settings/settings.ts'
import { transitServer } from './kek-uri.ts'
import { awsFiles } from './open-key.ts'

const longestBundle = 4 * 1024 * 1024
/** Set for the processes that the AWS SDK's chain starts: the keysets that wait for it. */
const chainVariable = '_HARDKEY_PROFILE_CHAIN'

/** @throws ERR_CONFIG_INVALID */
export async function keysetEntry(context: CommandContext, uri: KeyUri): Promise<BackendEntry> {
  const { environment, now } = context
  const profile = environment.profile ?? 'default'
  const files = awsFiles(environment)
  const settings = await profileSettings(files, profile)
  const bundle = environment.caBundle ?? settings.get('ca_bundle')
  const { ofVariable, ofProfile } = configuredEndpoints(context, settings, 'kms')
  // The settings of somebody's own Vault have no say over the clouds.
  const ofVault =
    transitServer(uri) === undefined ? undefined : (await import('./vault-uri.ts')).vaultOptions(context, false)
  const options: TinkOptions = {
    awsCredentials: awsKey(context, settings, uri),
    awsEndpoint: (ofVariable ?? ofProfile)?.value.replace(/\/$/, ''),
    ca: ofVault?.ca ?? (bundle === undefined ? undefined : await readOwnFile(bundle, { maxBytes: longestBundle })),
    clientCertificate: ofVault?.clientCertificate,
    timeoutMilliseconds: ofVault?.timeoutMilliseconds,
    proxy: ofVault === undefined ? environment.proxy : ofVault.proxy,
    now,
  }
  return { scheme: 'tink', backend: async () => tinkBackend(options), importer: async () => tinkImporter(options) }
}

function awsKey(
  { environment, args }: CommandContext,
  settings: ProfileSettings,
  uri: KeyUri,
): () => Promise<AwsCredentials> {
  const { profile } = settings
  const keyset = encodeURIComponent(uri.get('file') ?? '')
  const chain = chainedAwsCredentials()
  return async () => {
    const ofEnvironment = environment.awsKey()
    if (ofEnvironment !== undefined) return ofEnvironment
    const found = await profileCredentials(awsFiles(environment), profile)
    if (found !== undefined) {
      const { accessKeyId, secret: secretAccessKey, sessionToken } = found
      return { accessKeyId, secretAccessKey, sessionToken }
    }
    const asked = hardkeyCall(settings.get('credential_process') ?? '')?.name
    const waiting = (process.env[chainVariable] ?? '').split(',').filter((one) => one !== '')
    if ((asked !== undefined && asked === args.optionalWord('NAME')) || waiting.includes(keyset)) throw circle(profile)
    return await foundByChain(chain, [...waiting, keyset].join(','))
  }
}

async function foundByChain(chain: () => Promise<AwsCredentials>, waiting: string): Promise<AwsCredentials> {
  const before = process.env[chainVariable]
  process.env[chainVariable] = waiting
  try {
    return await chain()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const installs = error.code === 'ERR_BACKEND_NOT_INSTALLED'
    const more = installs ? '; for its other sources, npm install @aws-sdk/credential-providers' : ''
    throw new HardkeyError(error.code, error.message, { hint: `${sources}${more}`, cause: error.cause })
  } finally {
    if (before === undefined) delete process.env[chainVariable]
    else process.env[chainVariable] = before
  }
}

const sources = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that may use the key'

function circle(profile: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the AWS profile "${profile}" gets its credentials from this keyset`, {
    hint: `AWS KMS must be asked as somebody else: ${sources}`,
  })
}
