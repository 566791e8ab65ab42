// One opened TPM. In: whole commands. Out: whole answers whose response code is success.
// TPM 2.0 Library, Part 1, "Command and Response Structure"; Part 2, 6.6 for the codes after which the same bytes are sent again.
// 1. It belongs to one opened key, one import or one listing, and so do the objects and sessions that it has made: their
//    handles are kept here and flushed at the end of `scoped` and of `close`. Nobody else's handle is ever flushed.
// 2. Commands wait for one another. One that is under way is never cut off by an abort at once: it has a moment to end, so
//    that what it made can be flushed. At the deadline the connection is given up.
// 3. RETRY, YIELDED, TESTING and their kin mean that nothing has happened: the same bytes go again, up to ten times within
//    the command's deadline. Nonces of a session have not moved. No other refusal is ever repeated here.

import { setTimeout as sleep } from 'node:timers/promises'
import { type RefusedCommand, refusalError, repeatOf } from '../status.ts'
import { answerError, headerSize } from './answer-frame.ts'
import { TPM_CC, TPM_ST } from './constants.ts'
import type { TimeLimit } from './in-time.ts'
import type { TpmAddress } from './tcti.ts'
import { openTransport, type TpmTransport } from './transport.ts'

/** How long one command may take with all its repetitions, but for those that make a primary key. */
export const commandMilliseconds = 10_000
/** Making an RSA primary key takes a slow chip up to a minute. */
export const primaryMilliseconds = 90_000
/** What a command under way may still take after an abort. */
const graceMilliseconds = 2000
/** What giving back one handle may take. */
const flushMilliseconds = 2000

const mostRepeats = 10
const longestPause = 1000
const firstPause = { soon: 20, later: 200 } as const

export interface TpmOptions {
  readonly signal?: AbortSignal | undefined
  /** For the opening; 10 s. */
  readonly openMilliseconds?: number | undefined
  /** For each command that does not say otherwise; 10 s. */
  readonly commandMilliseconds?: number | undefined
}

export interface SendOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMilliseconds?: number | undefined
  /** As in `RefusedCommand`: whose auth value or policy each session brings. */
  readonly authorized?: RefusedCommand['authorized']
}

export class Tpm {
  readonly #transport: TpmTransport
  readonly #commandMilliseconds: number
  /** Handles of sessions and transient objects that were made here and are not flushed yet. */
  readonly #handles = new Set<number>()
  /** The commands so far; each waits for the one before. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(transport: TpmTransport, options: TpmOptions) {
    this.#transport = transport
    this.#commandMilliseconds = options.commandMilliseconds ?? commandMilliseconds
  }

  /**
   * Opens the way to the TPM; nothing is sent. What needs time and no TPM, as `prepareSalt`, can be done while this waits.
   *
   * @throws ERR_DEVICE_UNAVAILABLE, ERR_TIMEOUT, and the signal's reason
   */
  static async open(address: TpmAddress, options: TpmOptions = {}): Promise<Tpm> {
    const timeoutMilliseconds = options.openMilliseconds ?? commandMilliseconds
    return new Tpm(await openTransport(address, { timeoutMilliseconds, signal: options.signal }), options)
  }

  /** For messages: `/dev/tpmrm0`, `127.0.0.1:2321`. */
  get description(): string {
    return this.#transport.description
  }

  /** True once the connection is lost. A new Tpm may be opened in its place. */
  get isBroken(): boolean {
    return this.#transport.isBroken
  }

  /** Handles made here and not yet flushed. For tests and messages. */
  get handles(): readonly number[] {
    return [...this.#handles]
  }

  /**
   * Sends a command and returns the whole answer in a buffer of its own. The command's bytes must stay as they are.
   *
   * @throws what `refusalError` makes of the response code, and as `TpmTransport.transmit`
   */
  async send(command: Uint8Array, options: SendOptions = {}): Promise<Uint8Array> {
    const turn = this.#queue.then(async () => await this.#send(command, options))
    this.#queue = turn.catch(() => undefined)
    return await turn
  }

  /** Keeps the handle of an object or session that a command has just made. */
  own(handle: number): void {
    this.#handles.add(handle)
  }

  /** Forgets a handle: the TPM has ended that session by itself. */
  disown(handle: number): void {
    this.#handles.delete(handle)
  }

  /** Part 3, 28.4 TPM2_FlushContext of a handle that was made here. Never throws: what stays is tried again at the end. */
  async flush(handle: number): Promise<void> {
    if (!this.#handles.delete(handle) || this.isBroken) return
    try {
      await this.send(flushCommand(handle), { timeoutMilliseconds: flushMilliseconds })
    } catch (error) {
      // Where the TPM does not know it any more (a reset), that is what was wanted.
      if (isPassing(error)) this.#handles.add(handle)
    }
  }

  /** What `act` returns. Handles that it made and left are flushed, whether it ends or fails. */
  async scoped<T>(act: () => Promise<T>): Promise<T> {
    const before = new Set(this.#handles)
    try {
      return await act()
    } finally {
      for (const handle of [...this.#handles]) if (!before.has(handle)) await this.flush(handle)
    }
  }

  /** Flushes what is left and gives the TPM back. May be called again; never throws. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#queue
    for (const handle of [...this.#handles]) await this.flush(handle)
    await this.#transport.close()
  }

  async #send(command: Uint8Array, options: SendOptions): Promise<Uint8Array> {
    const timeoutMilliseconds = options.timeoutMilliseconds ?? this.#commandMilliseconds
    const end = performance.now() + timeoutMilliseconds
    for (let repeats = 0; ; repeats++) {
      options.signal?.throwIfAborted()
      const limit = { timeoutMilliseconds: Math.max(1, end - performance.now()), signal: options.signal }
      const answer = await this.#transmit(command, limit)
      const code = responseCode(answer, this.description)
      if (code === 0) return answer
      const pause = pauseAfter(code, repeats)
      if (pause === undefined || performance.now() + pause > end) {
        throw refusalError(code, {
          commandCode: numberAt(command, 6),
          device: this.description,
          authorized: options.authorized ?? [],
        })
      }
      await sleepUnlessAborted(pause, options.signal)
    }
  }

  async #transmit(command: Uint8Array, { timeoutMilliseconds, signal }: TimeLimit): Promise<Uint8Array> {
    if (signal === undefined) return await this.#transport.transmit(command, { timeoutMilliseconds })
    const giveUp = new AbortController()
    let grace: NodeJS.Timeout | undefined
    const onAbort = () => {
      grace = setTimeout(() => giveUp.abort(signal.reason), graceMilliseconds)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#transport.transmit(command, { timeoutMilliseconds, signal: giveUp.signal })
    } finally {
      clearTimeout(grace)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** The response code of an answer whose size was checked. An answer that refuses is a header and nothing else. */
function responseCode(answer: Uint8Array, device: string): number {
  const code = numberAt(answer, 6)
  if (code !== 0 && answer.length !== headerSize) {
    throw answerError(device, `with an error and ${answer.length - headerSize} bytes more`)
  }
  return code
}

function numberAt(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset)
}

/** How long to wait before the same bytes go again; undefined where they must not. */
function pauseAfter(code: number, repeats: number): number | undefined {
  const repeat = repeatOf(code)
  if (repeat === undefined || repeats >= mostRepeats) return undefined
  return Math.min(firstPause[repeat] * 2 ** repeats, longestPause)
}

async function sleepUnlessAborted(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/** Part 3, 28.4 TPM2_FlushContext: the handle stands among the parameters, and no session may come with it. */
function flushCommand(handle: number): Uint8Array {
  const command = new DataView(new ArrayBuffer(headerSize + 4))
  command.setUint16(0, TPM_ST.NO_SESSIONS)
  command.setUint32(2, headerSize + 4)
  command.setUint32(6, TPM_CC.FlushContext)
  command.setUint32(10, handle)
  return new Uint8Array(command.buffer)
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && 'tryAgain' in error && error.tryAgain === true
}
