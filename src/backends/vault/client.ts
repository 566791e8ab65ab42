// Requests to one server or cluster. In: a path of the HTTP API, a token. Out: the answer, or the last failure when the
// deadline has passed. HTTP API of Vault and OpenBao.
// 1. What passes (a seal, a standby, throttling, a lost connection) is tried again within the deadline, each address in
//    its turn; the address that answered last is asked first. A refusal is never tried again.
// 2. A change (`once`) is sent again only where the server has certainly not acted.
// 3. The token goes to the addresses of the key URI alone, in its header alone. No redirect leaves that list.
// 4. Calls may overlap. `close()` ends the connections; calls under way fail.

import { HardkeyError } from '../../errors.ts'
import { type HttpClient, httpClient } from '../../http/client.ts'
import { withDeadline } from '../../http/deadline.ts'
import { redirectTarget, type VaultAddress } from './address.ts'
import { blank, headersOf, type VaultRequest } from './request.ts'
import type { ConnectionSettings } from './settings.ts'
import { connectionFailure, type Passing, passingOf, serverBusy, strayRedirect, type VaultAnswer } from './status.ts'

const mostRedirects = 3
const longestAnswer = 1_048_576
const longestPause = 2000

/** What one call has met with so far. */
interface Turns {
  failures: number
  redirects: number
  /** Addresses in a row that we did not trust. */
  refused: number
  /** Milliseconds before the next attempt. */
  pause: number | undefined
  /** The last failure. */
  last: unknown
}

type NoAnswer =
  | { readonly leader: VaultAddress }
  | {
      readonly error: unknown
      /** `elsewhere`: another address may answer; this one is refused by us, as its certificate. */
      readonly passing: Passing | 'elsewhere' | undefined
      readonly retryAfter?: string | undefined
    }

type Outcome = { readonly answer: VaultAnswer } | NoAnswer

export class VaultClient {
  readonly #settings: ConnectionSettings
  readonly #clients = new Map<string, HttpClient>()
  #current: VaultAddress

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
    this.#current = settings.addresses[0] ?? noAddress()
  }

  /** For messages: who is asked first. */
  get where(): string {
    return this.#current.name
  }

  /**
   * The answer, whatever its status, but for those that pass.
   * @throws ERR_DEVICE_UNAVAILABLE and ERR_TIMEOUT after the deadline, ERR_DEVICE_FAILED; the signal's reason
   */
  async call(request: VaultRequest, signal: AbortSignal | undefined): Promise<VaultAnswer> {
    const start = performance.now()
    const address = this.#current
    // Nearly always the only attempt: the HTTP client bounds it, and a deadline of its own would cost as much again.
    const first = await this.#attempt(address, request, signal)
    if ('answer' in first) return first.answer
    const turns: Turns = { failures: 0, redirects: 0, refused: 0, pause: undefined, last: undefined }
    this.#take(address, first, request, turns)
    const { timeoutMilliseconds } = this.#settings
    const left = Math.max(1, timeoutMilliseconds - (performance.now() - start))
    const outers = signal === undefined ? [] : [signal]
    let deadline: AbortSignal | undefined
    try {
      return await withDeadline(outers, left, `no answer from ${this.where}`, async (ended) => {
        deadline = ended
        return await this.#untilAnswered(request, turns, ended)
      })
    } catch (error) {
      signal?.throwIfAborted()
      // What kept failing says more than that the time is over.
      const { last } = turns
      throw deadline?.aborted === true && last !== undefined ? late(last, timeoutMilliseconds) : error
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  async #untilAnswered(request: VaultRequest, turns: Turns, signal: AbortSignal): Promise<VaultAnswer> {
    for (;;) {
      if (turns.pause !== undefined) await this.#settings.sleep(turns.pause, signal)
      const address = this.#current
      const outcome = await this.#attempt(address, request, signal)
      if ('answer' in outcome) return outcome.answer
      this.#take(address, outcome, request, turns)
    }
  }

  /** Turns to the address that is asked next, and says after what pause. @throws a failure that stays */
  #take(address: VaultAddress, outcome: NoAnswer, request: VaultRequest, turns: Turns): void {
    turns.pause = undefined
    if ('leader' in outcome) {
      turns.redirects += 1
      this.#current = outcome.leader
      if (turns.redirects % mostRedirects !== 0) return
    } else {
      turns.last = outcome.error
      turns.refused = outcome.passing === 'elsewhere' ? turns.refused + 1 : 0
      const isEverywhere = turns.refused === this.#settings.addresses.length
      if (isEverywhere || !mayRepeat(request, outcome.passing)) {
        throw outcome.passing === 'unknown' ? notKnown(outcome.error) : outcome.error
      }
      this.#turnFrom(address)
    }
    turns.failures += 1
    turns.pause = this.#pauseAfter(turns.failures, 'leader' in outcome ? undefined : outcome.retryAfter)
  }

  /** Each address is tried at once; after a whole round there is a pause that doubles. */
  #pauseAfter(failures: number, retryAfter: string | undefined): number | undefined {
    const { addresses, random } = this.#settings
    const asked = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0
    if (asked === 0 && failures % addresses.length !== 0) return undefined
    const round = Math.ceil(failures / addresses.length)
    const most = Math.min(longestPause, 100 * 2 ** (round - 1))
    return Math.max(most / 2 + (random() * most) / 2, asked)
  }

  #turnFrom(address: VaultAddress): void {
    // Another call may have turned already.
    if (this.#current !== address) return
    const { addresses } = this.#settings
    this.#current = addresses[(addresses.indexOf(address) + 1) % addresses.length] ?? address
  }

  async #attempt(address: VaultAddress, request: VaultRequest, signal: AbortSignal | undefined): Promise<Outcome> {
    const path = `/v1/${request.path}`
    let answer: VaultAnswer
    // Asked only of what may not be sent twice.
    let isSent = request.once !== true
    const noteSending = (): void => {
      isSent = true
    }
    const sending = isSent ? undefined : noteSending
    try {
      const { method, body } = request
      const url = `${address.base}${path}`
      const headers = headersOf(request, this.#settings.namespace)
      const answered = await this.#clientFor(address).send({ method, url, headers, body }, { signal, sending })
      answer = { ...answered, where: address.name }
      if (answer.status >= 300) blank(answer.body, [request.token?.(), request.secret])
    } catch (error) {
      signal?.throwIfAborted()
      return { error: connectionFailure(error), passing: passingFailure(error, isSent) }
    }
    if (answer.status >= 300 && answer.status < 400) {
      const leader = redirectTarget(answer.headers.location, path, this.#settings.addresses)
      if (leader !== undefined) return { leader }
      return { error: strayRedirect(answer), passing: undefined }
    }
    const passing = passingOf(answer.status)
    if (passing === undefined) return { answer }
    return { error: serverBusy(answer), passing, retryAfter: answer.headers['retry-after'] }
  }

  #clientFor({ socketPath }: VaultAddress): HttpClient {
    const { authorities, clientCertificate, serverName, proxy, timeoutMilliseconds } = this.#settings
    const name = socketPath ?? ''
    const made = this.#clients.get(name)
    if (made !== undefined) return made
    const client = httpClient({
      ...(authorities === undefined ? {} : { ca: authorities, onlyCa: true }),
      clientCertificate,
      serverName,
      socketPath,
      proxy,
      // One address that hangs leaves time for the others.
      firstByteMilliseconds: Math.min(10_000, timeoutMilliseconds / 3),
      totalMilliseconds: timeoutMilliseconds,
      maxBytes: longestAnswer,
    })
    this.#clients.set(name, client)
    return client
  }
}

function mayRepeat({ once }: VaultRequest, passing: Passing | 'elsewhere' | undefined): boolean {
  return once === true ? passing === 'unprocessed' || passing === 'elsewhere' : passing !== undefined
}

/** A connection that was never made has carried nothing. */
function passingFailure(error: unknown, isSent: boolean): Passing | 'elsewhere' | undefined {
  if (!(error instanceof HardkeyError)) return undefined
  if (error.tryAgain) return isSent ? 'unknown' : 'unprocessed'
  return error.code === 'ERR_STS_UNREACHABLE' ? 'elsewhere' : undefined
}

/** A change that may have been made. */
function notKnown(error: unknown): unknown {
  if (!(error instanceof HardkeyError)) return error
  const { code, message, cause, serviceCode, status } = error
  const hint = 'whether it was done there is not known, so it is not sent again by itself'
  return new HardkeyError(code, message, { hint, cause, serviceCode, status })
}

function late(error: unknown, milliseconds: number): unknown {
  if (!(error instanceof HardkeyError)) return error
  const { code, hint, cause, serviceCode, status } = error
  const message = `${error.message}; tried for ${milliseconds / 1000} s`
  return new HardkeyError(code, message, { hint, cause, serviceCode, status })
}

function noAddress(): never {
  throw new HardkeyError('ERR_INTERNAL', 'a server without an address')
}
