// Options and arguments that several commands have.
// In: nothing. Out: rows for the commands of this folder.

import type { ArgumentSpec, FlagSpec } from '../command.ts'

export const nameArgument: ArgumentSpec = {
  name: 'NAME',
  help: 'a record (hardkey list), a key URI with --access-key-id (hardkey help uri), or none beside --profile',
  insteadBy: 'profile',
}

export const recordArgument: ArgumentSpec = { name: 'NAME', help: 'a record (hardkey list)' }

export const jsonFlag: FlagSpec = { name: 'json', help: 'print the result as JSON' }

/** Of two commands that make an access key. */
export const orphanFlag: FlagSpec = {
  name: 'delete-orphan',
  value: 'ID',
  help: 'delete this access key, that a run which was cut off may have made; --yes does not',
}

export const yesFlag: FlagSpec = { name: 'yes', help: 'answer the question with yes' }

export const pinSourceFlag: FlagSpec = {
  name: 'pin-source',
  value: 'SOURCE',
  help: 'where PIN or passphrase comes from, for this run (hardkey help pin)',
}

export const strictFlag: FlagSpec = { name: 'strict', help: 'vault: refuse a key that the server could give out' }

export const keyFlags: readonly FlagSpec[] = [
  { name: 'access-key-id', value: 'ID', help: 'the ID of the access key, where NAME is a key URI' },
  pinSourceFlag,
  strictFlag,
]

export const cacheDirFlag: FlagSpec = {
  name: 'cache-dir',
  value: 'DIR|none',
  help: 'keep sessions in this folder in memory (tmpfs), or nowhere',
  variable: 'HARDKEY_CACHE_DIR',
}

/** What is kept of sessions between runs. */
export const cacheFlags: readonly FlagSpec[] = [
  { name: 'no-cache', help: 'fresh credentials, whatever is kept' },
  cacheDirFlag,
]

/** What a key of a TPM shall want before each use, and where it shall lie. */
export const tpmFlags: readonly FlagSpec[] = [
  { name: 'pcrs', value: 'LIST', help: 'TPM: usable only while these PCRs are as now: sha256:7,23, or 23=HEX' },
  { name: 'auth', help: 'TPM: usable only with an auth value, asked for twice (or from pin-source)' },
  { name: 'persist', value: 'HANDLE', help: 'TPM: keep it in the TPM, 0x81000000 to 0x817FFFFF, and no key file' },
  { name: 'date-rule', value: 'FILE', help: 'TPM: usable only for days that the holder of this public key approves' },
]

export const profileFlag: FlagSpec = {
  name: 'profile',
  value: 'PROFILE',
  help: 'without NAME: the AWS profile to act as; with it: the one whose region, endpoint and CA come last (else AWS_PROFILE)',
}

export const caFlag: FlagSpec = {
  name: 'ca-bundle',
  value: 'FILE',
  help: "certificates (PEM) to trust besides Node's own",
  variable: 'AWS_CA_BUNDLE',
}

export const regionFlag: FlagSpec = { name: 'region', value: 'REGION', help: 'the AWS Region', variable: 'AWS_REGION' }

export const allowHttpFlag: FlagSpec = {
  name: 'allow-http',
  help: 'allow plain http to another machine, with a warning each time',
}

const s3EndpointFlag: FlagSpec = {
  name: 'endpoint-url',
  value: 'URL',
  help: 'for s3://BUCKET/KEY: a store in another place',
  variable: 'AWS_ENDPOINT_URL_S3',
}

/** What request, presign and explain share. */
export const targetFlags: readonly FlagSpec[] = [
  { name: 'query', value: 'NAME=VALUE', many: true, help: 'a query parameter, encoded here; may be repeated' },
  s3EndpointFlag,
  allowHttpFlag,
  regionFlag,
]

export const bodyFlags: readonly FlagSpec[] = [
  { name: 'body', value: 'TEXT|@FILE', help: 'the body, as text or from a file; @- for standard input' },
  { name: 'unsigned-payload', help: 'leave the body out of the signature (S3 over https)' },
  { name: 'payload-hash', value: 'HEX', help: 'SHA-256 of the body, for one that can be read only once' },
  {
    name: 'checksum',
    value: 'ALGORITHM',
    help: 'S3: send in chunks with crc32, crc32c, crc64nvme, sha1 or sha256 behind them',
  },
]

export const urlArgument: ArgumentSpec = { name: 'URL', help: 'https, http on this machine, or s3://BUCKET/KEY' }

export const stsFlags: readonly FlagSpec[] = [
  regionFlag,
  {
    name: 'endpoint-url',
    value: 'URL',
    help: 'STS in another place: https, or http on this machine',
    variable: 'AWS_ENDPOINT_URL_STS',
  },
  { name: 'use-fips-endpoint', help: 'the FIPS endpoint of the Region', variable: 'AWS_USE_FIPS_ENDPOINT' },
  {
    name: 'use-dualstack-endpoint',
    help: 'the endpoint with IPv6 of the Region',
    variable: 'AWS_USE_DUALSTACK_ENDPOINT',
  },
  caFlag,
  profileFlag,
]

export const mfaSerialFlag: FlagSpec = {
  name: 'mfa-serial',
  value: 'ARN',
  help: 'the MFA device; its code is asked for where a session is made',
  variable: 'AWS_MFA_SERIAL',
}

export const iamEndpointFlag: FlagSpec = {
  name: 'iam-endpoint-url',
  value: 'URL',
  help: 'IAM in another place; default: where STS is, if that is not at AWS',
  variable: 'AWS_ENDPOINT_URL_IAM',
}

/** Where the code of the MFA device comes from. */
export const mfaCodeFlags: readonly FlagSpec[] = [
  { name: 'token-code', value: 'CODE', help: 'the six digits of the MFA device, good for one session' },
  {
    name: 'mfa-process',
    value: 'COMMAND',
    help: 'a program that prints them, run without a shell; else mfa_process of the AWS profile',
  },
]

export const sessionFlags: readonly FlagSpec[] = [
  { name: 'role-arn', value: 'ARN', help: 'the role to assume; without one: GetSessionToken' },
  {
    name: 'role-session-name',
    value: 'NAME',
    help: 'how CloudTrail names the session',
    variable: 'AWS_ROLE_SESSION_NAME',
  },
  { name: 'external-id', value: 'TEXT', help: "what the role's trust policy asks of a third party" },
  { name: 'duration', value: 'TIME', help: 'life of the session: 3600, 90m, 12h' },
  mfaSerialFlag,
]

/** What a record keeps; no variable stands for it. */
export const settingFlags: readonly FlagSpec[] = [
  { name: 'region', value: 'REGION', help: 'the AWS Region' },
  { name: 'endpoint-url', value: 'URL', help: 'STS in another place: https, or http on this machine' },
  ...sessionFlags.map(({ variable: _, ...flag }) => flag),
]
