// Credentials for AWS KMS from every source that the AWS SDK knows: SSO, web identity, containers, instance metadata.
// In: nothing. Out: credentials, by the optional package @aws-sdk/credential-providers, which reads the environment itself.
// No other file imports that package.

import { HardkeyError } from '../../errors.ts'
import type { AwsCredentials } from './aws-kms.ts'

/** The package's default chain; it remembers what it found and renews it. @throws ERR_BACKEND_NOT_INSTALLED, ERR_PIN_REQUIRED */
export function chainedAwsCredentials(): () => Promise<AwsCredentials> {
  let chain: Promise<() => Promise<AwsCredentials>> | undefined
  return async () => {
    chain ??= loadChain()
    const provider = await chain
    try {
      const { accessKeyId, secretAccessKey, sessionToken } = await provider()
      return { accessKeyId, secretAccessKey, sessionToken }
    } catch (error) {
      throw new HardkeyError('ERR_PIN_REQUIRED', `no credentials for AWS KMS were found: ${wordsOf(error)}`, {
        hint: 'give awsCredentials, or set up one of the sources of the AWS SDK',
      })
    }
  }
}

async function loadChain(): Promise<() => Promise<AwsCredentials>> {
  try {
    return (await import('@aws-sdk/credential-providers')).fromNodeProviderChain()
  } catch (error) {
    throw new HardkeyError('ERR_BACKEND_NOT_INSTALLED', 'no credentials for AWS KMS were given', {
      hint: 'give awsCredentials, or npm install @aws-sdk/credential-providers, which finds them',
      cause: error,
    })
  }
}

/** The error's own sentence, without its stack and causes. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : 'the chain failed'
}
