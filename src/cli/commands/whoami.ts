// `hardkey whoami NAME`: GetCallerIdentity signed by the device.
// Out: account, ARN and user id on standard output.

import type { CommandContext } from '../command.ts'
import { withDateKeys } from '../device/date-keys.ts'
import { namedKey, tellUserSigns } from '../device/open-key.ts'
import { stsSettings } from '../settings/settings.ts'
import { pairLines } from '../texts/table-lines.ts'

/** Prints who the key is at AWS; `--json` in the shape of the AWS CLI's `sts get-caller-identity`. */
export async function whoami(context: CommandContext): Promise<number> {
  const { args, now, output, report, signal } = context
  const named = await namedKey(context)
  tellUserSigns(context, named)
  const settings = await stsSettings(context, named.settings)
  const { account, arn, userId } = await withDateKeys(context, named, {
    scope: settings.scope,
    prepare: async () => (await import('../aws/connection.ts')).connectSts(settings, report.step),
    use: (keys, sts) => report.waiting('STS', sts.client(keys, now).getCallerIdentity({ signal })),
  })
  if (args.has('json')) output.json({ UserId: userId, Account: account, Arn: arn })
  else {
    const pairs = [['account', account] as const, ['arn', arn] as const, ['user id', userId] as const]
    output.line(pairLines(pairs).join('\n'))
  }
  return 0
}
