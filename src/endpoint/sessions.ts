// The sessions that the endpoint gives out. In: a source, and the roles that may be asked for. Out: good credentials, and
// what is known of them for metrics.
// 1. The source alone decides when a session is renewed. It is asked from time to time too, so that it does so ahead and
// no caller waits for it.
// 2. Credentials with less than a minute left are not given out: a request needs time on its way (F-E08).

import type { SessionSource } from '../credentials/session-source.ts'
import { HardkeyError } from '../errors.ts'
import type { TemporaryCredentials } from '../sts/answer.ts'

const leastMilliseconds = 60_000

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

export interface SessionsOptions {
  readonly source: SessionSource
  /** Besides the source's own role. */
  readonly otherRoles: readonly string[]
  readonly now: () => Date
  /** 0 to 1. */
  readonly random: () => number
  /** Told when the source fails for a role, once until it gives again. */
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
  readonly #given = new Map<string | undefined, GivenSession>()
  readonly #failing = new Set<string | undefined>()
  readonly #counts = { sessions: 0, failures: 0 }
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** True for a role that may be asked for by name. */
  isListed(roleArn: string): boolean {
    const { source, otherRoles } = this.#options
    return roleArn === source.roleArn || otherRoles.includes(roleArn)
  }

  /** A session with a minute left or more. @throws what the source throws; ERR_STS_UNREACHABLE where it has less */
  async get(roleArn?: string): Promise<GivenSession> {
    const { source, now } = this.#options
    const role = roleArn === source.roleArn ? undefined : roleArn
    try {
      const credentials = await source.credentials(role)
      if (credentials.expiration.getTime() - now().getTime() < leastMilliseconds) throw tooShort()
      this.#failing.delete(role)
      return this.#noted(role, credentials)
    } catch (error) {
      this.#noteFailure(role, error)
      throw error
    }
  }

  /** Fetches a session of every role, then looks after them until `stop`. @throws what `get` throws at first */
  async start(): Promise<void> {
    for (const role of this.#roles()) await this.get(role)
    this.#lookLater()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  figures(): SessionFigures {
    const { source, now } = this.#options
    const secondsLeft = [...this.#given].map(([role, { credentials }]): [string, number] => {
      const milliseconds = credentials.expiration.getTime() - now().getTime()
      return [role ?? source.roleArn ?? '', Math.max(0, Math.floor(milliseconds / 1000))]
    })
    return { ...this.#counts, secondsLeft: new Map(secondsLeft) }
  }

  #roles(): readonly (string | undefined)[] {
    return [undefined, ...this.#options.otherRoles]
  }

  #lookLater(): void {
    if (this.#isStopped) return
    const wait = lookMilliseconds.least + this.#options.random() * lookMilliseconds.jitter
    this.#timer = setTimeout(async () => {
      // A failure was counted and told of where it happened.
      for (const role of this.#roles()) await this.get(role).catch(() => undefined)
      this.#lookLater()
    }, wait).unref()
  }

  #noted(role: string | undefined, credentials: TemporaryCredentials): GivenSession {
    const given = this.#given.get(role)
    if (given?.credentials.accessKeyId === credentials.accessKeyId) return given
    const session = { credentials, since: this.#options.now(), roleArn: role ?? this.#options.source.roleArn }
    this.#given.set(role, session)
    this.#counts.sessions += 1
    return session
  }

  #noteFailure(role: string | undefined, error: unknown): void {
    this.#counts.failures += 1
    if (this.#failing.has(role) || this.#isStopped) return
    this.#failing.add(role)
    this.#options.onFailed(error)
  }
}

/** Bytes that are made of a session once. */
export function oncePerSession(make: (session: GivenSession) => string): (session: GivenSession) => Uint8Array {
  const made = new WeakMap<GivenSession, Uint8Array>()
  return (session) => {
    const known = made.get(session)
    if (known !== undefined) return known
    const bytes = Buffer.from(make(session))
    made.set(session, bytes)
    return bytes
  }
}

function tooShort(): HardkeyError {
  return new HardkeyError('ERR_STS_UNREACHABLE', 'the session ends within a minute, and no new one can be had')
}
