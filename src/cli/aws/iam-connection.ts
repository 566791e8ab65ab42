// Where IAM is asked, and over what. In: the settings of STS, `--iam-endpoint-url`. Out: IAM clients over one HTTP client.
// IAM has one endpoint for each partition; a store that speaks STS has its IAM in the same place.

import { type IamClient, iamClient } from '../../iam/client.ts'
import { iamEndpoint } from '../../iam/endpoints.ts'
import type { DateKeySource } from '../../sigv4/date-key.ts'
import { stsEndpoint } from '../../sts/endpoints.ts'
import type { CommandContext } from '../command.ts'
import type { StsSettings } from '../settings/settings.ts'
import { connect } from './connection.ts'
import { tellingRefusals } from './refused-signature.ts'

export interface IamConnection {
  /** An IAM client that signs with these DateKeys. */
  client(keys: DateKeySource): IamClient
  /** Options of `aws iam` that lead to the same place; none where it goes there by itself. */
  readonly awsOptions: readonly string[]
  /** Ends every connection. */
  close(): void
}

/**
 * IAM of the partition; where STS is not AWS's own, the same server, as such stores have it. The caller closes it.
 * @throws ERR_CONFIG_INVALID
 */
export function connectIam({ args, environment, now, report }: CommandContext, settings: StsSettings): IamConnection {
  const { useFipsEndpoint, useDualstackEndpoint, maxAttempts } = settings
  const region = settings.region?.value
  const given = args.value('iam-endpoint-url') ?? environment.iamEndpoint
  const sts = stsEndpoint({ region, endpoint: settings.endpoint?.value, useFipsEndpoint, useDualstackEndpoint })
  const endpoint = given ?? (sts.isAws ? undefined : sts.url)
  const place = { region: sts.isAws ? sts.signingRegion : region, endpoint, useFipsEndpoint, useDualstackEndpoint }
  const { url, signingRegion, isAws } = iamEndpoint(place)
  const http = connect(settings)
  return {
    client: (keys) => iamClient({ keys, ...place, maxAttempts, http: tellingRefusals(http, keys, report.step), now }),
    awsOptions: isAws ? (signingRegion === 'us-east-1' ? [] : ['--region', signingRegion]) : ['--endpoint-url', url],
    close: () => http.close(),
  }
}
