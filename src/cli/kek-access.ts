// Keysets that a service decrypts, with what this run has for it. In: the environment. Out: the entry for `tink:`.
// AWS KMS is asked with the key of the environment, else of the AWS profile, else with what the AWS SDK's own chain finds.
// The profile may get its credentials from this very keyset: such a circle is noticed in the process that it starts.

import type { BackendEntry } from '../backends/list.ts'
import { chainedAwsCredentials } from '../backends/tink/aws-credentials.ts'
import type { AwsCredentials, TinkOptions } from '../backends/tink/backend.ts'
import { tinkBackend } from '../backends/tink/backend.ts'
import { tinkImporter } from '../backends/tink/import.ts'
import { HardkeyError } from '../errors.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import type { KeyUri } from '../key/uri.ts'
import { type ProfileSettings, profileSettings } from '../profiles/aws-config.ts'
import { profileCredentials } from '../profiles/plaintext-key.ts'
import type { CommandContext } from './command.ts'
import { transitServer } from './kek-uri.ts'
import { awsFiles } from './open-key.ts'

const longestBundle = 4 * 1024 * 1024
/** Set for the processes that the AWS SDK's chain starts. */
const circleVariable = 'HARDKEY_OPENS_KEYSET'

/** @throws ERR_CONFIG_INVALID */
export async function keysetEntry(context: CommandContext, uri: KeyUri): Promise<BackendEntry> {
  const { environment, now } = context
  const profile = environment.profile ?? 'default'
  const files = awsFiles(environment)
  const settings = await profileSettings(files, profile)
  const bundle = environment.caBundle ?? settings.get('ca_bundle')
  const ofProfile = environment.ignoresConfiguredEndpoints === true ? undefined : settings.endpointUrl('kms')
  // The CA of somebody's own Vault has no say over the clouds.
  const ofVault = transitServer(uri) === undefined ? undefined : environment.vault.caBytes
  const options: TinkOptions = {
    awsCredentials: awsKey(context, settings),
    awsEndpoint: (environment.kmsEndpoint ?? ofProfile)?.replace(/\/$/, ''),
    ca: ofVault ?? (bundle === undefined ? undefined : await readOwnFile(bundle, { maxBytes: longestBundle })),
    proxy: environment.proxy,
    now,
  }
  return { scheme: 'tink', backend: async () => tinkBackend(options), importer: async () => tinkImporter(options) }
}

function awsKey({ environment, args }: CommandContext, settings: ProfileSettings): () => Promise<AwsCredentials> {
  const { profile } = settings
  const chain = chainedAwsCredentials()
  return async () => {
    const ofEnvironment = environment.awsKey()
    if (ofEnvironment !== undefined) return ofEnvironment
    const found = await profileCredentials(awsFiles(environment), profile)
    if (found !== undefined) {
      const { accessKeyId, secret: secretAccessKey, sessionToken } = found
      return { accessKeyId, secretAccessKey, sessionToken }
    }
    const asksUs = settings.get('credential_process')?.split(/\s+credential-process\s+/)[1]
    const isCircle = asksUs?.split(/\s/)[0] === args.word('NAME') || process.env[circleVariable] !== undefined
    if (isCircle) throw circle(profile)
    return await foundByChain(chain, profile)
  }
}

async function foundByChain(chain: () => Promise<AwsCredentials>, profile: string): Promise<AwsCredentials> {
  process.env[circleVariable] = profile
  try {
    return await chain()
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    const installs = error.code === 'ERR_BACKEND_NOT_INSTALLED'
    const more = installs ? '; for its other sources, npm install @aws-sdk/credential-providers' : ''
    throw new HardkeyError(error.code, error.message, { hint: `${sources}${more}`, cause: error.cause })
  } finally {
    delete process.env[circleVariable]
  }
}

const sources = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that may use the key'

function circle(profile: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `the AWS profile "${profile}" gets its credentials from this keyset`, {
    hint: `AWS KMS must be asked as somebody else: ${sources}`,
  })
}
