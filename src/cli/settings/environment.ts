// The one reader of the environment. In: its variables, the platform and the home folder. Out: settings by name, with
// empty variables as missing ones. Keys never sign from here (B-104): AWS_ACCESS_KEY_ID and its like are not read, but for
// the one use that `awsKey` says.
// What Vault and OpenBao have of their own is vault-variables.ts.
// Names: AWS SDKs and Tools Reference Guide; XDG Base Directory Specification; our own begins with HARDKEY_.

import { posix, win32 } from 'node:path'
import { HardkeyError } from '../../errors.ts'
import { type AwsFileVariables, readAwsFileVariables } from './aws-file-variables.ts'
import { type FolderVariables, readFolderVariables } from './folder-variables.ts'
import { type PromptVariables, readPromptVariables } from './prompt-variables.ts'
import { readVaultVariables, type VaultVariables } from './vault-variables.ts'

/** Where the services of AWS are, and how often one is tried. */
interface WayToAws {
  /** AWS_ENDPOINT_URL_STS and its like, else AWS_ENDPOINT_URL; whether they count says what follows. */
  readonly endpoints: Readonly<Record<'sts' | 's3' | 'kms', EndpointVariable | undefined>>
  /** AWS_ENDPOINT_URL_IAM; none with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS. */
  readonly iamEndpoint: string | undefined
  readonly ignoresConfiguredEndpoints: boolean | undefined
  readonly retryMode: string | undefined
  readonly stsRegionalEndpoints: string | undefined
  readonly useFipsEndpoint: boolean | undefined
  readonly useDualstackEndpoint: boolean | undefined
  readonly maxAttempts: number | undefined
}

export interface Environment extends WayToAws, AwsFileVariables, FolderVariables {
  /** Holds `keys/`: HARDKEY_HOME, or `hardkey` in the platform's folder for settings; undefined where there is no home folder. */
  readonly hardkeyHome: string | undefined
  /** HARDKEY_HOME was set: a program that starts the command must have it too. */
  readonly hardkeyHomeIsSet: boolean
  /** HARDKEY_ACCOUNT: the absolute path of a file, or `journal`. */
  readonly account: string | undefined
  /** AWS_PROFILE, else AWS_DEFAULT_PROFILE. */
  readonly profile: string | undefined
  /** AWS_REGION, else AWS_DEFAULT_REGION. */
  readonly region: string | undefined
  readonly roleSessionName: string | undefined
  readonly mfaSerial: string | undefined
  /** AWS_CA_BUNDLE, else nothing: NODE_EXTRA_CA_CERTS is Node's own and works besides. */
  readonly caBundle: string | undefined
  /** AWS_SDK_UA_APP_ID. */
  readonly appId: string | undefined
  readonly proxy: {
    readonly https: string | undefined
    readonly http: string | undefined
    readonly noProxy: string | undefined
  }
  readonly pkcs11ModulePath: string | undefined
  /** TPM2TOOLS_TCTI: where the TPM is, for a tpm2: URI without `device`. */
  readonly tpmDevice: string | undefined
  /** The key by which AWS KMS is asked to decrypt a keyset, and nothing else. Read when it is called. */
  readonly awsKey: () => AwsKeyVariables | undefined
  readonly vault: VaultVariables
  readonly prompts: PromptVariables
  /** What kubectl tells the helper it starts: JSON with the `apiVersion` of the answer. */
  readonly kubernetesExecInfo: string | undefined
  /** LISTEN_FDS and LISTEN_PID of systemd, sd_listen_fds(3): sockets that listen, and the process that they are for. */
  readonly listening: { readonly descriptors: string; readonly pid: string } | undefined
  /** NODE_OPTIONS holds a switch that writes memory or the environment to a file, or opens the debugger (F-W09). */
  readonly dumpingOptions: readonly string[]
  /** HARDKEY_NAME: the key whose credentials a surrounding `hardkey exec` gives. */
  readonly surroundingExec: string | undefined
  /** SHELL, on Windows ComSpec. */
  readonly shell: string | undefined
  /** Every variable, for the program that `hardkey exec` runs and for nothing else. Read when it is called. */
  readonly all: () => Readonly<Record<string, string>>
  /** For a program that we start: all variables but those of AWS, of hardkey, of Node and of systemd's sockets. */
  readonly forPrograms: Readonly<Record<string, string>>
}

/** An endpoint and the variable that names it. */
export interface EndpointVariable {
  readonly url: string
  readonly variable: string
}

/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
export interface AwsKeyVariables {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
}

/** Variables by name, as `process.env` has them. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads the environment once. `homeOf` gives undefined for a user without a home folder: what would lie in it is not there.
 *
 * @throws ERR_CONFIG_INVALID for a home folder that is no absolute path, for a variable with control characters, and for a
 * switch or number that is none
 */
export function readEnvironment(
  variables: Variables,
  platform: NodeJS.Platform,
  homeOf: () => string | undefined,
): Environment {
  const read = (name: string): string | undefined => plainText(name, variables[name])
  const path = platform === 'win32' ? win32 : posix
  const below = (folder: string | undefined, ...names: readonly string[]): string | undefined =>
    folder === undefined ? undefined : path.join(folder, ...names)
  const inHome = (...names: readonly string[]): string | undefined => {
    const folder = homeOf()
    if (folder === undefined || path.isAbsolute(folder)) return below(folder, ...names)
    throw new HardkeyError('ERR_CONFIG_INVALID', 'the home folder is not an absolute path', {
      hint: 'set HOME: else records and AWS files would be those of whatever folder this runs in',
    })
  }
  const settings = (): string | undefined =>
    platform === 'win32'
      ? (read('APPDATA') ?? inHome('AppData', 'Roaming'))
      : (absolute(path, read('XDG_CONFIG_HOME')) ?? inHome('.config'))
  const [given, account] = [read('HARDKEY_HOME'), read('HARDKEY_ACCOUNT')]
  return {
    hardkeyHome: given === undefined ? below(settings(), 'hardkey') : path.resolve(given),
    hardkeyHomeIsSet: given !== undefined,
    ...readFolderVariables(read, platform, homeOf),
    account: account === undefined || account === 'journal' ? account : path.resolve(account),
    ...readAwsFileVariables(read, variables, inHome),
    profile: read('AWS_PROFILE') ?? read('AWS_DEFAULT_PROFILE'),
    region: read('AWS_REGION') ?? read('AWS_DEFAULT_REGION'),
    ...wayToAws(read),
    roleSessionName: read('AWS_ROLE_SESSION_NAME'),
    mfaSerial: read('AWS_MFA_SERIAL'),
    caBundle: read('AWS_CA_BUNDLE'),
    appId: read('AWS_SDK_UA_APP_ID'),
    proxy: proxyOf(read),
    pkcs11ModulePath: read('PKCS11_MODULE_PATH'),
    tpmDevice: read('TPM2TOOLS_TCTI'),
    awsKey: () => awsKeyOf(read),
    prompts: readPromptVariables(read),
    vault: readVaultVariables(read, (name) => variables[name], inHome),
    // JSON, perhaps over several lines.
    kubernetesExecInfo: variables.KUBERNETES_EXEC_INFO,
    listening: listeningOf(read('LISTEN_FDS'), read('LISTEN_PID')),
    dumpingOptions: dumpingOptionsOf(variables.NODE_OPTIONS ?? ''),
    surroundingExec: read('HARDKEY_NAME'),
    shell: read(platform === 'win32' ? 'ComSpec' : 'SHELL'),
    all: () => present(variables),
    forPrograms: forPrograms(variables),
  }
}

function proxyOf(read: (name: string) => string | undefined): Environment['proxy'] {
  return {
    https: read('HTTPS_PROXY') ?? read('https_proxy'),
    // HTTP_PROXY in capitals can be set by a request to a CGI program; curl reads the lower case alone.
    http: read('http_proxy'),
    noProxy: read('NO_PROXY') ?? read('no_proxy'),
  }
}

function wayToAws(read: (name: string) => string | undefined): WayToAws {
  const ignored = flag(read, 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS')
  return {
    endpoints: {
      sts: endpointOf(read, 'AWS_ENDPOINT_URL_STS'),
      s3: endpointOf(read, 'AWS_ENDPOINT_URL_S3'),
      kms: endpointOf(read, 'AWS_ENDPOINT_URL_KMS'),
    },
    iamEndpoint: ignored === true ? undefined : read('AWS_ENDPOINT_URL_IAM'),
    ignoresConfiguredEndpoints: ignored,
    retryMode: read('AWS_RETRY_MODE'),
    stsRegionalEndpoints: read('AWS_STS_REGIONAL_ENDPOINTS'),
    useFipsEndpoint: flag(read, 'AWS_USE_FIPS_ENDPOINT'),
    useDualstackEndpoint: flag(read, 'AWS_USE_DUALSTACK_ENDPOINT'),
    maxAttempts: attempts(read('AWS_MAX_ATTEMPTS')),
  }
}

function awsKeyOf(read: (name: string) => string | undefined): AwsKeyVariables | undefined {
  const [accessKeyId, secretAccessKey] = [read('AWS_ACCESS_KEY_ID'), read('AWS_SECRET_ACCESS_KEY')]
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, sessionToken: read('AWS_SESSION_TOKEN') }
}

function listeningOf(descriptors: string | undefined, pid: string | undefined): Environment['listening'] {
  return descriptors === undefined || pid === undefined ? undefined : { descriptors, pid }
}

function present(variables: Variables): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function forPrograms(variables: Variables): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(present(variables)).filter(([name]) => !/^(AWS|HARDKEY|NODE|LISTEN)_/i.test(name)),
  )
}

function plainText(name: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', `the variable ${name} has a control character`, {
      hint: `set ${name} again, without a line break`,
    })
  }
  return value
}

/** XDG: "All paths set in these environment variables must be absolute"; a relative one is ignored. */
function absolute(path: typeof posix, value: string | undefined): string | undefined {
  return value !== undefined && path.isAbsolute(value) ? value : undefined
}

function endpointOf(read: (name: string) => string | undefined, own: string): EndpointVariable | undefined {
  for (const variable of [own, 'AWS_ENDPOINT_URL']) {
    const url = read(variable)
    if (url !== undefined) return { url, variable }
  }
  return undefined
}

function flag(read: (name: string) => string | undefined, name: string): boolean | undefined {
  const value = read(name)?.toLowerCase()
  if (value === undefined) return undefined
  if (value === 'true') return true
  if (value === 'false') return false
  throw new HardkeyError('ERR_CONFIG_INVALID', `the variable ${name} is neither true nor false`)
}

function attempts(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^[1-9][0-9]?$/.test(value)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'the variable AWS_MAX_ATTEMPTS is not a number from 1 to 99')
  }
  return Number(value)
}

function dumpingOptionsOf(nodeOptions: string): readonly string[] {
  return nodeOptions
    .split(/\s+/)
    .map((word) => word.split('=', 1)[0] ?? '')
    .filter((word) => /^--(inspect|report-|heap|cpu-prof|diagnostic-dir|abort-on-uncaught)/.test(word))
}
