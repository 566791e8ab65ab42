// STS signed by a key that hardkey holds. In: a DateKeySource, a region or an endpoint, the input of one action.
// Out: the caller's identity or temporary credentials, or one HardkeyError that says what to look at.
// AWS STS API Reference 2011-06-15; retries as in the AWS SDKs' "standard" mode, with one deadline over all attempts.

import { HardkeyError } from '../errors.ts'
import type { HttpClient } from '../http/client.ts'
import { callerOf } from '../query/caller-of.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { type CallerIdentity, readCallerIdentity, readSession, type StsSession } from './answer.ts'
import { type StsEndpoint, stsEndpoint } from './endpoints.ts'
import {
  type AssumeRoleInput,
  type CheckedInput,
  checkAssumeRole,
  checkGetFederationToken,
  checkGetSessionToken,
  type GetFederationTokenInput,
  type GetSessionTokenInput,
} from './inputs.ts'
import { queryOf } from './token-code.ts'

export interface StsClientOptions {
  /** The access key that signs: `deviceDateKeys(…)`, or `secretDateKeys(…)` for a session. */
  readonly keys: DateKeySource
  /** `eu-west-1`. May be left out where the endpoint names it. */
  readonly region?: string | undefined
  /** In place of the regional endpoint: https, or http on this machine. An AWS endpoint's own region signs. */
  readonly endpoint?: string | undefined
  readonly useFipsEndpoint?: boolean | undefined
  readonly useDualstackEndpoint?: boolean | undefined
  /** Default: `httpClient()`. A client that is handed in stays the caller's. */
  readonly http?: HttpClient | undefined
  readonly now?: (() => Date) | undefined
  /** Jitter of the pauses between attempts: at least 0, less than 1. */
  readonly random?: (() => number) | undefined
  readonly sleep?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
  /** 1 to 10. Default 3. A call with an MFA code is sent once. */
  readonly maxAttempts?: number | undefined
  /**
   * Over all attempts of a call, the device's time included; a person's typing of an MFA code is not. Default 30,000.
   */
  readonly deadlineMilliseconds?: number | undefined
}

export interface StsCallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Four actions of STS. Each call checks its input first, then signs, and gives the whole answer or throws.
 *
 * @throws ERR_CONFIG_INVALID for an input that STS does not take, before any device or network use;
 * ERR_MFA_REQUIRED where an MFA device is named without a callback; ERR_STS_REFUSED with `serviceCode`, `status` and
 * `requestId`; ERR_STS_UNREACHABLE, ERR_TIMEOUT, ERR_STS_RESPONSE_INVALID; what the key source throws
 */
export interface StsClient {
  /** Who the access key is. Needs no permission. */
  getCallerIdentity(options?: StsCallOptions): Promise<CallerIdentity>
  assumeRole(input: AssumeRoleInput, options?: StsCallOptions): Promise<StsSession>
  getSessionToken(input?: GetSessionTokenInput, options?: StsCallOptions): Promise<StsSession>
  getFederationToken(input: GetFederationTokenInput, options?: StsCallOptions): Promise<StsSession>
  /** The time as the endpoint sees it: the local clock, corrected by what the endpoint's answers showed. */
  now(): Date
  /** Ends the idle connections of its own HTTP client; one that was handed in stays as it is. */
  close(): void
}

/**
 * A client of the regional endpoint of STS. Keeps what answers showed of the endpoint's clock, and one budget for the
 * retries of all its calls.
 *
 * @throws ERR_CONFIG_INVALID for a region or endpoint that cannot be (`stsEndpoint`), and options out of range
 *
 * @example
 * ```ts
 * import { deviceDateKeys, openKey, stsClient } from 'hardkey'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * const sts = stsClient({ keys: deviceDateKeys({ key, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }), region: 'eu-west-1' })
 * const { arn } = await sts.getCallerIdentity()
 * const { credentials } = await sts.assumeRole({ roleArn: 'arn:aws:iam::123456789012:role/reader' })
 * ```
 */
export function stsClient(options: StsClientOptions): StsClient {
  const { keys } = options
  const endpoint = stsEndpoint(options)
  const caller = callerOf({ name: 'sts', version: '2011-06-15' }, endpoint, options)
  const session = async (input: CheckedInput, signal: AbortSignal | undefined): Promise<StsSession> =>
    readSession(await caller.call(queryOf(input), signal), { input, isAws: endpoint.isAws, time: caller.clock.now() })
  return {
    async getCallerIdentity({ signal } = {}) {
      const input: CheckedInput = { action: 'GetCallerIdentity', parameters: [], durationSeconds: 0 }
      const body = await caller.call(queryOf(input), signal)
      return readCallerIdentity(body, { input, isAws: endpoint.isAws, time: caller.clock.now() })
    },
    async assumeRole(input, { signal } = {}) {
      const checked = checkAssumeRole(input, keys.accessKeyId)
      requirePartition(input.roleArn, endpoint)
      return session(checked, signal)
    },
    getSessionToken: async (input = {}, { signal } = {}) => session(checkGetSessionToken(input), signal),
    getFederationToken: async (input, { signal } = {}) => session(checkGetFederationToken(input), signal),
    now: () => caller.clock.now(),
    close: () => {
      if (options.http === undefined) caller.close()
    },
  }
}

/** A role of another partition cannot be assumed: the accounts of partitions know nothing of each other. */
function requirePartition(roleArn: string, { partition, signingRegion }: StsEndpoint): void {
  const [, named = ''] = roleArn.split(':')
  if (partition === undefined || partition === named) return
  throw new HardkeyError(
    'ERR_CONFIG_INVALID',
    `roleArn is of the partition ${named}, but ${signingRegion} belongs to ${partition}`,
    {
      hint: `check the region, or write the ARN as arn:${partition}:iam::…`,
    },
  )
}
