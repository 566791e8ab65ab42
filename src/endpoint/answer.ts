// What the endpoint answers, as a value. In: credentials or a refusal. Out: status, headers and body of one answer.
// AWS SDKs and Tools Reference Guide, "Container credential provider": errors are a JSON object too. SDKs read
// `code` and `message` (JavaScript, Go) or `Code` and `Message` (Python, Java), so both are there.

import { HardkeyError } from '../errors.ts'
import type { RequestHead } from './request-guard.ts'
import type { GivenSession } from './sessions.ts'

export interface Answer {
  readonly status: number
  readonly type: 'application/json' | 'text/plain'
  readonly body: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The session whose credentials are in the body. */
  readonly session?: GivenSession | undefined
}

/** Without a promise wherever nothing is waited for: a promise costs more than the rest of an answer. */
export type Awaitable<T> = T | Promise<T>

/** What is done once the caller is known to be ours. */
export type Act = () => Awaitable<Answer>

/** An answer that needs nobody's leave, as a refusal; or an act. */
export type Reply = Answer | Act

/** One of the two ways to give credentials. In: a request that passed the guard. */
export type Service = (head: RequestHead) => Reply

/** Seconds after which a caller may ask again where STS or the device is away. */
const retryAfterSeconds = '5'

/** A refusal with a word and a sentence for the caller. The connection ends behind it. */
export function refusal(status: number, code: string, message: string, headers?: Answer['headers']): Answer {
  const body = JSON.stringify({ Code: code, Message: message, code, message })
  return { status, type: 'application/json', body, headers }
}

/** A path that is there, but not for this method. */
export function onlyFor(method: 'GET' | 'PUT'): Answer {
  return refusal(405, 'MethodNotAllowed', `this path answers ${method} alone`, { allow: method })
}

/** A path that is not there. */
export function noSuchPath(): Answer {
  return refusal(404, 'NotFound', 'there is no such path here')
}

/** 503, and the caller may ask again. */
export function unavailable(code: string, message: string): Answer {
  return refusal(503, code, message, { 'retry-after': retryAfterSeconds })
}

/**
 * Why there are no credentials: 503 where the same call may succeed later, else 500. Code and sentence are those of the
 * HardkeyError; of any other failure nothing is told.
 */
export function failure(error: unknown): Answer {
  if (!(error instanceof HardkeyError)) return refusal(500, 'ERR_INTERNAL', 'a fault in hardkey itself')
  if (error.tryAgain || error.code === 'ERR_KEY_CLOSED') return unavailable(error.code, error.message)
  return refusal(500, error.code, error.message)
}

/** Lines of text. */
export function plain(body: string, headers?: Answer['headers']): Answer {
  return { status: 200, type: 'text/plain', body, headers }
}

/** Credentials, as the JSON that `body` makes of them. */
export function credentialsAnswer(
  given: GivenSession | Promise<GivenSession>,
  body: (session: GivenSession) => string,
): Awaitable<Answer> {
  const made = (session: GivenSession): Answer => ({
    status: 200,
    type: 'application/json',
    body: body(session),
    session,
  })
  return given instanceof Promise ? given.then(made) : made(given)
}
