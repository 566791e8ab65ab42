// The commands that give temporary credentials to programs, in the order of the overview: words, options, texts. In: nothing.
// Out: rows of the table.

import type { CommandSpec, FlagSpec } from '../command.ts'
import {
  cacheDirFlag,
  cacheFlags,
  jsonFlag,
  keyFlags,
  mfaCodeFlags,
  nameArgument,
  sessionFlags,
  stsFlags,
} from './flags.ts'

/** What a session may be asked for with. */
const givenFlags: readonly FlagSpec[] = [
  ...sessionFlags,
  ...mfaCodeFlags,
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
  ...cacheFlags,
  ...keyFlags,
  ...stsFlags,
]

const alsoRoleFlag: FlagSpec = {
  name: 'also-role',
  value: 'ARN',
  many: true,
  help: 'a role given out at /role-arn/ARN; may be repeated',
}

const portFlag: FlagSpec = { name: 'port', value: 'N', help: 'of 127.0.0.1; default: any that is free' }

export const deliverCommands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'credential-process',
    task: 'give credentials',
    summary: 'temporary credentials for the AWS CLI and every AWS SDK',
    arguments: [nameArgument],
    flags: givenFlags,
    text: [
      'Prints one JSON object on standard output, and only on success; answers or fails within 55 seconds.',
      'Written into ~/.aws/config by hardkey import --write-profile:  credential_process = … credential-process NAME',
    ],
    examples: [
      'hardkey credential-process prod --role-arn arn:aws:iam::123456789012:role/deploy --duration 1h',
      'hardkey credential-process prod --no-role --mfa-serial arn:aws:iam::123456789012:mfa/me',
    ],
    load: async () => (await import('../commands/credential-process.ts')).credentialProcess,
  },
  {
    name: 'export',
    task: 'give credentials',
    summary: 'temporary credentials as lines for a shell',
    arguments: [nameArgument],
    flags: [
      {
        name: 'format',
        value: 'process|env|env-no-export|powershell|windows-cmd|fish',
        help: 'as aws configure export-credentials has them; default: process, which is JSON',
      },
      ...givenFlags,
    ],
    text: [
      'Taken over in bash and zsh by:  eval "$(hardkey export prod --format env)"',
      'in fish by:  hardkey export prod --format fish | source',
      'in PowerShell by:  hardkey export prod --format powershell | Out-String | Invoke-Expression',
      'They end after some hours and nobody renews them: for what runs longer see hardkey exec.',
    ],
    examples: ['hardkey export prod --format env', 'hardkey export prod --format fish --duration 1h'],
    load: async () => (await import('../commands/export.ts')).exportCredentials,
  },
  {
    name: 'exec',
    task: 'give credentials',
    summary: 'run a program, or your shell, with the credentials of a key',
    arguments: [nameArgument],
    program: { name: 'CMD …', help: 'the program and its words, run without a shell; without it your shell' },
    flags: [
      { name: 'env', help: 'the credentials themselves, in variables; nobody renews them' },
      {
        name: 'isolate-config',
        help: 'AWS files of its own in place of yours, with the region alone; no key of boto 2',
      },
      alsoRoleFlag,
      ...givenFlags,
    ],
    text: [
      'The program gets the address and the token of an endpoint on this machine that renews the session',
      'and ends with it. Other credentials are taken out of its environment, and what unlocks a device too.',
      'HARDKEY_NAME names the key, for a prompt. PIN and MFA code are asked for before the program starts.',
      'Signals are passed on. The exit status is that of the program, 127 where there is none, 126 where it',
      'cannot be run, 128+n where a signal ended it.',
      'AWS tools take a [default] profile before an endpoint, so one that signs in is refused: --isolate-config.',
    ],
    examples: [
      'hardkey exec prod -- aws s3 ls',
      'hardkey exec prod --role-arn arn:aws:iam::123456789012:role/deploy -- terraform apply',
      'hardkey exec prod',
    ],
    load: async () => (await import('../commands/exec.ts')).exec,
  },
  {
    name: 'login',
    task: 'give credentials',
    summary: 'sign in to the AWS console in a browser',
    arguments: [nameArgument],
    flags: [
      { name: 'print', help: 'print the link in place of opening it; whoever has it may sign in for 15 minutes' },
      { name: 'destination', value: 'PAGE', help: 'a service, as s3 or ec2/home#Instances:, or an https URL' },
      { name: 'issuer', value: 'URL', help: 'where the console sends you when its session has ended' },
      {
        name: 'signin-endpoint',
        value: 'URL',
        help: "in place of the partition's sign-in endpoint: https, or http on this machine",
      },
      ...givenFlags,
    ],
    text: [
      'Signs in as a role, or with --federation-name as a federated user, who may do what --policy or --policy-arn allows.',
      'The link does not stand in the words of the browser, which other users could read: it is asked for once, from this',
      'machine, by a program of yours. --duration is the life of the console session too (a role: 15m to 12h).',
    ],
    examples: [
      'hardkey login prod --role-arn arn:aws:iam::123456789012:role/admin --duration 8h',
      'hardkey login prod --destination s3 --print',
      'hardkey login prod --no-role --federation-name visitor --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess',
    ],
    load: async () => (await import('../commands/login.ts')).login,
  },
  {
    name: 'serve',
    task: 'give credentials',
    summary: 'an endpoint on this machine from which every AWS SDK takes credentials',
    arguments: [nameArgument],
    flags: [
      { name: 'imds', help: 'be the instance metadata service (IMDSv2), for programs that know nothing else' },
      portFlag,
      { name: 'socket', value: 'PATH', help: 'a Unix socket in a folder of your own, for hardkey relay' },
      { name: 'token-file', value: 'FILE', help: 'keep the token in this file, and print its name in place of it' },
      alsoRoleFlag,
      { name: 'any-user', help: 'answer other users too, if they have the token; with --imds every user' },
      ...givenFlags,
    ],
    text: [
      "Once it answers, it prints its clients' variables as shell lines, then runs until a signal. Sessions are renewed ahead;",
      'the record is read anew each time. SIGHUP makes a new token, where there is --token-file. /metrics and /health want',
      'the token too. Takes the socket that systemd gives (LISTEN_FDS).',
      'For one program alone: hardkey exec. Tools of yours that read ~/.aws/config need none: hardkey configure --profile.',
    ],
    examples: [
      'eval "$(hardkey serve prod &)"',
      'hardkey serve prod --port 9911 --token-file /run/user/1000/hardkey/token',
      'hardkey serve prod --imds --duration 12h',
    ],
    load: async () => (await import('../commands/serve.ts')).serve,
  },
  {
    name: 'relay',
    task: 'give credentials',
    summary: 'brings the socket of hardkey serve into a container',
    arguments: [{ name: 'SOCKET', help: 'the path that hardkey serve --socket has, as the container sees it' }],
    flags: [
      portFlag,
      {
        name: 'socket-owner',
        value: 'UID',
        help: 'the user whose socket it is, where that is not the one who runs this',
      },
    ],
    text: [
      "Listens on the container's own 127.0.0.1 and passes bytes on. It holds no secret and checks none, so it takes a socket",
      'from a folder alone that nobody but root and you, or in your place UID, can change; for each connection anew.',
    ],
    examples: ['hardkey relay /run/hardkey/endpoint.sock --port 9911'],
    load: async () => (await import('../commands/relay.ts')).relay,
  },
  {
    name: 'cache',
    task: 'give credentials',
    summary: 'forget the sessions that are kept between runs',
    arguments: [
      { name: 'clear', help: 'the word clear' },
      { ...nameArgument, optional: true },
    ],
    flags: [cacheDirFlag, ...keyFlags, jsonFlag],
    text: [
      'Sessions lie in a folder in memory: $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/hardkey, /run/user/UID/hardkey or',
      '/dev/shm/hardkey-UID, whichever is there and yours alone. Without NAME those of all keys are forgotten, and',
      'what killed runs left. A refused PIN is not: hardkey doctor --clear-latch.',
      'A session that was handed out stays good until it ends: AWS alone can end it before.',
    ],
    examples: ['hardkey cache clear', 'hardkey cache clear prod'],
    load: async () => (await import('../commands/cache.ts')).cache,
  },
] satisfies readonly CommandSpec[])
