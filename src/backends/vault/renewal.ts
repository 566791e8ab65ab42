// The token of an opened key, kept alive. In: a login. Out: the token of the moment. HTTP API, "Token auth method", Renew a
// Token (Self).
// 1. One lease at a time. A renewable one is renewed after two thirds of its time, and where that fails again after half of
//    what is left; the timer keeps no process alive.
// 2. A token that came without its length is looked up once, a second after the opening: a short run needs no look-up.
// 3. A new login asks the pin source again. It happens where a call needs it, never by itself, and once for all callers.
// 4. `close()` wipes the token. It is not revoked: it may be the user's own.

import { HardkeyError } from '../../errors.ts'
import { abortable } from '../../http/deadline.ts'
import type { Secret } from '../../key/secret.ts'
import { longestTimer } from '../../key/time-limit.ts'
import { readLogin, readLookup } from './answer.ts'
import { logIn } from './login.ts'
import { type Lease, type LoginParts, RefusedLogin } from './login-request.ts'
import type { Settings } from './settings.ts'
import type { VaultAnswer } from './status.ts'

const lookupAfterMilliseconds = 1000
/** Clocks and journeys: a token this near to its end is not used any more. */
const marginMilliseconds = 500

export class TokenKeeper {
  readonly #parts: Omit<LoginParts, 'signal'>
  readonly #now: Settings['now']
  readonly #closing = new AbortController()
  #lease: Lease
  /** When the lease ends; undefined where it does not, or nobody has said. */
  #end: number | undefined
  #timer: NodeJS.Timeout | undefined
  #renewing: Promise<boolean> | undefined

  private constructor(parts: Omit<LoginParts, 'signal'>, now: Settings['now'], lease: Lease) {
    this.#parts = parts
    this.#now = now
    this.#lease = lease
    this.#take(lease)
  }

  /** Logs in. @throws as `logIn` */
  static async open(given: Omit<LoginParts, 'refused'>, now: Settings['now']): Promise<TokenKeeper> {
    const parts = { ...given, refused: new RefusedLogin() }
    return new TokenKeeper(parts, now, await logIn(parts))
  }

  /** For a request; the keeper stays its owner. */
  readonly token = (): Secret | undefined => this.#lease.token

  /** When the token ends, where that is known. */
  get end(): Date | undefined {
    return this.#end === undefined ? undefined : new Date(this.#end)
  }

  /** Logs in again where the lease is over. */
  async ready(signal: AbortSignal | undefined): Promise<void> {
    if (this.#end === undefined || this.#now().getTime() < this.#end - marginMilliseconds) return
    // Where it gives the same token, the server decides.
    await this.another(signal)
  }

  /** Logs in again; true where another token came of it. @throws as `logIn` */
  async another(signal: AbortSignal | undefined): Promise<boolean> {
    this.#renewing ??= this.#logInAgain().finally(() => {
      this.#renewing = undefined
    })
    return await abortable(this.#renewing, signal)
  }

  close(): void {
    this.#closing.abort(new HardkeyError('ERR_KEY_CLOSED', 'the key was closed'))
    clearTimeout(this.#timer)
    this.#lease.token?.wipe()
  }

  async #logInAgain(): Promise<boolean> {
    const { method } = this.#parts.login
    if (method === 'none' && this.#parts.token === undefined) return false
    const lease = await logIn({ ...this.#parts, signal: this.#closing.signal })
    const earlier = this.#lease.token
    const isSame = lease.token !== undefined && earlier?.equals(lease.token) === true
    const end = this.#end
    this.#take(lease)
    // The same token ends when it was said to end.
    if (isSame) this.#end ??= end
    earlier?.wipe()
    // Closed meanwhile: nobody will wipe it later.
    if (this.#closing.signal.aborted) lease.token?.wipe()
    return !isSame
  }

  #take(lease: Lease): void {
    this.#lease = lease
    this.#schedule(lease.seconds, lease.renewable)
  }

  /** Notes the end of the lease and when to do something for it. */
  #schedule(seconds: number | undefined, renewable: boolean): void {
    clearTimeout(this.#timer)
    this.#end = seconds === undefined || seconds === 0 ? undefined : this.#now().getTime() + seconds * 1000
    if (this.#closing.signal.aborted) return
    if (seconds === undefined) this.#later(lookupAfterMilliseconds, () => this.#lookUp())
    else if (renewable && seconds > 0) this.#later((seconds * 2000) / 3, () => this.#renew())
  }

  #later(milliseconds: number, act: () => Promise<void>): void {
    const run = (): void => {
      // Nobody waits for it: what fails shows in the next call of the key.
      act().catch(() => undefined)
    }
    this.#timer = setTimeout(run, Math.min(milliseconds, longestTimer)).unref()
  }

  async #lookUp(): Promise<void> {
    const answer = await this.#call('GET', 'auth/token/lookup-self')
    if (answer.status !== 200) return
    const { seconds, renewable } = readLookup(answer.body, answer.where)
    this.#schedule(seconds, renewable)
  }

  async #renew(): Promise<void> {
    const lease = this.#lease
    let answer: VaultAnswer
    try {
      answer = await this.#call('POST', 'auth/token/renew-self')
    } catch (error) {
      this.#renewLater(lease)
      throw error
    }
    if (answer.status !== 200) return
    const { token, seconds, renewable } = readLogin(answer.body, answer.where)
    token?.fill(0)
    // At the end of its longest life a token is renewed by nothing.
    if (seconds > 0) this.#schedule(seconds, renewable)
  }

  /** An outage must not cost a token that lives on. Nothing where a login came between, which has a timer of its own. */
  #renewLater(lease: Lease): void {
    const left = this.#end === undefined ? 0 : this.#end - this.#now().getTime()
    if (lease !== this.#lease || left < marginMilliseconds || this.#closing.signal.aborted) return
    this.#later(left / 2, () => this.#renew())
  }

  async #call(method: 'GET' | 'POST', path: string): ReturnType<LoginParts['client']['call']> {
    const body = method === 'POST' ? '{}' : undefined
    return await this.#parts.client.call({ method, path, body, token: this.token }, this.#closing.signal)
  }
}
