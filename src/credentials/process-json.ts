// Temporary credentials as `credential_process` hands them to AWS tools. In: credentials. Out: one line of JSON.
// AWS SDKs and Tools Reference Guide, "Process credential provider", version 1.

import type { TemporaryCredentials } from '../sts/answer.ts'

/**
 * The JSON object, without a newline, that the AWS CLI and every AWS SDK read from a `credential_process`.
 * `Expiration` is in UTC, in whole seconds rounded down, with a `Z`: some readers take no fraction, some nothing but
 * `Z`.
 */
export function processJson(credentials: TemporaryCredentials): string {
  return JSON.stringify({
    Version: 1,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
    AccountId: credentials.accountId,
  })
}

/** UTC, rounded down: `2026-11-30T23:59:59Z`. */
export function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
