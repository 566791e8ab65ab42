// One request and its answer, both as they pass. In: the pool, a request whose body may be a stream. Out: the head of the
// answer, and its body piece by piece. RFC 9112; for bodies that no memory should hold.
// 1. There is no deadline for the whole: time runs only while no byte passes in either direction.
// 2. An answer that comes before the body is out ends the sending: the service has refused, and says why.
// 3. Whoever gets the answer reads its body to the end or breaks the loop off; either gives the connection back or ends it.

import type { ClientRequest, IncomingMessage } from 'node:http'
import { HardkeyError } from '../errors.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { type OutgoingRequest, openRequest, readHeaders } from './exchange.ts'
import { answerFailure, exchangeFailure } from './failure.ts'
import type { Target } from './target.ts'

/** A request whose body may be a stream, which is sent as it is; without a Content-Length among the headers in HTTP's own chunks. */
export interface StreamedRequest extends Omit<OutgoingRequest, 'body'> {
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array> | undefined
}

/** An answer whose body is still on its way. */
export interface StreamedAnswer {
  readonly status: number
  /** Names in lower case; repeated ones joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** As it comes, not decompressed; may be read once. Throws as `stream` does. */
  readonly body: AsyncIterable<Uint8Array>
}

/** What bounds it. */
export interface StreamLimits {
  /** How long nothing may pass. */
  readonly idleMilliseconds: number
  /** Each ends it with its reason. */
  readonly signals: readonly AbortSignal[]
}

/**
 * The head of the answer, once the whole body is out or the service has answered before.
 * @throws as `exchange`; ERR_TIMEOUT where nothing passed for too long; what the body's stream throws
 */
export async function streamExchange(
  pool: ConnectionPool,
  target: Target,
  outgoing: StreamedRequest,
  { idleMilliseconds, signals }: StreamLimits,
): Promise<StreamedAnswer> {
  const signal = AbortSignal.any([...signals])
  signal.throwIfAborted()
  const passing = new Passing(target.host, idleMilliseconds)
  const { body, ...head } = outgoing
  const whole = typeof body === 'string' || body instanceof Uint8Array ? body : undefined
  const request = openRequest(pool, target, { ...head, body: whole }, signal)
  const stop = (): void => void request.destroy()
  signal.addEventListener('abort', stop, { once: true })
  passing.start(request)
  const end = (): void => {
    passing.end()
    signal.removeEventListener('abort', stop)
  }
  const failure = (error: unknown): unknown => {
    request.destroy()
    end()
    return signal.aborted ? signal.reason : exchangeFailure(target.host, passing.lateness ?? error)
  }
  try {
    const answered = answerTo(request, target.host)
    // The failure of an upload is told by whoever comes first; the other one is no news.
    answered.catch(() => {})
    await sendBody(request, whole ?? body, passing, answered)
    const response = await answered
    passing.passed()
    const headers = readHeaders(response.rawHeaders)
    return { status: response.statusCode ?? 0, headers, body: readPieces(request, response, passing, { end, failure }) }
  } catch (error) {
    if (error instanceof BodyFailure) {
      failure(error)
      throw error.cause
    }
    throw failure(error)
  }
}

/** Destroys the request when nothing has passed for too long. */
class Passing {
  readonly #host: string
  readonly #milliseconds: number
  #timer: NodeJS.Timeout | undefined
  #lateness: HardkeyError | undefined

  constructor(host: string, milliseconds: number) {
    this.#host = host
    this.#milliseconds = milliseconds
  }

  start(request: ClientRequest): void {
    const seconds = this.#milliseconds / 1000
    this.#timer = setTimeout(() => {
      this.#lateness = new HardkeyError('ERR_TIMEOUT', `nothing passed to or from ${this.#host} for ${seconds} s`)
      request.destroy(this.#lateness)
    }, this.#milliseconds)
  }

  /** Why the request was destroyed: an answer that has begun tells only that its connection was cut. */
  get lateness(): HardkeyError | undefined {
    return this.#lateness
  }

  passed(): void {
    this.#timer?.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** What the caller's own stream threw, told apart from a failure of the network. */
class BodyFailure extends Error {
  override readonly name = 'BodyFailure'
}

function answerTo(request: ClientRequest, host: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.once('response', resolve)
    // After an upgrade, or an answer to CONNECT, Node closes the socket and says nothing else.
    request.once('close', () => reject(answerFailure(host, 'changes the protocol')))
  })
}

/** Sends the body as fast as the network takes it, and stops where an answer comes before its end. */
async function sendBody(
  request: ClientRequest,
  body: StreamedRequest['body'],
  passing: Passing,
  answered: Promise<IncomingMessage>,
): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    request.end(body)
    return
  }
  let answers = false
  let wake = (): void => {}
  const answer = (): void => {
    answers = true
    wake()
  }
  answered.then(answer, answer)
  // Not Promise.race, which would keep every piece until the answer comes.
  const unlessAnswered = <Result>(waited: Promise<Result>): Promise<Result | undefined> =>
    new Promise((resolve, reject) => {
      wake = () => resolve(undefined)
      waited.then(resolve, reject)
    })
  const pieces = ownFailures(body)
  try {
    for (;;) {
      // A stream that gives nothing more must not keep the answer, or the end by a signal, from the caller.
      const next = await unlessAnswered(pieces.next())
      if (answers || next === undefined) return
      if (next.done === true) break
      const taken = request.write(next.value)
      passing.passed()
      if (!taken) await unlessAnswered(drained(request))
    }
  } finally {
    // Gives the stream back as soon as it can; one that stalls is not waited for, and its failure is no news.
    pieces.return(undefined).catch(() => {})
  }
  request.end()
}

async function* ownFailures(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (cause) {
    throw new BodyFailure('the stream of the body failed', { cause })
  }
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    request.once('drain', resolve)
  })
}

async function* readPieces(
  request: ClientRequest,
  response: IncomingMessage,
  passing: Passing,
  { end, failure }: { readonly end: () => void; readonly failure: (error: unknown) => unknown },
): AsyncGenerator<Uint8Array> {
  let complete = false
  try {
    for await (const piece of response) {
      passing.passed()
      yield piece
    }
    complete = true
  } catch (error) {
    throw failure(error)
  } finally {
    // What is left of either body would stand before the next request or answer.
    if (!complete || !request.writableFinished) request.destroy()
    end()
  }
}
