// One call of a query API (STS, IAM), attempts and all. In: a checked input. Out: the answer's body, or the last failure.
// 1. Each attempt is signed anew, at one instant of the endpoint's clock; the device is asked once a day all the same.
// 2. A call with an MFA code is sent once: the code is spent, whatever became of the request. So is one that makes
//    something anew each time.
// 3. One deadline covers all attempts and pauses. What it or the caller ends throws the reason of that signal.

import { HardkeyError } from '../errors.ts'
import type { HttpAnswer, HttpClient } from '../http/client.ts'
import { withDeadline } from '../http/deadline.ts'
import type { DateKeySource } from '../sigv4/date-key.ts'
import type { SigV4Signer } from '../sigv4/signer.ts'
import { formBody, type Parameter } from './form.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { type Failing, pauseBefore, RetryBudget } from './retry.ts'
import { clockDifference, type EndpointClock, isCorrected } from './skew.ts'

/** Which API is called. */
export interface QueryService {
  /** As the credential scope and policies spell it: `sts`. */
  readonly name: 'sts' | 'iam'
  /** `2011-06-15`. */
  readonly version: string
}

/** What one call sends. */
export interface QueryInput {
  readonly action: string
  /** In the API's order. */
  readonly parameters: readonly Parameter[]
  /** Asks for a code, once for the call, and gives the parameters with it. */
  readonly withCode?: (
    signal: AbortSignal | undefined,
  ) => Promise<{ readonly parameters: readonly Parameter[]; readonly code: string }>
  /** Sent once: where the answer is lost, nobody knows what came of it. */
  readonly once?: boolean
  /** The answer holds a secret, of which the body is to be the only copy. */
  readonly holdsSecret?: boolean
}

/** What calls are made with. */
export interface CallerParts {
  readonly service: QueryService
  readonly keys: DateKeySource
  readonly endpoint: { readonly url: string; readonly signingRegion: string }
  readonly http: HttpClient
  readonly signer: SigV4Signer
  readonly clock: EndpointClock
  readonly now: () => Date
  readonly random: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly maxAttempts: number
  readonly deadlineMilliseconds: number
}

/** What one attempt came to. */
type Outcome =
  | { readonly body: Uint8Array }
  | {
      readonly error: unknown
      readonly failing: Failing
      readonly answered: boolean
      readonly retryAfter?: string | undefined
      readonly atOnce?: boolean
    }

/** Sends the same form until it is answered, the attempts are used up or the deadline has passed. */
export class QueryCaller {
  readonly #parts: CallerParts
  readonly #budget: RetryBudget

  constructor(parts: CallerParts) {
    this.#parts = parts
    this.#budget = new RetryBudget(parts.service.name.toUpperCase())
  }

  get clock(): EndpointClock {
    return this.#parts.clock
  }

  close(): void {
    this.#parts.http.close()
  }

  /** The body of a 200 answer. Asks for the MFA code first, outside the deadline. */
  async call(input: QueryInput, signal: AbortSignal | undefined): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.#budget.enter(this.#parts.now())
    const { parameters, code } = (await input.withCode?.(signal)) ?? { ...input, code: undefined }
    const secrets = [code, this.#parts.keys.sessionToken].filter((secret) => secret !== undefined)
    const { deadlineMilliseconds, endpoint, service } = this.#parts
    const what = `no answer from ${new URL(endpoint.url).host}`
    return withDeadline(signal === undefined ? [] : [signal], deadlineMilliseconds, what, async (either) => {
      try {
        return await this.#tryRepeatedly(formBody(input.action, service.version, parameters), input, secrets, either)
      } catch (error) {
        // Whatever a part of the work threw on its way out: an abort shows as the reason of the signal.
        throw either.aborted ? either.reason : error
      }
    })
  }

  async #tryRepeatedly(
    form: string,
    input: QueryInput,
    secrets: readonly string[],
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    // A code that was sent is spent, whatever became of the request.
    const most = input.withCode === undefined && input.once !== true ? this.#parts.maxAttempts : 1
    let wasCorrected = false
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(form, input, secrets, signal)
      if ('body' in outcome || outcome.answered) this.#budget.answered(attempt - 1)
      if ('body' in outcome) return outcome.body
      if (!outcome.answered) this.#budget.failed(this.#parts.now(), outcome.error)
      const isFinal = outcome.failing === 'final' || (outcome.atOnce === true && wasCorrected)
      if (isFinal || attempt >= most || !this.#budget.take()) throw outcome.error
      wasCorrected ||= outcome.atOnce === true
      if (outcome.atOnce === true) continue
      const pause = pauseBefore(attempt + 1, outcome.failing, this.#parts.random(), outcome.retryAfter)
      await this.#parts.sleep(pause, signal)
    }
  }

  async #attempt(
    form: string,
    { action, withCode, holdsSecret }: QueryInput,
    secrets: readonly string[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { service, endpoint, clock, keys, now } = this.#parts
    const offset = clock.offset
    const signed = await this.#parts.signer.sign(
      {
        method: 'POST',
        url: endpoint.url,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form,
      },
      { date: clock.now(), signal },
    )
    const sent = now()
    const answer = await this.#send(
      { ...signed, headers: { ...signed.headers, 'user-agent': 'hardkey' }, body: form },
      { signal, holdsSecret },
    )
    if ('error' in answer) return answer
    const difference = clockDifference(answer.headers, { sent, received: now() })
    clock.learn(difference)
    if (answer.status === 200) return { body: answer.body }
    const context = {
      service: service.name,
      action,
      host: new URL(endpoint.url).host,
      region: endpoint.signingRegion,
      accessKeyId: keys.accessKeyId,
      withMfa: withCode !== undefined,
      secrets,
      clockAhead: difference === undefined ? undefined : difference - offset,
    }
    return outcomeOf(refusalOf(answer, context), answer, isCorrected(clock, offset))
  }

  async #send(
    request: { method: string; url: string; headers: Record<string, string>; body: string },
    options: { readonly signal: AbortSignal; readonly holdsSecret: boolean | undefined },
  ): Promise<HttpAnswer | Extract<Outcome, { error: unknown }>> {
    try {
      return await this.#parts.http.send(request, options)
    } catch (error) {
      const passes = error instanceof HardkeyError && error.tryAgain && !options.signal.aborted
      return { error, failing: passes ? 'transient' : 'final', answered: false }
    }
  }
}

/** Codes that a wrong clock leads to, surely or possibly. With a corrected clock the request is signed once more. */
const clockCodes: readonly string[] = [
  'RequestTimeTooSkewed',
  'RequestExpired',
  'RequestInTheFuture',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'AuthFailure',
  'AccessDeniedException',
]

function outcomeOf({ error, failing, serviceCode }: Refusal, answer: HttpAnswer, isClockCorrected: boolean): Outcome {
  // 5xx and throttling are signs of trouble there: they count against the budget as silence does.
  const answered = failing === 'final'
  if (isClockCorrected && serviceCode !== undefined && clockCodes.includes(serviceCode)) {
    return { error, failing: 'transient', answered: true, atOnce: true }
  }
  return { error, failing, answered, retryAfter: answer.headers['retry-after'] }
}
