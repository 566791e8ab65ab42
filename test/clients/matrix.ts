// The clients, the ways on which they take credentials from hardkey, and the traps in their own chains. Out: what each
// client may do about each; what it does, the tests find, and tell under the names of this file. Imports nothing, since
// scripts/clients.mjs reads it too and writes docs/clients.md.

/** In the order of the page. */
export const ways = [
  'credential_process',
  'serve',
  'serve --token-file',
  'exec',
  'exec --isolate-config',
  'serve --imds',
] as const
export type Way = (typeof ways)[number]

export const traps = [
  'a key in [default]',
  'AWS_PROFILE left set',
  'token and token file',
  'newline in the token file',
  'full and relative URI',
  'HTTP_PROXY, endpoint',
  'HTTP_PROXY, IMDS',
] as const
export type Trap = (typeof traps)[number]

export interface Client {
  readonly name: string
  /** The recipe that brings it, and the word before its version in that recipe's, if there is one. */
  readonly peer: string
  readonly versionAfter?: string
  /** In the long run alone. */
  readonly isLong?: true
  /** A command that ends after its work: it cannot outlive a session. */
  readonly endsAtOnce?: true
  /** The ways on which it may fail, before it signs anything, each with the reason. */
  readonly cannot?: Readonly<Partial<Record<Way, string>>>
  /** What it does about each trap; several where that differs by its version. */
  readonly traps: Readonly<Record<Trap, string | readonly string[]>>
}

/** What most do. */
const most: Client['traps'] = {
  'a key in [default]': 'the key wins',
  'AWS_PROFILE left set': 'the profile wins',
  'token and token file': 'the file wins',
  'newline in the token file': 'fails',
  'full and relative URI': 'relative wins',
  'HTTP_PROXY, endpoint': 'not asked',
  'HTTP_PROXY, IMDS': 'not asked',
}
const botocore = { ...most, 'HTTP_PROXY, IMDS': 'asked' }

/** Those of the long run stand last. */
export const clients: readonly Client[] = [
  { name: 'AWS CLI 1', peer: 'awscli1', endsAtOnce: true, traps: botocore },
  {
    name: 'AWS CLI 2',
    peer: 'awscli',
    endsAtOnce: true,
    cannot: { 'serve --token-file': 'no: this version knows no token file and sends no token' },
    // Debian 12 has 2.9, and 13 has 2.23.
    traps: { ...botocore, 'token and token file': ['the token wins', 'the file wins'] },
  },
  { name: 'boto3', peer: 'python', versionAfter: 'boto3==', traps: botocore },
  {
    name: 'SDK for JavaScript v3',
    peer: 'awssdk1175',
    versionAfter: '@aws-sdk/client-sts@',
    traps: { ...most, 'token and token file': 'both are tried' },
  },
  {
    name: 'SDK for JavaScript v3, two years old',
    peer: 'awssdk699',
    versionAfter: '@aws-sdk/client-sts@',
    traps: { ...most, 'token and token file': 'the token wins', 'full and relative URI': 'full wins' },
  },
  { name: 'SDK for Go v2', peer: 'sdkgo', versionAfter: 'sts ', traps: most },
  {
    name: 'SDK for Java v2',
    peer: 'sdkjava',
    isLong: true,
    traps: { ...most, 'token and token file': 'the token wins' },
  },
  {
    name: 'SDK for Rust',
    peer: 'sdkrust',
    versionAfter: 'aws-sdk-sts ',
    isLong: true,
    traps: { ...botocore, 'HTTP_PROXY, endpoint': 'asked' },
  },
  {
    name: 'S3 backend of Terraform',
    peer: 'terraform',
    isLong: true,
    endsAtOnce: true,
    cannot: { 'serve --token-file': 'no: its SDK for Go v1 knows no token file and sends no token' },
    traps: { ...most, 'token and token file': 'the token wins', 'full and relative URI': 'full wins' },
  },
  { name: 'S3 backend of OpenTofu', peer: 'opentofu', isLong: true, endsAtOnce: true, traps: most },
]

/** The test of a cell, behind the name of its client. */
export function testOfWay(way: Way): string {
  return `takes a session by ${way}`
}

/** The same for a trap. */
export function testOfTrap(trap: Trap): string {
  return `meets ${trap}`
}

/** The test of a client that asks for longer than a session lasts, in the long run alone. */
export function testOfOutliving({ name }: Client): string {
  return `${name} outlives a session`
}

export function clientsOfRun(isLong: boolean): readonly Client[] {
  return clients.filter((client) => isLong || client.isLong !== true)
}
