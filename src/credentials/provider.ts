// Temporary credentials for AWS SDK clients. In: a key and exactly one STS action. Out: a provider that an SDK v3
// client takes as `credentials`: one session for all callers, renewed ahead of its end, the old one served while it is
// good. AWS SDK for JavaScript v3, AwsCredentialIdentityProvider and `callerClientConfig`.

import { HardkeyError } from '../errors.ts'
import { type HttpClient, httpClient } from '../http/client.ts'
import type { HmacKey } from '../key/hmac-key.ts'
import { deviceDateKeys } from '../sigv4/date-key.ts'
import type { TemporaryCredentials } from '../sts/answer.ts'
import { type StsClient, type StsClientOptions, stsClient } from '../sts/client.ts'
import type { AssumeRoleInput, GetFederationTokenInput, GetSessionTokenInput } from '../sts/inputs.ts'
import { checkAssumeRole, checkGetFederationToken, checkGetSessionToken } from '../sts/inputs.ts'
import { SessionKeeper } from './session-keeper.ts'

/** Exactly one action, by type, with its input. */
export type StsAction =
  | ({ readonly action: 'AssumeRole' } & AssumeRoleInput)
  | ({ readonly action: 'GetSessionToken' } & GetSessionTokenInput)
  | ({ readonly action: 'GetFederationToken' } & GetFederationTokenInput)

export interface FromHardkeyOptions {
  /** Stays the caller's, who closes it after the last use of the provider. */
  readonly key: HmacKey
  readonly accessKeyId: string
  readonly sts: StsAction
  /** Default: the region of the SDK client that asks. */
  readonly region?: string | undefined
  /** In place of the regional STS endpoint: https, or http on this machine. */
  readonly endpoint?: string | undefined
  readonly useFipsEndpoint?: boolean | undefined
  readonly useDualstackEndpoint?: boolean | undefined
  /** Default: `httpClient()`. A client that is handed in stays the caller's. */
  readonly http?: HttpClient | undefined
  readonly now?: (() => Date) | undefined
  /** A clock in milliseconds that nobody sets, for the age of a session. Default: `performance.now`. */
  readonly monotonic?: (() => number) | undefined
  /** From when on a session is renewed in the background; never more than half its life. Default 600. */
  readonly refreshAheadSeconds?: number | undefined
  /** Told when a renewal failed while the old session is still good and goes on being served. */
  readonly onRefreshFailed?: ((error: unknown) => void) | undefined
}

/** What an AWS SDK client hands to a provider. */
export interface ProviderCall {
  readonly callerClientConfig?: { readonly region?: (() => Promise<string>) | undefined } | undefined
  /** A fresh session, whatever is left of the old one. */
  readonly forceRefresh?: boolean | undefined
}

/** What an AWS SDK v3 client takes as `credentials`. */
export type CredentialProvider = (call?: ProviderCall) => Promise<TemporaryCredentials>

/**
 * A provider for the `credentials` of AWS SDK v3 clients, and for `masterCredentials` of `fromTemporaryCredentials`.
 * All clients that share it share one session. A renewal that fails never ends a session that is still good; after its
 * end the call throws, and its HardkeyError has no `tryNextLink`, so that no other identity signs in its place.
 *
 * @throws ERR_CONFIG_INVALID at once for an input that STS does not take, and a region or endpoint that cannot be; the
 * provider throws what `stsClient` throws
 *
 * @example
 * ```ts
 * import { fromHardkey, openKey } from 'hardkey'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * const credentials = fromHardkey({
 *   key,
 *   accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
 *   sts: { action: 'AssumeRole', roleArn: 'arn:aws:iam::123456789012:role/reader' },
 *   region: 'eu-west-1',
 * })
 * const { expiration } = await credentials() // or: new EC2Client({ credentials })
 * ```
 */
export function fromHardkey(options: FromHardkeyOptions): CredentialProvider {
  const { sts, key, accessKeyId, now } = options
  checkAction(sts, accessKeyId)
  // Only STS in one region is signed for: its SigningKey is kept, the DateKey is not.
  const keys = deviceDateKeys({ key, accessKeyId, keepDateKey: false, now })
  const keeper = new SessionKeeper({
    monotonic: options.monotonic ?? (() => performance.now()),
    refreshAheadSeconds: refreshAhead(options.refreshAheadSeconds ?? 600),
    mostAhead: 0.5,
    // A request needs time on its way.
    leastSeconds: 60,
    lastSeconds: 0,
    inBackground: !('tokenCode' in sts && sts.tokenCode !== undefined),
    onRefreshFailed: (error) => options.onRefreshFailed?.(error),
  })
  const http = options.http ?? onceEach
  let last: { readonly region: string | undefined; readonly client: StsClient } | undefined
  const clientIn = (region: string | undefined): StsClient => {
    if (last === undefined || last.region !== region) {
      last = { region, client: stsClient({ ...stsOptions(options), keys, region, http }) }
    }
    return last.client
  }
  // A wrong region or endpoint shows at once; no connection is made yet.
  if (options.region !== undefined) clientIn(options.region)
  return ({ callerClientConfig, forceRefresh = false } = {}) =>
    keeper.get(async () => {
      const client = clientIn(options.region ?? (await callerClientConfig?.region?.()))
      return { credentials: await credentialsFrom(client, sts), clock: () => client.now() }
    }, forceRefresh)
}

/** A session is renewed about once an hour: no connection is kept for that. */
const onceEach: HttpClient = Object.freeze({
  async send(request, options) {
    const http = httpClient()
    try {
      return await http.send(request, options)
    } finally {
      http.close()
    }
  },
  close: () => undefined,
} satisfies HttpClient)

function stsOptions({
  endpoint,
  useFipsEndpoint,
  useDualstackEndpoint,
  now,
}: FromHardkeyOptions): Omit<StsClientOptions, 'keys'> {
  return { endpoint, useFipsEndpoint, useDualstackEndpoint, now }
}

/** @throws ERR_CONFIG_INVALID, ERR_MFA_REQUIRED */
function checkAction(sts: StsAction, accessKeyId: string): void {
  switch (sts.action) {
    case 'AssumeRole':
      checkAssumeRole(inputOf(sts), accessKeyId)
      return
    case 'GetSessionToken':
      checkGetSessionToken(inputOf(sts))
      return
    case 'GetFederationToken':
      checkGetFederationToken(inputOf(sts))
      return
    default:
      throw new HardkeyError('ERR_CONFIG_INVALID', 'sts.action names no action that gives credentials', {
        hint: 'it is AssumeRole, GetSessionToken or GetFederationToken',
      })
  }
}

async function credentialsFrom(client: StsClient, sts: StsAction): Promise<TemporaryCredentials> {
  switch (sts.action) {
    case 'AssumeRole':
      return (await client.assumeRole(inputOf(sts))).credentials
    case 'GetSessionToken':
      return (await client.getSessionToken(inputOf(sts))).credentials
    case 'GetFederationToken':
      return (await client.getFederationToken(inputOf(sts))).credentials
  }
}

function inputOf<Action extends StsAction>({ action: _, ...input }: Action): Omit<Action, 'action'> {
  return input
}

function refreshAhead(seconds: number): number {
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= 86_400) return seconds
  throw new HardkeyError('ERR_CONFIG_INVALID', `refreshAheadSeconds is ${seconds}, not 0 to 86400`)
}
