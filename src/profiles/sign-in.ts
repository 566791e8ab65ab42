// How a profile signs in. In: the AWS files and a profile. Out: the first setting by which an AWS tool gets credentials from
// it, and where it stands. Such a profile comes before an endpoint of credentials in every SDK when it is the default one.
// AWS SDKs and Tools Reference Guide, "Credential provider chain".

import { type AwsFiles, profileLines, refuseProblems, withAwsFiles } from './aws-config.ts'

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
    const found = both.flatMap((file) =>
      profileLines(file, profile)
        // The SDK for Python reads names in any case.
        .filter(({ kind, name }) => kind === 'setting' && signIns.includes(name.toLowerCase()))
        .map(({ name, number }) => ({ setting: name, place: `${file.path}:${number}` })),
    )
    return found[0]
  })
}
