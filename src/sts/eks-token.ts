// The bearer token for the Kubernetes API of an Amazon EKS cluster. In: cluster, region. Out: a token for 15 minutes.
// aws-iam-authenticator, "API authorization from outside a cluster"; as `aws eks get-token` writes it: GetCallerIdentity,
// presigned, with the cluster's name as a signed header.

import { HardkeyError } from '../errors.ts'
import { base64Url, type LoginToken, presignedLogin, type TokenOptions } from '../sigv4/tokens/login-token.ts'
import { stsEndpoint } from './endpoints.ts'

export interface EksTokenOptions extends TokenOptions {
  /** Name of the cluster (for a local cluster on Outposts: its ID). */
  readonly clusterName: string
}

/** The server takes the URL for 15 minutes, whatever it says; the AWS CLI writes 60 seconds. */
const urlSeconds = 60

/** A minute before the token ends, so that clients ask again in time: as the AWS CLI tells it. */
const tokenMinutes = 14

/**
 * A token for the Kubernetes API of an EKS cluster. `expiration`: after 14 of its 15 minutes.
 *
 * @throws ERR_REQUEST_INVALID for a cluster's name that is none; ERR_CONFIG_INVALID for an unknown region; what the key throws
 *
 * @example
 * ```ts
 * import { eksToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const { token } = await eksToken({ keys, region: 'eu-west-1', clusterName: 'blue' })
 * ```
 */
export async function eksToken(options: EksTokenOptions): Promise<LoginToken> {
  const { clusterName, region, now = () => new Date() } = options
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(clusterName)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the name of the cluster is not one', {
      hint: 'a cluster has a name of letters, digits, "-" and "_", at most 100',
    })
  }
  const date = now()
  const endpoint = stsEndpoint({ region })
  const query = [['Action', 'GetCallerIdentity'] as const, ['Version', '2011-06-15'] as const]
  const { token } = await presignedLogin(
    { ...options, now: () => date },
    {
      service: 'sts',
      host: new URL(endpoint.url).host,
      query,
      headers: { 'x-k8s-aws-id': clusterName },
      expiresIn: urlSeconds,
    },
    'botocore',
  )
  return {
    token: `k8s-aws-v1.${base64Url(`https://${token}`)}`,
    expiration: new Date(date.getTime() + tokenMinutes * 60_000),
  }
}
