// How a profile signs in. In: the AWS files and a profile. Out: the first setting by which an AWS tool gets credentials from
// it, and where it stands. Such a profile comes before an endpoint of credentials in every SDK when it is the default one.
// AWS SDKs and Tools Reference Guide, "Credential provider chain".

import { statSync } from 'node:fs'
import { pythonSettings, settingsForAny } from './any-reading.ts'
import { type AwsFiles, readAwsBytes, refuseProblems, withAwsFiles } from './aws-config.ts'

export interface SignIn {
  /** The name of the setting, never its value. */
  readonly setting: string
  /** FILE:LINE. */
  readonly place: string
}

/** Each of them is enough for at least one SDK: that for JavaScript takes any setting of IAM Identity Center for a sign-in. */
const signIns: readonly string[] = [
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_security_token',
  'role_arn',
  'credential_source',
  'credential_process',
  'web_identity_token_file',
  'sso_session',
  'sso_start_url',
  'sso_region',
  'sso_account_id',
  'sso_role_name',
  'login_session',
]

/** Undefined for a profile that says nothing of credentials. @throws ERR_CONFIG_INVALID for a file that is malformed there */
export async function signInOf(files: AwsFiles, profile: string): Promise<SignIn | undefined> {
  return await withAwsFiles(files, (both) => {
    for (const file of both) refuseProblems(file, profile)
    const [found] = both.flatMap((file) => settingsForAny(file, profile, signIns))
    return found && { setting: found.name, place: found.place }
  })
}

/**
 * The key of boto 2 that the SDK for Python and the AWS CLI take before an endpoint, whatever the profile is (botocore,
 * BotoProvider). `paths`: in the order in which they are read. @throws ERR_CONFIG_INVALID for a file that others could change
 */
export async function botoSignIn(paths: readonly string[]): Promise<SignIn | undefined> {
  for (const path of paths) {
    // What is no file (/dev/null, a folder) is passed over there too.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue
    const bytes = await readAwsBytes(path)
    try {
      const [found] = pythonSettings(bytes, (header) => header === 'Credentials', ['aws_access_key_id'])
      if (found !== undefined) return { setting: found.name, place: `${path}:${found.number}` }
    } finally {
      bytes.fill(0)
    }
  }
  return undefined
}
