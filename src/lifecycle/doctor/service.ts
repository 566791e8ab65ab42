// How STS is reached and what it says of the key. In: an HTTP client and the URL of the endpoint; an STS client that signs
// with the device. Out: findings on the way there, on the clock, and on the access key.

import { HardkeyError } from '../../errors.ts'
import type { HttpClient } from '../../http/client.ts'
import { clockDifference } from '../../query/skew.ts'
import type { CallerIdentity } from '../../sts/answer.ts'
import { type Finding, faultOf } from './finding.ts'

/** AWS takes a request up to five minutes old, some services fifteen; within a day hardkey corrects it by itself. */
const worthTellingMilliseconds = 4 * 60_000
const mostCorrectedMilliseconds = 24 * 3_600_000

export interface WayOptions {
  readonly http: HttpClient
  /** Of the endpoint, without a path. */
  readonly url: string
  readonly name: string
  readonly now: () => Date
  readonly signal: AbortSignal
}

/** Asks the endpoint without a signature: any answer shows that it is there, and its Date what our clock is worth. */
export async function wayFindings({ http, url, name, now, signal }: WayOptions): Promise<readonly Finding[]> {
  try {
    const sent = now()
    const { headers } = await http.send({ method: 'GET', url: `${url.replace(/\/$/, '')}/`, headers: {} }, { signal })
    const difference = clockDifference(headers, { sent, received: now() })
    return [
      { id: 'endpoint', state: 'ok', name, text: `${url} answers` },
      ...(difference === undefined ? [] : [clockFinding(difference)]),
    ]
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return [faultOf('endpoint', error, name)]
  }
}

function clockFinding(difference: number): Finding {
  const seconds = Math.round(Math.abs(difference) / 1000)
  const text = `the clock of this machine is ${seconds} s ${difference > 0 ? 'behind' : 'ahead'}`
  if (Math.abs(difference) < worthTellingMilliseconds) return { id: 'clock', state: 'ok', text }
  const remedy = 'set the clock: timedatectl set-ntp true'
  // Within a day each answer that shows the difference has the request signed again.
  return { id: 'clock', state: Math.abs(difference) < mostCorrectedMilliseconds ? 'note' : 'fault', text, remedy }
}

/** Whether STS knows the key; `ask` signs with the device. */
export async function identityFinding(name: string, ask: () => Promise<CallerIdentity>): Promise<Finding> {
  try {
    const { arn } = await ask()
    return { id: 'identity', state: 'ok', name, text: `AWS knows the key as ${arn}` }
  } catch (error) {
    if (!(error instanceof HardkeyError)) throw error
    return faultOf('identity', error, name)
  }
}
