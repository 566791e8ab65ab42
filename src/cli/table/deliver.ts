// The commands that give temporary credentials to programs, in the order of the overview: words, options, texts. In: nothing.
// Out: rows of the table.

import type { CommandSpec } from '../command.ts'
import { keyFlags, nameArgument, sessionFlags, stsFlags } from './flags.ts'

export const deliverCommands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'credential-process',
    task: 'give credentials',
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
    load: async () => (await import('../commands/credential-process.ts')).credentialProcess,
  },
] satisfies readonly CommandSpec[])
