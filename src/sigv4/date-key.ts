// The DateKey of a day, and where it comes from: a device, or a secret access key in memory.
// In: an HmacKey (or a secret) and a date. Out: a KeyObject of 32 bytes, at most one device call per date however many
// callers wait. AWS Signature Version 4, "Derive the signing key", step 1: DateKey = HMAC("AWS4" + secret, "YYYYMMDD").
// 1. Callers of one date share one device call. One of them may leave; the call ends early only when all have left.
// 2. A failed call is not remembered: the next caller asks the device anew.
// 3. The device's answer is wiped as soon as the KeyObject is made, and the KeyObject is dropped at 00:15 UTC.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { HardkeyError } from '../errors.ts'
import type { HmacKey } from '../key/hmac-key.ts'
import type { Secret } from '../key/secret.ts'
import { aws4Key } from './aws4-key.ts'
import { clockOf, refuseDistantDate, startOfDate } from './date-window.ts'
import { DayCache } from './day-cache.ts'

/** Gives the DateKey of a day; the signer takes it from here and knows no device. */
export interface DateKeySource {
  /** The access key ID that stands in the credential. */
  readonly accessKeyId: string
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined
  /**
   * The DateKey of `date` ("YYYYMMDD", UTC), 32 bytes. It signs every request of that day, of any region and service:
   * derive from it what you need and let it go.
   *
   * @throws ERR_DATE_REFUSED for a date that is not real or not allowed, before the device is asked; what the device throws
   */
  dateKey(date: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<KeyObject>
}

export interface DeviceDateKeysOptions {
  /** An opened key that holds `AWS4` and the secret access key. Stays the caller's to close. */
  readonly key: HmacKey
  readonly accessKeyId: string
  /** Where the key in the device belongs to temporary credentials. */
  readonly sessionToken?: string | undefined
  /** Keeps the DateKey for its day, so that a day needs one device call. Default true; false asks for each new signing key. */
  readonly keepDateKey?: boolean | undefined
  /** The clock, by which yesterday, today and tomorrow are counted. Default: that of the machine. */
  readonly now?: (() => Date) | undefined
}

/**
 * DateKeys from a device. The device is asked for yesterday, today and tomorrow (UTC) alone, and once for a date,
 * however many callers wait.
 *
 * @throws ERR_CONFIG_INVALID for an access key ID or session token that cannot stand in a request
 *
 * @example
 * ```ts
 * import { deviceDateKeys, openKey, sigV4Signer } from 'hardkey'
 * const key = await openKey('pkcs11:token=prod;object=aws?module-path=/usr/lib/libhsm.so&pin-source=file:/run/pin')
 * const keys = deviceDateKeys({ key, accessKeyId: 'AKIDEXAMPLE' })
 * const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 'sqs' })
 * ```
 */
export function deviceDateKeys(options: DeviceDateKeysOptions): DateKeySource {
  const { key, keepDateKey = true } = options
  const now = clockOf(options.now)
  const kept = new DayCache<KeyObject>(now, () => {})
  const calls = new Map<string, SharedCall>()

  async function askDevice(date: string, signal: AbortSignal): Promise<KeyObject> {
    const answer = await key.hmac(new TextEncoder().encode(date), { signal })
    const dateKey = createSecretKey(answer)
    answer.fill(0)
    if (keepDateKey) kept.keep(date, dateKey)
    return dateKey
  }

  return {
    ...checkedIdentity(options),
    async dateKey(date, { signal } = {}) {
      signal?.throwIfAborted()
      const instant = now()
      refuseDistantDate(date, instant)
      const there = kept.get(date, instant)
      if (there !== undefined) return there
      let call = calls.get(date)
      if (call === undefined) {
        const started = new SharedCall(
          (ended) => askDevice(date, ended),
          () => {
            if (calls.get(date) === started) calls.delete(date)
          },
        )
        calls.set(date, started)
        call = started
      }
      return call.join(signal)
    },
  }
}

export interface SecretDateKeysOptions {
  readonly accessKeyId: string
  /** Copied; bytes and a Secret stay the caller's to wipe. */
  readonly secretAccessKey: string | Uint8Array | Secret
  readonly sessionToken?: string | undefined
}

/**
 * DateKeys from a secret access key in memory: that of temporary credentials, or a second implementation in a test.
 * Any real date is derived, since whoever holds the secret can sign any date anyway.
 *
 * @throws ERR_CONFIG_INVALID as `deviceDateKeys`; ERR_SECRET_INVALID for an empty secret
 *
 * @example
 * ```ts
 * import { secretDateKeys, sigV4Signer } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'temporary', sessionToken: 'token' })
 * const signer = sigV4Signer({ keys, region: 'us-east-1', service: 's3' })
 * ```
 */
export function secretDateKeys(options: SecretDateKeysOptions): DateKeySource {
  const { secretAccessKey } = options
  const bare = typeof secretAccessKey === 'string' ? new TextEncoder().encode(secretAccessKey) : secretAccessKey
  if (bare.length === 0) throw new HardkeyError('ERR_SECRET_INVALID', 'the secret access key is empty')
  const whole = aws4Key(bare)
  const start = whole.toKeyObject()
  whole.wipe()
  if (bare instanceof Uint8Array && bare !== secretAccessKey) bare.fill(0)
  return {
    ...checkedIdentity(options),
    async dateKey(date, { signal } = {}) {
      signal?.throwIfAborted()
      startOfDate(date)
      const bytes = createHmac('sha256', start).update(date).digest()
      const dateKey = createSecretKey(bytes)
      bytes.fill(0)
      return dateKey
    },
  }
}

/** What every request of the source carries in clear; checked here, once, because it becomes part of headers and URLs. */
function checkedIdentity(options: { readonly accessKeyId: string; readonly sessionToken?: string | undefined }): {
  readonly accessKeyId: string
  readonly sessionToken?: string
} {
  const { accessKeyId, sessionToken } = options
  // '/' ends the access key ID in a credential scope, and ',' ends the credential in the Authorization header.
  if (!/^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,128}$/.test(accessKeyId)) {
    throw new HardkeyError('ERR_CONFIG_INVALID', 'the access key ID has characters that cannot stand in a credential', {
      hint: 'an access key ID has 1 to 128 visible ASCII characters without "/" and ","',
    })
  }
  if (sessionToken === undefined) return { accessKeyId }
  if (!/^[\x21-\x7e]{1,16384}$/.test(sessionToken)) {
    throw new HardkeyError(
      'ERR_CONFIG_INVALID',
      'the session token is empty or has characters that cannot stand in a header',
      {
        hint: 'give it as it was issued, without spaces or line ends; leave it out for a permanent access key',
      },
    )
  }
  return { accessKeyId, sessionToken }
}

/** One call of the device that several callers wait for. */
class SharedCall {
  readonly #result: Promise<KeyObject>
  readonly #everybodyLeft = new AbortController()
  readonly #ended: () => void
  /** One listener for each signal: Node warns of a leak where many callers pass the same. */
  readonly #bySignal = new Map<AbortSignal, Promise<KeyObject>>()
  #waiting = 0

  constructor(call: (signal: AbortSignal) => Promise<KeyObject>, ended: () => void) {
    this.#ended = ended
    this.#result = call(this.#everybodyLeft.signal).finally(ended)
  }

  /** The result of the call, or the reason of the signal as soon as it aborts. */
  join(signal: AbortSignal | undefined): Promise<KeyObject> {
    const joined = signal === undefined ? undefined : this.#bySignal.get(signal)
    if (joined !== undefined) return joined
    this.#waiting += 1
    if (signal === undefined) return this.#result
    const joining = this.#until(signal)
    this.#bySignal.set(signal, joining)
    return joining
  }

  async #until(signal: AbortSignal): Promise<KeyObject> {
    let leave = (): void => {}
    try {
      return await new Promise<KeyObject>((resolve, reject) => {
        leave = () => {
          this.#leave(signal.reason)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        this.#result.then(resolve, reject)
      })
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #leave(reason: unknown): void {
    this.#waiting -= 1
    if (this.#waiting > 0) return
    // Nobody may join a call that is being ended.
    this.#ended()
    this.#everybodyLeft.abort(reason)
  }
}
