// Every command in one table. In: nothing. Out: its words, options and texts, from which arguments are parsed, wrong
// words corrected, the help printed, and of which nothing but the chosen command is loaded.
// Over 250 lines: it is one list of data, read from top to bottom.

import type { ArgumentSpec, CommandSpec, FlagSpec } from './command.ts'

const nameArgument: ArgumentSpec = {
  name: 'NAME',
  help: 'a record (hardkey list), or a key URI with --access-key-id (hardkey help uri)',
}

const jsonFlag: FlagSpec = { name: 'json', help: 'print the result as JSON' }
const yesFlag: FlagSpec = { name: 'yes', help: 'answer the question with yes' }

const pinSourceFlag: FlagSpec = {
  name: 'pin-source',
  value: 'SOURCE',
  help: 'where PIN or passphrase comes from, for this run (hardkey help pin)',
}

const strictFlag: FlagSpec = { name: 'strict', help: 'vault: refuse a key that the server could give out' }

const keyFlags: readonly FlagSpec[] = [
  { name: 'access-key-id', value: 'ID', help: 'the ID of the access key, where NAME is a key URI' },
  pinSourceFlag,
  strictFlag,
]

/** What a key of a TPM shall want before each use, and where it shall lie. */
const tpmFlags: readonly FlagSpec[] = [
  { name: 'pcrs', value: 'LIST', help: 'TPM: usable only while these PCRs are as now: sha256:7,23, or 23=HEX' },
  { name: 'auth', help: 'TPM: usable only with an auth value, asked for twice (or from pin-source)' },
  { name: 'persist', value: 'HANDLE', help: 'TPM: keep it in the TPM, 0x81000000 to 0x817FFFFF, and no key file' },
  { name: 'date-rule', value: 'FILE', help: 'TPM: usable only for days that the holder of this public key approves' },
]

const profileFlag: FlagSpec = {
  name: 'profile',
  value: 'PROFILE',
  help: 'the AWS profile whose region, endpoint and CA are taken last',
  variable: 'AWS_PROFILE',
}

const caFlag: FlagSpec = {
  name: 'ca-bundle',
  value: 'FILE',
  help: "certificates (PEM) to trust besides Node's own",
  variable: 'AWS_CA_BUNDLE',
}

const regionFlag: FlagSpec = { name: 'region', value: 'REGION', help: 'the AWS Region', variable: 'AWS_REGION' }

const allowHttpFlag: FlagSpec = {
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
const targetFlags: readonly FlagSpec[] = [
  { name: 'query', value: 'NAME=VALUE', many: true, help: 'a query parameter, encoded here; may be repeated' },
  s3EndpointFlag,
  allowHttpFlag,
  regionFlag,
]

const bodyFlags: readonly FlagSpec[] = [
  { name: 'body', value: 'TEXT|@FILE', help: 'the body, as text or from a file; @- for standard input' },
  { name: 'unsigned-payload', help: 'leave the body out of the signature (S3 over https)' },
  { name: 'payload-hash', value: 'HEX', help: 'SHA-256 of the body, for one that can be read only once' },
  {
    name: 'checksum',
    value: 'ALGORITHM',
    help: 'S3: send in chunks with crc32, crc32c, crc64nvme, sha1 or sha256 behind them',
  },
]

const urlArgument: ArgumentSpec = { name: 'URL', help: 'https, http on this machine, or s3://BUCKET/KEY' }

const stsFlags: readonly FlagSpec[] = [
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

const sessionFlags: readonly FlagSpec[] = [
  { name: 'role-arn', value: 'ARN', help: 'the role to assume; without one: GetSessionToken' },
  {
    name: 'role-session-name',
    value: 'NAME',
    help: 'how CloudTrail names the session',
    variable: 'AWS_ROLE_SESSION_NAME',
  },
  { name: 'external-id', value: 'TEXT', help: "what the role's trust policy asks of a third party" },
  { name: 'duration', value: 'TIME', help: 'life of the session: 3600, 90m, 12h' },
  {
    name: 'mfa-serial',
    value: 'ARN',
    help: 'the MFA device; its code is asked at the terminal',
    variable: 'AWS_MFA_SERIAL',
  },
]

/** The commands, in the order of the overview. */
export const commands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'devices',
    task: 'check a key in',
    summary: 'tokens, TPMs and transit engines in reach, each as a URI for import --to',
    arguments: [],
    flags: [
      {
        name: 'module-path',
        value: 'FILE',
        help: 'the PKCS#11 module to ask; default: p11-kit-proxy',
        variable: 'PKCS11_MODULE_PATH',
      },
      {
        name: 'device',
        value: 'TPM',
        help: 'the TPM to ask; default: /dev/tpmrm0',
        variable: 'TPM2TOOLS_TCTI',
      },
      { name: 'keys', help: 'the keys that a TPM keeps, in place of the devices' },
      jsonFlag,
    ],
    text: [
      'Asks for no PIN and changes nothing. A server of Vault or OpenBao is asked where VAULT_ADDR or its like names one.',
      'With --module-path or --device nothing else is asked.',
    ],
    examples: [
      'hardkey devices',
      'hardkey devices --module-path /usr/lib/softhsm/libsofthsm2.so',
      'hardkey devices --device swtpm:host=127.0.0.1,port=2321 --keys',
    ],
    load: async () => (await import('./commands/devices.ts')).devices,
  },
  {
    name: 'import',
    task: 'check a key in',
    summary: 'put a secret access key into a device, prove it, write a record',
    arguments: [{ name: 'NAME', help: 'the new record: letters, digits, ".", "_" and "-"' }],
    flags: [
      { name: 'to', value: 'WHERE', help: 'a URI (hardkey devices), or "tpm2", "vault" or "embedded"' },
      { name: 'access-key-id', value: 'ID', help: 'the ID of the access key; asked at the terminal without it' },
      {
        name: 'from',
        value: 'SOURCE',
        help: 'prompt (default), stdin, fd:N, csv:FILE, json:FILE, profile:NAME, backup:FILE, or device',
      },
      {
        name: 'prove',
        value: 'sts|s3',
        help: 'ask STS who the key is (default), or list buckets at the store of --endpoint-url, which has no STS',
      },
      { name: 'offline', help: 'ask nobody; of a store without STS say so with --prove s3' },
      { name: 'other-store', help: "take an ID or secret that is not in AWS's form" },
      { name: 'allow-exportable', help: 'take a key from a backup of Vault though its server could give it out' },
      { name: 'write-profile', value: 'PROFILE', help: 'write the AWS profile that gets its credentials from here' },
      { name: 'remove-source', help: 'remove the plaintext (csv:, json:, profile:) once all has gone well' },
      ...tpmFlags,
      { name: 'policy-months', value: 'N', help: 'vault: months that the printed policy allows, 1 to 24; default 2' },
      { name: 'apply', help: 'vault: write that policy to the server as hardkey-KEY' },
      strictFlag,
      ...sessionFlags,
      ...stsFlags,
      allowHttpFlag,
      pinSourceFlag,
      jsonFlag,
    ],
    text: [
      'Reads the secret, puts it into the device, reads the attributes back, compares the HMAC of the device',
      'with one made in software, asks STS who the key is, and writes the record. A step that fails undoes',
      'those before it. Region, endpoint, role, duration and MFA device become defaults of the record.',
      'A secret is never an argument and never a variable. --from device: it is in there already.',
      '--to embedded: an encrypted keyset beside the record, opened with a passphrase; protection: memory.',
      '--to tpm2: a key file beside the record that this TPM alone can use. --pcrs and --auth may go together.',
      '--date-rule: the TPM computes for approved days alone (hardkey approve); FILE is the public half of',
      'the office key, and the device is asked for the first time when it is approved.',
      '--to vault: the transit engine of Vault or OpenBao, reached as VAULT_ADDR and its like say; prints the',
      'narrowest policy for whoever uses the key: this month and the next, and nothing else.',
    ],
    examples: [
      'hardkey import prod --to embedded --region eu-west-1',
      "hardkey import prod --to 'pkcs11:token=prod?module-path=/usr/lib/softhsm/libsofthsm2.so' --from csv:accessKeys.csv",
      'hardkey import prod --to embedded --from profile:prod --write-profile prod --remove-source',
      'hardkey import edge --to tpm2 --pcrs sha256:7 --region eu-west-1',
      "hardkey import fleet --to 'vault:key=fleet?address=https://vault.example:8200' --apply",
      'hardkey import store --to embedded --other-store --prove s3 --endpoint-url https://store.example:9000 --region us-east-1',
    ],
    load: async () => (await import('./commands/import.ts')).importKey,
  },
  {
    name: 'whoami',
    task: 'use it',
    summary: 'GetCallerIdentity, signed by the device',
    arguments: [nameArgument],
    flags: [...keyFlags, ...stsFlags, jsonFlag],
    text: [],
    examples: ['hardkey whoami prod', 'hardkey whoami prod --region us-gov-west-1 --json'],
    load: async () => (await import('./commands/whoami.ts')).whoami,
  },
  {
    name: 'credential-process',
    task: 'use it',
    summary: 'temporary credentials for the AWS CLI and every AWS SDK',
    arguments: [nameArgument],
    flags: [
      ...sessionFlags,
      { name: 'no-role', help: 'GetSessionToken, though the record names a role' },
      { name: 'federation-name', value: 'NAME', help: 'GetFederationToken for a user of this name' },
      { name: 'policy', value: 'JSON|@FILE', help: 'a session policy, as text or from a file' },
      { name: 'policy-arn', value: 'ARN', many: true, help: 'a managed policy for the session; may be repeated' },
      { name: 'tag', value: 'KEY=VALUE', many: true, help: 'a session tag; may be repeated' },
      {
        name: 'transitive-tag-key',
        value: 'KEY',
        many: true,
        help: 'a tag that goes on along a chain of roles; may be repeated',
      },
      { name: 'source-identity', value: 'NAME', help: 'who stands behind the session, through a chain of roles' },
      { name: 'no-cache', help: 'fresh credentials, whatever is at hand' },
      ...keyFlags,
      ...stsFlags,
    ],
    text: [
      'Prints one JSON object on standard output, and only on success; answers or fails within 55 seconds.',
      'Written into ~/.aws/config by hardkey import --write-profile:  credential_process = … credential-process NAME',
    ],
    examples: [
      'hardkey credential-process prod --role-arn arn:aws:iam::123456789012:role/deploy --duration 1h',
      'hardkey credential-process prod --no-role --mfa-serial arn:aws:iam::123456789012:mfa/me',
    ],
    load: async () => (await import('./commands/credential-process.ts')).credentialProcess,
  },
  {
    name: 'request',
    task: 'use it',
    summary: 'one request signed by the device; the body goes to standard output',
    arguments: [nameArgument, { name: 'METHOD', help: 'GET, PUT, POST, DELETE, HEAD, …' }, urlArgument],
    flags: [
      { name: 'service', value: 'SERVICE', help: 'the service in the credential scope; known for amazonaws.com hosts' },
      { name: 'header', value: 'NAME:VALUE', many: true, help: 'a header to send and sign; may be repeated' },
      ...bodyFlags,
      { name: 'dry-run', help: 'print the signed request and send nothing' },
      ...targetFlags,
      caFlag,
      profileFlag,
      ...keyFlags,
      { name: 'json', help: 'with --dry-run: print the signed request as JSON' },
    ],
    text: [
      'Exit status 1 unless the answer is 2xx. --verbose tells status and headers of the answer.',
      'Bodies pass as streams in both directions, of any size. In s3://BUCKET/KEY the key is not encoded.',
    ],
    examples: [
      "hardkey request prod GET 'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15'",
      'hardkey request prod PUT https://s3.eu-west-1.amazonaws.com/bucket/notes.txt --body @notes.txt',
      'hardkey request store GET s3://bucket/backup.tar --endpoint-url https://store.example:9000',
    ],
    load: async () => (await import('./commands/request.ts')).request,
  },
  {
    name: 'presign',
    task: 'use it',
    summary: 'a URL that anyone may use until it expires, up to 7 days',
    arguments: [nameArgument, urlArgument],
    flags: [
      { name: 'method', value: 'METHOD', help: 'what the URL allows; default GET' },
      { name: 'expires', value: 'TIME', help: 'from now: 900, 15m, 12h, 7d; default 1h' },
      { name: 'expires-in', value: 'SECONDS', help: 'the same, by the name that the AWS CLI has for it' },
      {
        name: 'service',
        value: 'SERVICE',
        help: 'the service in the credential scope; known for amazonaws.com hosts, else s3',
      },
      {
        name: 'header',
        value: 'NAME:VALUE',
        many: true,
        help: 'a header that the user of the URL must send; may be repeated',
      },
      ...targetFlags,
      profileFlag,
      ...keyFlags,
      jsonFlag,
    ],
    text: ['Signed with the permanent key, so it lives its whole time and not only as long as a session.'],
    examples: [
      'hardkey presign prod https://s3.eu-west-1.amazonaws.com/bucket/photo.jpg --expires 7d',
      'hardkey presign prod https://s3.eu-west-1.amazonaws.com/bucket/upload.bin --method PUT --expires 15m',
      'hardkey presign prod wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt',
    ],
    load: async () => (await import('./commands/presign.ts')).presign,
  },
  {
    name: 'token',
    task: 'use it',
    summary: 'a password by signature: rds, dsql, elasticache, memorydb, msk, eks',
    arguments: [nameArgument, { name: 'KIND', help: 'rds, dsql, elasticache, memorydb, msk or eks' }],
    flags: [
      { name: 'hostname', value: 'HOST', help: 'rds, dsql: the endpoint, as the client connects to it' },
      { name: 'port', value: 'PORT', help: 'rds' },
      { name: 'username', value: 'USER', help: 'rds: the database user' },
      { name: 'admin', help: 'dsql: for the role admin' },
      { name: 'expires-in', value: 'TIME', help: 'dsql: 900 (default), 15m, 12h; the others live 15 minutes' },
      { name: 'cache-name', value: 'NAME', help: 'elasticache, memorydb: the cache in lower case, not its endpoint' },
      { name: 'user-id', value: 'ID', help: 'elasticache, memorydb: the user' },
      { name: 'serverless', help: 'elasticache: the cache is serverless' },
      { name: 'cluster-name', value: 'NAME', help: 'eks: the cluster' },
      regionFlag,
      profileFlag,
      ...keyFlags,
      jsonFlag,
    ],
    text: ['Nothing is sent. For eks the ExecCredential is printed that kubectl reads, as by aws eks get-token.'],
    examples: [
      'hardkey token prod rds --hostname db.abc.eu-west-1.rds.amazonaws.com --port 5432 --username app',
      'hardkey token prod eks --cluster-name blue --region eu-west-1',
    ],
    load: async () => (await import('./commands/token.ts')).token,
  },
  {
    name: 'explain',
    task: 'look after it',
    summary: 'what is signed for a request, and where a service signed something else',
    arguments: [nameArgument, { name: 'METHOD', help: 'GET, PUT, …' }, urlArgument],
    flags: [
      { name: 'answer', value: '@FILE', help: 'the body of a SignatureDoesNotMatch answer, to compare with' },
      { name: 'service', value: 'SERVICE', help: 'the service in the credential scope; known for amazonaws.com hosts' },
      { name: 'header', value: 'NAME:VALUE', many: true, help: 'a header of the request; may be repeated' },
      ...bodyFlags,
      ...targetFlags,
      profileFlag,
      ...keyFlags,
      jsonFlag,
    ],
    text: [
      'Asks no device, sends nothing and shows no signature. A presigned URL is explained as it is.',
      'Exit status 1 where the answer of the service was made over another text.',
    ],
    examples: [
      'hardkey explain prod GET https://s3.eu-west-1.amazonaws.com/bucket/notes.txt',
      'hardkey explain prod GET https://s3.eu-west-1.amazonaws.com/bucket/notes.txt --answer @refused.xml',
    ],
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'list',
    task: 'look after it',
    summary: 'the records, with protection and age',
    arguments: [],
    flags: [jsonFlag],
    text: [],
    examples: ['hardkey list'],
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    name: 'inspect',
    task: 'look after it',
    summary: 'what the device says of a key, and whether it is still the same',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list)' }],
    flags: [pinSourceFlag, strictFlag, jsonFlag],
    text: ['Asks the device for the check value of the record; exit status 1 when it holds another key.'],
    examples: ['hardkey inspect prod'],
    load: async () => (await import('./commands/inspect.ts')).inspectKey,
  },
  {
    name: 'forget',
    task: 'look after it',
    summary: 'remove a record and its line in the AWS profile',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list)' }],
    flags: [
      { name: 'from-device', help: 'destroy the key in the device too; asks first' },
      pinSourceFlag,
      yesFlag,
      jsonFlag,
    ],
    text: ['The access key itself lives on at AWS until it is deactivated there.'],
    examples: ['hardkey forget prod', 'hardkey forget prod --from-device'],
    load: async () => (await import('./commands/forget.ts')).forgetKey,
  },
  {
    name: 'approve',
    task: 'look after it',
    summary: 'approve days for a key with a date rule, where the office key is',
    arguments: [{ name: 'NAME', help: 'a record (hardkey list): the one of the device, or a copy of it' }],
    flags: [
      { name: 'office-key', value: 'FILE', help: 'the private office key (PEM: P-256 or RSA)' },
      { name: 'days', value: 'N', help: 'how many days from the first one on, 1 to 366; default 31' },
      { name: 'from', value: 'YYYY-MM-DD', help: 'the first day; default: today, in UTC' },
      { name: 'out', value: 'FILE', help: 'where the approvals go; default: beside the record' },
      pinSourceFlag,
      jsonFlag,
    ],
    text: [
      'Writes NAME.approvals.json; bring it to the device, beside the record. No TPM is asked and no secret is',
      'needed but the office key, which never comes near the device. Days approved before stay approved.',
    ],
    examples: [
      'hardkey approve edge --office-key office.pem --days 31',
      'hardkey approve edge --office-key office.pem --from 2027-01-01 --out edge.approvals.json',
    ],
    load: async () => (await import('./commands/approve.ts')).approveDays,
  },
  {
    name: 'demo',
    task: 'learn',
    summary: 'the whole round on this machine, without an account or a device',
    arguments: [],
    flags: [{ name: 'then', value: 'FILE', help: 'a program for Node that is told of the demo on its standard input' }],
    text: [
      'A throw-away secret, an embedded keyset in a temporary folder, an STS on loopback that checks each',
      'signature.',
    ],
    examples: ['hardkey demo'],
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  {
    name: 'help',
    task: 'learn',
    summary: 'this overview, a command, or a topic: uri, pin',
    arguments: [{ name: 'COMMAND|uri|pin', help: 'what to tell of', optional: true }],
    flags: [],
    text: [],
    examples: ['hardkey help import', 'hardkey help uri', 'hardkey help pin'],
    load: async () => (await import('./commands/help.ts')).help,
  },
  {
    name: 'version',
    task: 'learn',
    summary: 'version and surroundings; also hardkey --version',
    arguments: [],
    flags: [jsonFlag],
    text: [],
    examples: ['hardkey --version --json'],
    load: async () => (await import('./commands/version.ts')).version,
  },
] satisfies readonly CommandSpec[])

/** The row of a command; undefined where there is none. */
export function commandNamed(name: string): CommandSpec | undefined {
  return commands.find((command) => command.name === name)
}
