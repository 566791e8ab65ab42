// Waits for something no longer than allowed. In: a limit in time, a signal, what to wait for. Out: its result.
// A timer and a listener for each command, and nothing else: a TPM behind a socket answers within 100 microseconds.

import { deadlineFailure } from '../../../http/deadline.ts'

export interface TimeLimit {
  readonly timeoutMilliseconds: number
  /** Ends the wait at once. */
  readonly signal?: AbortSignal | undefined
}

/**
 * What `begin` resolves or rejects with. At the limit or at the abort the wait ends with ERR_TIMEOUT ("WHAT within 10 s")
 * or with the signal's reason, and `stop` is told: it ends or forgets whatever is still under way.
 */
export async function inTime<T>(
  { timeoutMilliseconds, signal }: TimeLimit,
  what: string,
  begin: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
  stop: (reason: unknown) => void,
): Promise<T> {
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      const giveUp = (reason: unknown) => {
        reject(reason)
        stop(reason)
      }
      onAbort = () => giveUp(signal?.reason)
      timer = setTimeout(() => giveUp(deadlineFailure(what, timeoutMilliseconds)), timeoutMilliseconds)
      signal?.addEventListener('abort', onAbort, { once: true })
      begin(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
}
