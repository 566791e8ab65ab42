// An opened key in a TPM. In: data. Out: HMAC-SHA256 by TPM2_HMAC.
// TPM 2.0 Library, Part 3, 15.5 TPM2_HMAC; Part 1, 19 "Authorizations and Acknowledgments".
// 1. Calls wait for one another. A key stays in the TPM while calls wait, and a moment after the opening; then its handles
//    are flushed, and a little later the connection is given back, so that other programs can have a TPM of one client.
// 2. After a lost session, object or connection everything is begun anew, once for each call: an HMAC has no side effect.
// 3. A wrong auth value ends the key for good: it counts in the lockout of the whole TPM. One that nobody was asked for yet
//    is asked for after the key has refused the empty one.
// 4. An answer that its session does not vouch for is never tried again.

import { HardkeyError } from '../../errors.ts'
import type { HmacKey, HmacOptions, KeyInfo } from '../../key/hmac-key.ts'
import { ownCopy } from '../../key/secret.ts'
import { isWrongAuth } from './auth-values.ts'
import { beginStay } from './begin-stay.ts'
import { computeHmac, type HmacAbility } from './hmac.ts'
import { type KeyWish, OpenKeyState } from './key-state.ts'
import { recoveryOf } from './status.ts'
import type { Stay } from './stay.ts'
import type { Tpm } from './wire/tpm.ts'

/** How long a connection that nobody uses is kept. */
const idleMilliseconds = 200

/** Asked of a key with an auth value at its opening, so that a wrong one shows at once. It is no date. */
const probe = 'hardkey probe'

export class OpenedKey implements HmacKey {
  readonly info: KeyInfo
  readonly #state: OpenKeyState
  readonly #ability: HmacAbility = { hasHmac: true }
  #tpm: Tpm | undefined
  #stay: Stay | undefined
  #idle: NodeJS.Timeout | undefined
  /** The calls so far; each waits for the one before. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #isClosed = false
  /** A failure that stays for every later call. */
  #refusal: unknown

  private constructor(state: OpenKeyState, tpm: Tpm, stay: Stay, info: KeyInfo) {
    this.#state = state
    this.#tpm = tpm
    this.#stay = stay
    this.info = info
  }

  /** Opens the one key that the URI names. @throws as `KeyBackend.open` */
  static async open(wish: KeyWish): Promise<OpenedKey> {
    const state = await OpenKeyState.read(wish)
    const { signal } = wish.context
    try {
      return await orOnceMore(signal, (loss) => OpenedKey.#openOnce(state, signal, loss))
    } catch (error) {
      state.wipe()
      throw error
    }
  }

  static async #openOnce(state: OpenKeyState, signal: AbortSignal | undefined, loss: Loss): Promise<OpenedKey> {
    const tpm = await state.connect(signal)
    try {
      const stay = await beginStay(tpm, state.stayWish(signal))
      const info = await state.found(stay, signal)
      const key = new OpenedKey(state, tpm, stay, info)
      if (state.provesAuth) await key.#proveAuth(signal)
      key.#rest()
      return key
    } catch (error) {
      loss.isMendable = isMendable(error, tpm, state.givesAuth)
      await tpm.close()
      throw error
    }
  }

  async hmac(data: Uint8Array, { signal }: HmacOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const own = ownCopy(data)
    this.#waiting += 1
    const turn = this.#queue.then(() => this.#compute(own, signal)).finally(() => (this.#waiting -= 1))
    this.#queue = turn.then(
      () => this.#afterUse(),
      () => this.#afterUse(),
    )
    return await turn
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#queue
    await this.#giveBack()
    this.#state.wipe()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #compute(data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    // What waited in the queue may have been given up since.
    signal?.throwIfAborted()
    if (this.#isClosed) throw new HardkeyError('ERR_KEY_CLOSED', 'the key was closed')
    if (this.#refusal !== undefined) throw this.#refusal
    clearTimeout(this.#idle)
    return await orOnceMore(signal, async (loss) => {
      try {
        return await this.#orWithAuth(data, signal)
      } catch (error) {
        loss.isMendable = isMendable(error, this.#tpm, this.#state.givesAuth)
        if (loss.isMendable) await this.#giveBack()
        throw error
      }
    })
  }

  /** The HMAC, once more where it turns out that the key has an auth value that nobody was asked for. */
  async #orWithAuth(data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    try {
      return await this.#orLearning(data, signal)
    } catch (error) {
      if (isWrongAuth(error)) this.#refusal = error
      throw error
    }
  }

  async #orLearning(data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    for (;;) {
      try {
        return await this.#ask(data, signal)
      } catch (error) {
        const stay = this.#stay
        // It learns twice at most: that there is an auth value, and which.
        if (stay === undefined || !(await this.#state.learnsFrom(error, stay, signal))) throw error
        await stay.end()
        this.#stay = undefined
      }
    }
  }

  async #ask(data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const stay = await this.#present(signal)
    const session = stay.takeSession()
    const use = await this.#state.useWish(stay, data, session, signal)
    return await computeHmac(use, this.#ability)
  }

  /** The key in the TPM, brought there anew where it is not. */
  async #present(signal: AbortSignal | undefined): Promise<Stay> {
    if (this.#tpm?.isBroken === true) await this.#giveBack()
    this.#tpm ??= await this.#state.connect(signal)
    this.#stay ??= await beginStay(this.#tpm, this.#state.stayWish(signal))
    return this.#stay
  }

  async #proveAuth(signal: AbortSignal | undefined): Promise<void> {
    const answer = await this.#ask(new TextEncoder().encode(probe), signal)
    answer.fill(0)
  }

  async #afterUse(): Promise<void> {
    if (this.#waiting > 0 && this.#tpm?.isBroken !== true) return
    await this.#stay?.end()
    this.#stay = undefined
    this.#rest()
  }

  /** Waits a moment for the next call, then gives the TPM back. Never keeps the process alive. */
  #rest(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      if (this.#waiting === 0) this.#queue = this.#queue.then(() => this.#giveBack())
    }, idleMilliseconds).unref()
  }

  async #giveBack(): Promise<void> {
    clearTimeout(this.#idle)
    const [stay, tpm] = [this.#stay, this.#tpm]
    this.#stay = undefined
    this.#tpm = undefined
    await stay?.end()
    await tpm?.close()
  }
}

/** Whether the failure of an attempt is a loss that a new connection, session or load may mend. */
interface Loss {
  isMendable: boolean
}

/** A lost answer may have been a refused auth value, which is not given twice. */
function isMendable(error: unknown, tpm: Tpm | undefined, givesAuth: boolean): boolean {
  return recoveryOf(error) === 'session' || (!givesAuth && isLostConnection(error, tpm))
}

/** F-T20: the other side went away in the midst of a command. */
function isLostConnection(error: unknown, tpm: Tpm | undefined): boolean {
  return error instanceof HardkeyError && error.code === 'ERR_DEVICE_UNAVAILABLE' && tpm?.isBroken === true
}

/** What `attempt` gives; after a loss once more. A connection that is lost twice is no accident. */
async function orOnceMore<T>(signal: AbortSignal | undefined, attempt: (loss: Loss) => Promise<T>): Promise<T> {
  const loss = { isMendable: false }
  try {
    return await attempt(loss)
  } catch (error) {
    signal?.throwIfAborted()
    if (!loss.isMendable) throw error
  }
  loss.isMendable = false
  try {
    return await attempt(loss)
  } catch (error) {
    const isLostAgain = loss.isMendable && recoveryOf(error) === 'none'
    if (!isLostAgain || !(error instanceof HardkeyError)) throw error
    throw new HardkeyError('ERR_DEVICE_FAILED', `${error.message}, twice in the midst of a command`, {
      hint: 'the TPM, its driver, or something in between ends the connection',
      cause: error,
    })
  }
}
