// The caller of one query API, with the real clock, network and chance where a client's options name no others. In: the API,
// its endpoint, the options that every client has. Out: a QueryCaller.

import { setTimeout as wait } from 'node:timers/promises'
import { HardkeyError } from '../errors.ts'
import { type HttpClient, httpClient } from '../http/client.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import { sigV4Signer } from '../sigv4/signer.ts'
import { type CallerParts, QueryCaller, type QueryService } from './call.ts'
import { EndpointClock } from './skew.ts'

/** What the clients of STS and IAM have in common; what each member means, they say. */
export interface CallerOptions {
  readonly keys: DateKeySource
  readonly http?: HttpClient | undefined
  readonly now?: (() => Date) | undefined
  readonly random?: (() => number) | undefined
  readonly sleep?: CallerParts['sleep'] | undefined
  readonly maxAttempts?: number | undefined
  readonly deadlineMilliseconds?: number | undefined
}

/** @throws ERR_CONFIG_INVALID for attempts that are not 1 to 10 and a deadline that is not 1 to 3,600,000 */
export function callerOf(
  service: QueryService,
  endpoint: CallerParts['endpoint'],
  options: CallerOptions,
): QueryCaller {
  const { keys, now = () => new Date() } = options
  return new QueryCaller({
    service,
    keys,
    endpoint,
    http: options.http ?? httpClient(),
    signer: sigV4Signer({ keys, region: endpoint.signingRegion, service: service.name, now }),
    clock: new EndpointClock(now),
    now,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? ((milliseconds, signal) => wait(milliseconds, undefined, { signal })),
    maxAttempts: inRange('maxAttempts', options.maxAttempts ?? 3, 1, 10),
    deadlineMilliseconds: inRange('deadlineMilliseconds', options.deadlineMilliseconds ?? 30_000, 1, 3_600_000),
  })
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new HardkeyError('ERR_CONFIG_INVALID', `${name} is ${value}, not a whole number from ${least} to ${most}`)
}
