// An opened key on a token. In: data. Out: HMAC-SHA256 by C_Sign. OASIS PKCS#11 Specification 3.1, section 5.13.
// 1. The key owns one process with one module, one login and one session; calls wait for one another.
// 2. A lost session, token or process is found again once for each call: the token by its serial number, the key by
//    label and id. That is a new login, so the PIN source is asked again; a refused PIN ends it for good.
// 3. A device error is met with one new session on the same login, and with starting over where none can be had. If it
//    comes again, or a new opening hangs or crashes, calls fail at once for a while.
// 4. HMAC has no side effect, so computing it again is safe; a call that hung or crashed is not repeated all the same.

import { HardkeyError } from '../../errors.ts'
import type { HmacKey, HmacOptions, KeyInfo } from '../../key/hmac-key.ts'
import { type KeyAddress, keyAddress, tokenAddress } from './address.ts'
import { type FoundKey, findKey, flaws, shownAttributes } from './key-object.ts'
import { recoveryOf } from './status.ts'
import { addressOf, describeToken, hasFlag } from './token.ts'
import { type OpenWish, openToken, type TakeModule, type TokenSession } from './token-session.ts'

export class OpenedKey implements HmacKey {
  readonly info: KeyInfo
  readonly #wish: OpenWish
  readonly #address: KeyAddress
  #session: TokenSession
  /** Undefined where it must be looked up: in a new session, and after a look that found none. */
  #key: FoundKey | undefined
  /** The calls so far; each waits for the one before. Never rejects. */
  #queue: Promise<unknown> = Promise.resolve()
  #isClosed = false
  /** A failure that stays: at once for every later call, or until a moment of `performance.now()`. */
  #refusal: { readonly error: unknown; readonly until: number } | undefined
  #isDoubtful = false

  private constructor(wish: OpenWish, address: KeyAddress, session: TokenSession, key: FoundKey) {
    this.#wish = wish
    this.#address = address
    this.#session = session
    this.#key = key
    this.info = infoOf(session, key)
  }

  /** Opens the one key that the URI names; `take` as in `openToken`. @throws as `KeyBackend.open` */
  static async open(wish: Omit<OpenWish, 'address' | 'write'>, take?: TakeModule): Promise<OpenedKey> {
    const address = tokenAddress(wish.uri)
    const keyAt = keyAddress(wish.uri)
    const session = await openToken({ ...wish, address, write: false }, take)
    try {
      const key = await lookUp(session, keyAt, wish.context.signal)
      return new OpenedKey({ ...wish, address: addressOf(session.token, address), write: false }, keyAt, session, key)
    } catch (error) {
      await session.client.close()
      throw error
    }
  }

  async hmac(data: Uint8Array, { signal }: HmacOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const own = Uint8Array.from(data)
    const turn = this.#queue.then(() => this.#compute(own, signal))
    this.#queue = turn.catch(() => undefined)
    return await untilAborted(turn, signal)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#queue
    await this.#session.client.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #compute(data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    // What waited in the queue may have been given up since.
    signal?.throwIfAborted()
    if (this.#isClosed) throw new HardkeyError('ERR_KEY_CLOSED', 'the key was closed')
    if (this.#refusal !== undefined && performance.now() < this.#refusal.until) throw this.#refusal.error
    if (this.#session.client.ended) await this.#reopen(signal)
    try {
      return await this.#ask(data)
    } catch (error) {
      const recovery = recoveryOf(error)
      if (recovery === 'none') throw error
      if (recovery === 'session' && (await this.#renewSession())) return await this.#askAgain(data)
      await this.#reopen(signal)
      return await this.#askAgain(data)
    }
  }

  async #ask(data: Uint8Array): Promise<Uint8Array> {
    this.#key ??= await lookUp(this.#session, this.#address)
    return await this.#session.client.hmac(this.#key.place, data)
  }

  async #askAgain(data: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#ask(data)
    } catch (error) {
      if (recoveryOf(error) === 'session') this.#pause(error)
      throw error
    }
  }

  /** A new session on the same login, and the key in it. False where only starting over may help. */
  async #renewSession(): Promise<boolean> {
    this.#key = undefined
    try {
      await this.#session.client.openSession(this.#session.token, false)
      this.#key = await lookUp(this.#session, this.#address)
      return true
    } catch (error) {
      // p11-kit's client answers CKR_DEVICE_ERROR for good once its server has gone, also when the server is back.
      if (recoveryOf(error) !== 'none') return false
      // SoftHSM keeps the session of a token that was taken out and shows no object in it, also when the token is back.
      if (error instanceof HardkeyError && error.code === 'ERR_KEY_NOT_FOUND') return false
      throw error
    }
  }

  #pause(error: unknown): void {
    this.#refusal = { error, until: performance.now() + this.#wish.settings.pauseMilliseconds }
  }

  async #reopen(signal: AbortSignal | undefined): Promise<void> {
    await this.#session.client.kill()
    const context = { pin: this.#wish.context.pin, signal }
    try {
      this.#session = await openToken({ ...this.#wish, context, isDoubtful: this.#isDoubtful })
      this.#key = undefined
      this.#isDoubtful = false
    } catch (error) {
      this.#judge(error)
      throw error
    }
  }

  /** What a failed opening means for the next one. */
  #judge(error: unknown): void {
    const code = error instanceof HardkeyError ? error.code : undefined
    if (code === 'ERR_PIN_INCORRECT' || code === 'ERR_PIN_LOCKED') {
      this.#refusal = { error, until: Number.POSITIVE_INFINITY }
    }
    // An abort, a hang or a crash may have come after the PIN was given, and before its answer.
    const isBroken = code === 'ERR_TIMEOUT' || code === 'ERR_DEVICE_FAILED'
    if (code === undefined || isBroken) this.#isDoubtful = true
    // The calls that wait behind this one would give the PIN again, each in its turn.
    if (isBroken) this.#pause(error)
  }
}

async function lookUp(session: TokenSession, address: KeyAddress, signal?: AbortSignal): Promise<FoundKey> {
  const key = await findKey(session.client, address, signal)
  refuseUnusable(session, key)
  return key
}

function refuseUnusable({ client }: TokenSession, { attributes }: FoundKey): void {
  if (attributes.CKA_SIGN !== false) return
  throw new HardkeyError('ERR_KEY_UNUSABLE', `the key on ${client.device} may not be used: CKA_SIGN is false`, {
    hint: 'check the secret in again with hardkey import',
  })
}

function infoOf({ token, protection, hasLogin }: TokenSession, key: FoundKey): KeyInfo {
  return {
    scheme: 'pkcs11',
    protection,
    device: describeToken(token),
    attributes: Object.freeze({ ...shownAttributes(key.attributes) }),
    warnings: Object.freeze(warningsOf(token, hasLogin, key)),
  }
}

function warningsOf(token: TokenSession['token'], hasLogin: boolean, key: FoundKey): string[] {
  const found = flaws(key.attributes, hasLogin)
  return [
    ...(found.length === 0 ? [] : [`${found.join(', ')}: check the secret in again with hardkey import`]),
    ...(hasLogin ? [] : ['the token asks nobody for a PIN: whoever reaches it can use the key']),
    ...(key.idWasHex ? ['the id was read as hexadecimal digits; a key URI writes bytes as %01%00'] : []),
    ...(hasFlag(token, 'CKF_USER_PIN_COUNT_LOW') ? ['a wrong PIN was given before this login'] : []),
  ]
}

/** The promise, or the signal's reason if that comes first. An answer that nobody waits for is wiped. */
async function untilAborted(turn: Promise<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (signal === undefined) return await turn
  return await new Promise<Uint8Array>((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason)
      turn.then(
        (answer) => answer.fill(0),
        () => undefined,
      )
    }
    signal.addEventListener('abort', onAbort, { once: true })
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
