// `hardkey login NAME`: signs in to the AWS console. Out: the browser with the console in it, or with --print the link on
// standard output. IAM User Guide, "Enable custom identity broker access to the AWS console".

import { stsEndpoint } from '../../sts/endpoints.ts'
import { accountFor } from '../account/account.ts'
import { connect } from '../aws/connection.ts'
import type { CommandContext } from '../command.ts'
import { namedKey } from '../device/open-key.ts'
import { openOnce } from '../program/open-once.ts'
import { consoleLink, consolePages } from '../session/console-link.ts'
import { sessionSource } from '../session/session-source.ts'
import { cappedDuration, durationOption } from '../settings/durations.ts'
import { stsSettings } from '../settings/settings.ts'

/** Opens or prints the link. */
export async function login(context: CommandContext): Promise<number> {
  const { args, output, report, signal } = context
  const { settings, profile } = await namedKey(context)
  const sts = await stsSettings(context, settings)
  const { region, endpoint, ...network } = sts
  const place = stsEndpoint({ ...network, region: region?.value, endpoint: endpoint?.value })
  const wanted = {
    region: place.signingRegion,
    partition: place.partition ?? 'aws',
    signInEndpoint: args.value('signin-endpoint'),
    destination: args.value('destination'),
    issuer: args.value('issuer'),
  }
  consolePages(wanted)
  const isFederated = args.has('federation-name')
  const source = await sessionSource(context)
  const http = connect(sts)
  try {
    if (!isFederated && source.roleArn === undefined) throw noRole(context)
    // GetFederationToken has no SessionDuration: its console session ends with its credentials.
    const wished = isFederated ? undefined : (durationOption(args, 'duration') ?? settings.durationSeconds)
    const call = (profile?.through.length ?? 0) > 0 ? 'chained' : 'AssumeRole'
    // What is too long was noted for the session already.
    const sessionSeconds = cappedDuration({ note: report.step }, call, wished)
    const credentials = await source.credentials()
    report.step('ask the sign-in endpoint for a token')
    const asked = consoleLink(http, { ...wanted, credentials, sessionSeconds }, signal)
    const link = await report.waiting('the sign-in endpoint', asked)
    if (args.has('print')) output.line(link)
    else await report.waiting('the browser', openOnce(context, link))
    await accountFor(context).handedOut(source.keyOf(credentials.accessKeyId), credentials)
    return 0
  } finally {
    http.close()
    await source.close()
  }
}

function noRole({ args }: CommandContext): Error {
  const remedy = 'give --role-arn, or --federation-name NAME with --policy or --policy-arn'
  return args.wrong('the console takes no session of the user itself', remedy)
}
