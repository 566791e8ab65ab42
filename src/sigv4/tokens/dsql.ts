// The password of a database role of Amazon Aurora DSQL. In: host, whether as admin. Out: a token.
// Amazon Aurora DSQL User Guide, "Generating an authentication token"; as @aws-sdk/dsql-signer writes it.

import { type LoginToken, presignedLogin, type TokenOptions } from './login-token.ts'

export interface DsqlTokenOptions extends TokenOptions {
  /** Endpoint of the cluster: `ID.dsql.REGION.on.aws`. */
  readonly hostname: string
  /** True for the role `admin` (DbConnectAdmin), false for any other (DbConnect). Default false. */
  readonly admin?: boolean | undefined
  /** Seconds until the token expires, 1 to 604800. Default 900. */
  readonly expiresIn?: number | undefined
}

/**
 * A token to log in to Aurora DSQL with.
 *
 * @throws ERR_REQUEST_INVALID for a host that is none and for `expiresIn` out of range; what the key throws
 *
 * @example
 * ```ts
 * import { dsqlToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const { token } = await dsqlToken({ keys, region: 'eu-west-1', hostname: 'abc.dsql.eu-west-1.on.aws' })
 * ```
 */
export async function dsqlToken(options: DsqlTokenOptions): Promise<LoginToken> {
  const { hostname, admin = false, expiresIn = 900 } = options
  const query = [['Action', admin ? 'DbConnectAdmin' : 'DbConnect'] as const]
  return await presignedLogin(options, { service: 'dsql', host: hostname, query, expiresIn }, 'sdk')
}
