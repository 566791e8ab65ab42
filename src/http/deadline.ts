// Ends an act that takes too long. In: the caller's signals, a time, the act. Out: what the act returns. The act gets a signal
// that aborts with their reason, or with ERR_TIMEOUT when the time is over; no timer and no listener stays behind. What cannot
// be ended is left alone.

import { setMaxListeners } from 'node:events'
import { HardkeyError } from '../errors.ts'

/**
 * Runs `act`, which must end when its signal aborts. `what` says what did not come, as "no answer from HOST". Where one of
 * `outers` has aborted already, `act` does not run.
 */
export function withDeadline<T>(
  outers: readonly AbortSignal[],
  milliseconds: number,
  what: string,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withEnding(outers, milliseconds, what, (ending) => act(ending.signal()))
}

/** The same for an act that is told its end by a call: a signal, which costs more than all else here, is made where it is asked for. */
export async function withEnding<T>(
  outers: readonly AbortSignal[],
  milliseconds: number,
  what: string,
  act: (ending: Ending) => Promise<T>,
): Promise<T> {
  for (const outer of outers) outer.throwIfAborted()
  const ending = new Ending()
  const forward = (event: Event): void => {
    if (event.target instanceof AbortSignal) ending.end(event.target.reason)
  }
  const timer = setTimeout(() => ending.end(deadlineFailure(what, milliseconds)), milliseconds)
  // One signal may end any number of acts; beyond ten Node would print a warning of a leak.
  setMaxListeners(0, ...outers)
  for (const outer of outers) outer.addEventListener('abort', forward, { once: true })
  try {
    return await act(ending)
  } finally {
    clearTimeout(timer)
    // What is stopped holds a request, and that its headers.
    ending.stop = () => undefined
    for (const outer of outers) outer.removeEventListener('abort', forward)
  }
}

/** How an act learns that it must end. */
export class Ending {
  #ended: { readonly reason: unknown } | undefined
  #stop: () => void = () => undefined
  #controller: AbortController | undefined

  /** Why it ended; undefined until then. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#ended
  }

  /** Called once, at the end. */
  set stop(stop: () => void) {
    this.#stop = stop
  }

  signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason)
    return this.#controller.signal
  }

  end(reason: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended = { reason }
    this.#controller?.abort(reason)
    this.#stop()
  }
}

/** The deadline passed: ERR_TIMEOUT, with the seconds it had. What is left of another time is no round number. */
export function deadlineFailure(what: string, milliseconds: number): HardkeyError {
  const message = `${what} within ${Number((milliseconds / 1000).toPrecision(3))} s`
  return new HardkeyError('ERR_TIMEOUT', message, {
    hint: 'check the endpoint, the network, and whether a proxy is needed',
  })
}

/** The promise, unless the signal comes first: then its reason, and `discard` for what comes too late. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => unknown = () => undefined,
): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason)
      // The caller has its answer already: what fails from here on fails for nobody.
      promise.then(discard).then(undefined, () => undefined)
    }
    if (signal.aborted) {
      abort()
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    const settle = (): void => signal.removeEventListener('abort', abort)
    promise.then(resolve, reject).finally(settle)
  })
}
