// The password of a user of Amazon ElastiCache (Valkey, Redis OSS) or MemoryDB. In: cache and user. Out: a token for 15
// minutes. Amazon ElastiCache User Guide and Amazon MemoryDB Developer Guide, "Authenticating with IAM".

import { HardkeyError } from '../../errors.ts'
import { type LoginToken, presignedLogin, type TokenOptions } from './login-token.ts'

export interface CacheTokenOptions extends TokenOptions {
  /** Name of the replication group, serverless cache or cluster in lower case, not its endpoint. */
  readonly cacheName: string
  /** For IAM the user ID, which is also the user's name. */
  readonly userId: string
}

export interface ElastiCacheTokenOptions extends CacheTokenOptions {
  /** True for a serverless cache. Default false. */
  readonly serverless?: boolean | undefined
}

const lifeSeconds = 900

/**
 * A token to log in to ElastiCache with, for 15 minutes.
 *
 * @throws ERR_REQUEST_INVALID for a name that is none; what the key throws
 *
 * @example
 * ```ts
 * import { elastiCacheToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const { token } = await elastiCacheToken({ keys, region: 'eu-west-1', cacheName: 'sessions', userId: 'app' })
 * ```
 */
export async function elastiCacheToken(options: ElastiCacheTokenOptions): Promise<LoginToken> {
  const more = options.serverless === true ? [['ResourceType', 'ServerlessCache'] as const] : []
  return await cacheToken(options, 'elasticache', more)
}

/**
 * A token to log in to MemoryDB with, for 15 minutes.
 *
 * @throws as `elastiCacheToken`
 *
 * @example
 * ```ts
 * import { memoryDbToken, secretDateKeys } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const { token } = await memoryDbToken({ keys, region: 'eu-west-1', cacheName: 'sessions', userId: 'app' })
 * ```
 */
export async function memoryDbToken(options: CacheTokenOptions): Promise<LoginToken> {
  return await cacheToken(options, 'memorydb', [])
}

async function cacheToken(
  options: CacheTokenOptions,
  service: string,
  more: readonly (readonly [string, string])[],
): Promise<LoginToken> {
  const { cacheName, userId } = options
  if (!/^[a-z0-9][a-z0-9-]*$/.test(cacheName)) {
    throw new HardkeyError('ERR_REQUEST_INVALID', 'the name of the cache is not one', {
      hint: 'give its name in lower case (letters, digits, "-"), not its endpoint',
    })
  }
  if (userId === '') throw new HardkeyError('ERR_REQUEST_INVALID', 'the user ID is empty')
  const query = [['Action', 'connect'] as const, ['User', userId] as const, ...more]
  return await presignedLogin(options, { service, host: cacheName, query, expiresIn: lifeSeconds }, 'botocore')
}
