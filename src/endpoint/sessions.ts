// The sessions that the endpoint gives out. In: a source, and the roles that may be asked for. Out: good credentials, and
// what is known of them for metrics.
// 1. The source alone decides when a session is renewed. It is asked from time to time too, so that it does so ahead and
// no caller waits for it.
// 2. Credentials with less than a minute left are not given out: a request needs time on its way (F-E08).

import type { SessionSource } from '../credentials/session-source.ts'
import { HardkeyError } from '../errors.ts'
import type { TemporaryCredentials } from '../sts/answer.ts'

/** A source that holds on to sessions with less left keeps a new one back. */
export const leastSecondsGiven: number = 60

/** For so long what the source gave last is given on: thousands may ask in one second. */
const givenOnMilliseconds = 1000

/** Between two looks, with jitter: endpoints that start together shall not ask STS together. */
const lookMilliseconds = { least: 15_000, jitter: 10_000 }

/** One session, the same object for as long as it is given out. */
export interface GivenSession {
  readonly credentials: TemporaryCredentials
  /** When it was first seen. */
  readonly since: Date
  /** Undefined for a session of the user itself. */
  readonly roleArn: string | undefined
}

interface HeldSession {
  readonly session: GivenSession
  /** When the source gave it last, by the clock. */
  readonly at: number
}

export interface SessionsOptions {
  readonly source: SessionSource
  /** Besides the source's own role. */
  readonly otherRoles: readonly string[]
  readonly now: () => Date
  /** 0 to 1. */
  readonly random: () => number
  /** Told when the source fails for a role, once until it gives again; at the start it is thrown and not told. */
  readonly onFailed: (error: unknown) => void
}

/** What `figures` tells. */
export interface SessionFigures {
  /** Sessions seen so far. */
  readonly sessions: number
  /** Failures of the source so far. */
  readonly failures: number
  /** By role, empty for the user itself: seconds left, 0 after the end. */
  readonly secondsLeft: ReadonlyMap<string, number>
}

export class Sessions {
  readonly #options: SessionsOptions
  /** The source's own role stands under undefined. */
  readonly #given = new Map<string | undefined, HeldSession>()
  readonly #failing = new Set<string | undefined>()
  readonly #counts = { sessions: 0, failures: 0 }
  #timer: NodeJS.Timeout | undefined
  /** Between start and stop. */
  #isLooking = false

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** True for a role that may be asked for by name. */
  isListed(roleArn: string): boolean {
    const { source, otherRoles } = this.#options
    return roleArn === source.roleArn || otherRoles.includes(roleArn)
  }

  /**
   * A session with a minute left or more; without a promise where the source gave it within the last second. The promise
   * rejects with what the source throws, and with ERR_STS_UNREACHABLE where it has less.
   */
  get(roleArn?: string): GivenSession | Promise<GivenSession> {
    const { source, now } = this.#options
    const role = roleArn === source.roleArn ? undefined : roleArn
    const held = this.#given.get(role)
    const time = now().getTime()
    const isFresh = held !== undefined && Math.abs(time - held.at) < givenOnMilliseconds
    return isFresh && lasts(held.session.credentials, time) ? held.session : this.#fetched(role)
  }

  async #fetched(role: string | undefined): Promise<GivenSession> {
    try {
      const credentials = await this.#options.source.credentials(role)
      if (!lasts(credentials, this.#options.now().getTime())) throw tooShort()
      this.#failing.delete(role)
      return this.#noted(role, credentials)
    } catch (error) {
      this.#noteFailure(role, error)
      throw error
    }
  }

  /** Fetches a session of every role, then looks after them until `stop`. @throws what `get` throws at first */
  async start(): Promise<void> {
    for (const role of this.#roles()) await this.#fetched(role)
    this.#isLooking = true
    this.#lookLater()
  }

  stop(): void {
    this.#isLooking = false
    clearTimeout(this.#timer)
  }

  figures(): SessionFigures {
    const { source, now } = this.#options
    const secondsLeft = [...this.#given].map(([role, { session }]): [string, number] => {
      const milliseconds = session.credentials.expiration.getTime() - now().getTime()
      return [role ?? source.roleArn ?? '', Math.max(0, Math.floor(milliseconds / 1000))]
    })
    return { ...this.#counts, secondsLeft: new Map(secondsLeft) }
  }

  #roles(): readonly (string | undefined)[] {
    return [undefined, ...this.#options.otherRoles]
  }

  #lookLater(): void {
    if (!this.#isLooking) return
    const wait = lookMilliseconds.least + this.#options.random() * lookMilliseconds.jitter
    this.#timer = setTimeout(() => void this.#look(), wait).unref()
  }

  /** A failure was counted and told of where it happened. */
  async #look(): Promise<void> {
    for (const role of this.#roles()) await this.#fetched(role).catch(() => undefined)
    this.#lookLater()
  }

  #noted(role: string | undefined, credentials: TemporaryCredentials): GivenSession {
    const now = this.#options.now()
    const known = this.#given.get(role)?.session
    const isKnown = known?.credentials.accessKeyId === credentials.accessKeyId
    if (!isKnown) this.#counts.sessions += 1
    const session = isKnown ? known : { credentials, since: now, roleArn: role ?? this.#options.source.roleArn }
    this.#given.set(role, { session, at: now.getTime() })
    return session
  }

  #noteFailure(role: string | undefined, error: unknown): void {
    this.#counts.failures += 1
    if (this.#failing.has(role) || !this.#isLooking) return
    this.#failing.add(role)
    this.#options.onFailed(error)
  }
}

/** A text that is made of a session once. */
export function oncePerSession(make: (session: GivenSession) => string): (session: GivenSession) => string {
  const made = new WeakMap<GivenSession, string>()
  return (session) => {
    const known = made.get(session) ?? make(session)
    made.set(session, known)
    return known
  }
}

function lasts({ expiration }: TemporaryCredentials, now: number): boolean {
  return expiration.getTime() - now >= leastSecondsGiven * 1000
}

function tooShort(): HardkeyError {
  return new HardkeyError('ERR_STS_UNREACHABLE', 'the session ends within a minute, and no new one can be had')
}
