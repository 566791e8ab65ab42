// What the endpoint tells of itself, behind its token. In: counts. Out: `/metrics` in the text format of Prometheus
// (exposition format 0.0.4), and `/health`: 200 while credentials are good, else 503. No device and no STS is asked.

import { type Answer, plain, unavailable } from './answer.ts'
import type { SessionFigures } from './sessions.ts'

export class Figures {
  readonly #sessions: () => SessionFigures
  readonly #requests = new Map<number, number>()

  constructor(sessions: () => SessionFigures) {
    this.#sessions = sessions
  }

  /** Counts an answer. */
  answered(status: number): void {
    this.#requests.set(status, (this.#requests.get(status) ?? 0) + 1)
  }

  /** True for a path of this file. */
  has(path: string): boolean {
    return path === '/metrics' || path === '/health'
  }

  answer(path: string): Answer {
    return path === '/health' ? this.#health() : plain(this.#metrics())
  }

  #health(): Answer {
    const ended = [...this.#sessions().secondsLeft.values()].filter((seconds) => seconds < 60)
    return ended.length === 0 ? plain('good\n') : unavailable('NoCredentials', 'no session is good for a minute')
  }

  #metrics(): string {
    const { sessions, failures, secondsLeft } = this.#sessions()
    const lines = [
      ...metric('requests_total', 'counter', 'Answers, by HTTP status.', [...this.#requests], 'status'),
      ...metric('sessions_total', 'counter', 'Sessions that STS gave.', [['', sessions]]),
      ...metric('failures_total', 'counter', 'Times that no good session could be had.', [['', failures]]),
      ...metric('session_seconds_left', 'gauge', 'Life left of the session given out.', [...secondsLeft], 'role'),
    ]
    return `${lines.join('\n')}\n`
  }
}

function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [string | number, number])[],
  label?: string,
): readonly string[] {
  const full = `hardkey_endpoint_${name}`
  // A role's ARN has no quote and no backslash, which would have to be escaped.
  const lines = samples.map(([of, value]) => `${full}${label === undefined ? '' : `{${label}="${of}"}`} ${value}`)
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines]
}
