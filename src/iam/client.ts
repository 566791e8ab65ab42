// IAM, as far as the access keys of a user and the end of a leak go. In: a DateKeySource, a region or an endpoint, the name
// of a user or role. Out: the keys, a new one, or one HardkeyError that says what to look at. AWS IAM API Reference 2010-05-08.
// CreateAccessKey is sent once: where its answer is lost, ListAccessKeys tells whether there is a key more.

import { HardkeyError } from '../errors.ts'
import type { HttpClient } from '../http/client.ts'
import { callerOf } from '../query/caller-of.ts'
import type { Parameter } from '../query/form.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { type AccessKey, type AccessKeyUse, readAccessKeys, readDone, readLastUse } from './answer.ts'
import { type IamEndpointOptions, iamEndpoint } from './endpoints.ts'
import { type NewAccessKey, readNewAccessKey } from './new-access-key.ts'

export interface IamClientOptions extends IamEndpointOptions {
  /** The access key that signs: `deviceDateKeys(…)`, or `secretDateKeys(…)` for a session made with MFA. */
  readonly keys: DateKeySource
  /** Default: `httpClient()`. A client that is handed in stays the caller's. */
  readonly http?: HttpClient | undefined
  readonly now?: (() => Date) | undefined
  readonly random?: (() => number) | undefined
  readonly sleep?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
  /** Of all calls but CreateAccessKey. Default 3. */
  readonly maxAttempts?: number | undefined
  /** Over all attempts of a call. Default 30,000. */
  readonly deadlineMilliseconds?: number | undefined
}

export interface IamCallOptions {
  readonly signal?: AbortSignal | undefined
}

/** An inline policy of a user or role; one of the same name is replaced. */
export interface InlinePolicy {
  readonly name: string
  /** JSON. */
  readonly document: string
}

/**
 * Seven actions of IAM. A session must name the user, so every call does.
 *
 * @throws ERR_CONFIG_INVALID for what is no name of a user or role, ERR_STS_REFUSED with `serviceCode`, `status` and `requestId`,
 * ERR_STS_UNREACHABLE, ERR_TIMEOUT, ERR_STS_RESPONSE_INVALID; what the key source throws
 */
export interface IamClient {
  /** In the order of IAM; two at most. */
  listAccessKeys(userName: string, options?: IamCallOptions): Promise<readonly AccessKey[]>
  /** Makes a key. The caller wipes its secret. Sent once; after ERR_STS_REFUSED there is none. */
  createAccessKey(userName: string, options?: IamCallOptions): Promise<NewAccessKey>
  setAccessKey(
    userName: string,
    accessKeyId: string,
    to: 'Active' | 'Inactive',
    options?: IamCallOptions,
  ): Promise<void>
  deleteAccessKey(userName: string, accessKeyId: string, options?: IamCallOptions): Promise<void>
  lastUse(accessKeyId: string, options?: IamCallOptions): Promise<AccessKeyUse>
  putUserPolicy(userName: string, policy: InlinePolicy, options?: IamCallOptions): Promise<void>
  putRolePolicy(roleName: string, policy: InlinePolicy, options?: IamCallOptions): Promise<void>
  /** The time as the endpoint sees it. */
  now(): Date
  /** Ends the idle connections of its own HTTP client; one that was handed in stays as it is. */
  close(): void
}

/** A client of the one endpoint of IAM in a partition. @throws ERR_CONFIG_INVALID for a region or endpoint that cannot be */
export function iamClient(options: IamClientOptions): IamClient {
  const endpoint = iamEndpoint(options)
  const caller = callerOf({ name: 'iam', version: '2010-05-08' }, endpoint, options)
  const change = async (action: string, parameters: readonly Parameter[], signal?: AbortSignal): Promise<void> =>
    readDone(await caller.call({ action, parameters }, signal), action)
  return {
    async listAccessKeys(userName, { signal } = {}) {
      const body = await caller.call({ action: 'ListAccessKeys', parameters: [user(userName)] }, signal)
      return readAccessKeys(body, endpoint.isAws)
    },
    async createAccessKey(userName, { signal } = {}) {
      const input = { action: 'CreateAccessKey', parameters: [user(userName)], once: true, holdsSecret: true }
      return readNewAccessKey(await caller.call(input, signal), endpoint.isAws)
    },
    async setAccessKey(userName, id, to, { signal } = {}) {
      await change('UpdateAccessKey', [user(userName), ['AccessKeyId', id], ['Status', to]], signal)
    },
    async deleteAccessKey(userName, id, { signal } = {}) {
      await change('DeleteAccessKey', [user(userName), ['AccessKeyId', id]], signal)
    },
    async lastUse(id, { signal } = {}) {
      return readLastUse(
        await caller.call({ action: 'GetAccessKeyLastUsed', parameters: [['AccessKeyId', id]] }, signal),
      )
    },
    async putUserPolicy(userName, policy, { signal } = {}) {
      await change('PutUserPolicy', [user(userName), ...inline(policy)], signal)
    },
    async putRolePolicy(roleName, policy, { signal } = {}) {
      await change('PutRolePolicy', [role(roleName), ...inline(policy)], signal)
    },
    now: () => caller.clock.now(),
    close: () => {
      if (options.http === undefined) caller.close()
    },
  }
}

function user(name: string): Parameter {
  return ['UserName', checkedName(name, 'user', 128)]
}

function role(name: string): Parameter {
  return ['RoleName', checkedName(name, 'role', 64)]
}

/** IAM API Reference: UserName has 1 to 128 characters, RoleName 1 to 64. */
function checkedName(name: string, of: 'user' | 'role', most: number): string {
  if (/^[\w+=,.@-]+$/.test(name) && name.length <= most) return name
  throw new HardkeyError('ERR_CONFIG_INVALID', `"${name.slice(0, most)}" is not the name of an IAM ${of}`, {
    hint: `a name has 1 to ${most} letters, digits or _+=,.@-, and no path before it`,
  })
}

function inline({ name, document }: InlinePolicy): readonly Parameter[] {
  return [
    ['PolicyName', name],
    ['PolicyDocument', document],
  ]
}
