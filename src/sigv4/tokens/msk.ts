// The OAUTHBEARER token of a client of Amazon MSK (Kafka). In: region. Out: a token for 15 minutes.
// Amazon MSK Developer Guide, "IAM access control"; as aws-msk-iam-sasl-signer writes it: a presigned URL in base64.

import { encode } from '../encoding.ts'
import { base64Url, type LoginToken, presignedLogin, type TokenOptions } from './login-token.ts'

export interface MskTokenOptions extends TokenOptions {
  /** Whom the brokers' log names as the client. Not signed. Default `hardkey`. */
  readonly userAgent?: string | undefined
}

const lifeSeconds = 900

/**
 * A token for SASL/OAUTHBEARER with MSK, for 15 minutes.
 *
 * @throws what the key throws
 *
 * @example
 * ```ts
 * import { mskToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const { token } = await mskToken({ keys, region: 'eu-west-1' })
 * ```
 */
export async function mskToken(options: MskTokenOptions): Promise<LoginToken> {
  const { region, userAgent = 'hardkey' } = options
  const query = [['Action', 'kafka-cluster:Connect'] as const]
  const host = `kafka.${region}.amazonaws.com`
  const login = { service: 'kafka-cluster', host, query, expiresIn: lifeSeconds }
  const { token, expiration } = await presignedLogin(options, login, 'botocore')
  return { token: base64Url(`https://${token}&User-Agent=${encode(userAgent)}`), expiration }
}
