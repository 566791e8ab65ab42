// The clock as an endpoint sees it. In: the local clock, and the Date header of each answer. Out: the corrected time.
// As in the AWS SDKs: a difference of four minutes counts, since AWS takes requests up to five or fifteen minutes old.
// Never more than a day: so the corrected time stays within yesterday, today and tomorrow of the local clock, which
// alone a device is asked for, and a false Date header cannot have a distant day signed.

const worthCorrecting = 4 * 60_000
const mostCorrected = 24 * 3_600_000

/** When a request was sent and its answer received, by the local clock. */
export interface Exchange {
  readonly sent: Date
  readonly received: Date
}

/**
 * How far the endpoint's clock is ahead of ours, in milliseconds: its Date header against the middle of the exchange.
 * Undefined where the answer does not tell: without a Date, or with an Age, as an answer from a cache has it.
 */
export function clockDifference(
  headers: Readonly<Record<string, string>>,
  { sent, received }: Exchange,
): number | undefined {
  const { date, age } = headers
  if (date === undefined || age !== undefined) return undefined
  const difference = Date.parse(date) - (sent.getTime() + received.getTime()) / 2
  return Number.isNaN(difference) ? undefined : Math.round(difference)
}

/** The local clock, with the correction that the endpoint's answers call for. */
export class EndpointClock {
  readonly #now: () => Date
  #offset = 0

  constructor(now: () => Date) {
    this.#now = now
  }

  /** Milliseconds that are added to the local clock; 0 while it is right. */
  get offset(): number {
    return this.#offset
  }

  now(): Date {
    return new Date(this.#now().getTime() + this.#offset)
  }

  /** Takes the difference that an answer showed. One that is too large to be corrected leaves things as they are. */
  learn(difference: number | undefined): void {
    if (difference === undefined || Math.abs(difference) > mostCorrected) return
    this.#offset = Math.abs(difference) < worthCorrecting ? 0 : difference
  }
}

/** True where the correction has changed so much since the request was signed that signing it again may help. */
export function isCorrected(clock: EndpointClock, offsetThen: number): boolean {
  return Math.abs(clock.offset - offsetThen) >= worthCorrecting
}
