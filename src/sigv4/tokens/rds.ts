// The password of a database user of Amazon RDS or Aurora that logs in by IAM. In: host, port, user. Out: a token for 15
// minutes. Amazon RDS User Guide, "IAM database authentication"; as @aws-sdk/rds-signer writes it.

import { HardkeyError } from '../../errors.ts'
import { type LoginToken, presignedLogin, type TokenOptions } from './login-token.ts'

export interface RdsTokenOptions extends TokenOptions {
  /** Endpoint of the instance, cluster or proxy, as the client connects to it. */
  readonly hostname: string
  readonly port: number
  readonly username: string
}

const lifeSeconds = 900

/**
 * A token to log in to RDS with, for 15 minutes. The connection must use TLS.
 *
 * @throws ERR_REQUEST_INVALID for a host, port or user that is none; what the key throws
 *
 * @example
 * ```ts
 * import { rdsToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const database = { hostname: 'db.abc.eu-west-1.rds.amazonaws.com', port: 5432, username: 'app' }
 * const { token } = await rdsToken({ keys, region: 'eu-west-1', ...database })
 * ```
 */
export async function rdsToken(options: RdsTokenOptions): Promise<LoginToken> {
  const { hostname, port, username } = options
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the port is not a number from 1 to 65535')
  }
  if (username === '') throw new HardkeyError('ERR_REQUEST_INVALID', 'the name of the database user is empty')
  const query = [['Action', 'connect'] as const, ['DBUser', username] as const]
  const login = { service: 'rds-db', host: `${hostname}:${port}`, query, expiresIn: lifeSeconds }
  return await presignedLogin(options, login, 'sdk')
}
