// The wrapper of every opened key. In: the key as its backend made it. Out: the same key, with what holds for every
// device alike: sizes, abort, closing, and failures that nobody foresaw.
// 1. A call that is aborted settles at once; an answer that comes later is wiped.
// 2. close() tells the backend and waits for it; calls under way give their answer or ERR_KEY_CLOSED.
// 3. A failure that is no HardkeyError may carry anything, so only its status word is kept.

import { HardkeyError } from '../errors.ts'
import { abortable } from '../http/deadline.ts'
import type { HmacKey, HmacOptions, KeyInfo } from './hmac-key.ts'
import { ownCopy } from './secret.ts'

/** The block of SHA-256 (FIPS 198-1): what every device takes in one call. */
const longestInput = 64
/** FIPS 180-4: a SHA-256 digest. */
const answerLength = 32

/**
 * The key with the guards that `HmacKey` promises. `openKey` has put them on already; needed only where a backend's
 * `open()` is called directly.
 */
export function guardKey(key: HmacKey): HmacKey {
  return new GuardedKey(key)
}

class GuardedKey implements HmacKey {
  readonly info: KeyInfo
  readonly #key: HmacKey
  #closing: Promise<void> | undefined

  constructor(key: HmacKey) {
    this.#key = key
    this.info = Object.freeze({ ...key.info })
  }

  async hmac(data: Uint8Array, options: HmacOptions = {}): Promise<Uint8Array> {
    if (this.#closing !== undefined) throw closed()
    if (data.length < 1 || data.length > longestInput) {
      throw new HardkeyError('ERR_USAGE', `a device takes 1 to ${longestInput} bytes for an HMAC, not ${data.length}`)
    }
    options.signal?.throwIfAborted()
    // The caller may change its buffer while the call waits for the device.
    const input = new Uint8Array(data)
    try {
      const answer = await abortable(this.#key.hmac(input, options), options.signal, wipe)
      return checkedAnswer(answer)
    } catch (error) {
      if (this.#closing !== undefined && !options.signal?.aborted) throw closed()
      throw foreseen(error, options.signal, `the device of ${this.info.scheme}:`)
    }
  }

  /** Settled results: a device that cannot be given back is gone, and close() never throws. */
  async close(): Promise<void> {
    this.#closing ??= Promise.allSettled([Promise.resolve().then(() => this.#key.close())]).then(() => undefined)
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The answer in a buffer of its own, which the caller wipes; the backend may have given a view of a larger one. */
function checkedAnswer(answer: Uint8Array): Uint8Array {
  try {
    if (answer.length === answerLength) return ownCopy(answer)
    throw new HardkeyError('ERR_DEVICE_FAILED', `the device answered ${answer.length} bytes, not ${answerLength}`, {
      hint: 'an HMAC-SHA256 has 32 bytes; the device, its driver or the network in between is at fault',
    })
  } finally {
    wipe(answer)
  }
}

/** What to throw for a failure: the signal's reason, the HardkeyError itself, else ERR_DEVICE_FAILED without a cause. */
export function foreseen(error: unknown, signal: AbortSignal | undefined, who: string): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof HardkeyError) return error
  const word = statusWord(error)
  return new HardkeyError('ERR_DEVICE_FAILED', `${who} failed in a way that hardkey does not know`, {
    serviceCode: word,
    hint: word === undefined ? undefined : `its status was ${word}`,
  })
}

/** `ECONNRESET`, `CKR_DEVICE_ERROR`: a word in capitals in `code`, and nothing else of the error. */
function statusWord(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined
}

function wipe(bytes: Uint8Array): void {
  bytes.fill(0)
}

function closed(): HardkeyError {
  return new HardkeyError('ERR_KEY_CLOSED', 'the key was closed', { hint: 'open it again with openKey()' })
}
