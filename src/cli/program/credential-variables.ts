// Temporary credentials as environment variables. In: credentials, a region. Out: the variables by name, as every AWS SDK
// reads them.
// AWS SDKs and Tools Reference Guide, "AWS access keys"; AWS_CREDENTIAL_EXPIRATION is that of the AWS CLI.

import { wholeSeconds } from '../../credentials/process-json.ts'
import type { TemporaryCredentials } from '../../sts/answer.ts'

/** In the order in which `aws configure export-credentials` prints them. */
export function credentialVariables(credentials: TemporaryCredentials): Readonly<Record<string, string>> {
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    AWS_CREDENTIAL_EXPIRATION: wholeSeconds(credentials.expiration),
  }
}

/** The SDK for Python reads the second alone, the others the first. */
export function regionVariables(region: string | undefined): Readonly<Record<string, string>> {
  return region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }
}
