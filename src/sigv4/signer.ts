// The signer: a request goes in, the same request with its signature comes out.
// In: a DateKeySource, region, service, clock. Out: signed headers or a presigned URL. AWS Signature Version 4.
// 1. One look at the clock per request gives the time, the date in the scope and the date of the key.
// 2. The request is checked and made canonical before the key is asked for, so a bad one costs no device call.
// 3. The SigningKey is kept until 00:15 UTC of the next day, three at most; signing with a kept one waits for nothing.

import { HardkeyError } from '../errors.ts'
import { clockOf } from './date-window.ts'
import { DayCache } from './day-cache.ts'
import { headerForm, type SignedRequest } from './header-form.ts'
import { queryForm } from './query-form.ts'
import { type HttpRequest, UrlSplitter } from './request.ts'
import { type RuleOptions, signingRules } from './rules.ts'
import { SigningKey } from './signing-key.ts'
import { signingMoments } from './signing-moment.ts'
import { stringToSign } from './string-to-sign.ts'

export interface SigV4SignerOptions extends RuleOptions {
  /** The clock. Default: that of the machine. */
  readonly now?: (() => Date) | undefined
}

export interface SignOptions {
  /** The time of the signature. Default: now. A service accepts 5 to 15 minutes to either side. */
  readonly date?: Date | undefined
  readonly signal?: AbortSignal | undefined
  /** SHA-256 of the body in lower-case hex, where it is known or the body is a stream; or a literal that AWS names. */
  readonly payloadHash?: string | undefined
  /** Leaves the body out of the signature. Only with TLS, and only where the service allows it. Default false. */
  readonly unsignedPayload?: boolean | undefined
}

export interface PresignOptions extends SignOptions {
  /**
   * Seconds until the URL expires, 1 to 604800 (7 days), counted from `date`. A URL never lives longer than the
   * credentials it was signed with.
   */
  readonly expiresIn: number
}

/** Signs requests of one region and service. Holds no request and may be used by many callers at once. */
export interface SigV4Signer {
  /**
   * The request with X-Amz-Date, Authorization and what else the service wants among its headers. Authorization,
   * X-Amz-Date and X-Amz-Security-Token that it had before are replaced.
   *
   * @throws ERR_REQUEST_INVALID for a request that cannot be signed as it is; ERR_DATE_REFUSED for a time that is none
   * or not allowed; what the key throws; the reason of the signal
   */
  sign(request: HttpRequest, options?: SignOptions): Promise<SignedRequest>
  /**
   * The URL with the signature in its query. Who uses it sends the same method and every header that was given here.
   * For S3 the body stays unsigned, unless a body or `payloadHash` is given.
   *
   * @throws as `sign`; ERR_REQUEST_INVALID for `expiresIn` outside 1 to 604800 and for a URL that is signed already
   */
  presign(request: HttpRequest, options: PresignOptions): Promise<string>
}

/**
 * A signer for one region and service.
 *
 * @throws ERR_REQUEST_INVALID for a region or service that cannot stand in a credential scope
 *
 * @example
 * ```ts
 * import { secretDateKeys, sigV4Signer } from 'hardkey'
 * const keys = secretDateKeys({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret from elsewhere' })
 * const signer = sigV4Signer({ keys, region: 'eu-west-1', service: 's3' })
 * const { method, url, headers } = await signer.sign({ method: 'GET', url: 'https://example-bucket.s3.eu-west-1.amazonaws.com/a' })
 * const answer = await fetch(url, { method, headers })
 * const link = await signer.presign({ method: 'GET', url }, { expiresIn: 604800 })
 * ```
 */
export function sigV4Signer(options: SigV4SignerOptions): SigV4Signer {
  const { keys } = options
  const now = clockOf(options.now)
  const rules = signingRules(options)
  const { region, service } = rules
  const kept = new DayCache<SigningKey>(now, (key) => key.wipe())
  const urls = new UrlSplitter()
  const momentOf = signingMoments(rules)

  async function signAnew(date: string, text: string, signal: AbortSignal | undefined): Promise<string> {
    const dateKey = await keys.dateKey(date, { signal })
    // From here to the signature nothing waits: another caller may have kept the key meanwhile, and nobody wipes it now.
    const there = kept.get(date, now())
    if (there !== undefined) return there.sign(text)
    const key = SigningKey.derive(dateKey, region, service)
    const signature = key.sign(text)
    if (!kept.keep(date, key)) key.wipe()
    return signature
  }

  return {
    async sign(request, signing = {}) {
      signing.signal?.throwIfAborted()
      const instant = now()
      const moment = momentOf(signing.date?.getTime() ?? instant)
      const form = headerForm(request, urls.split(request.url), moment, signing, rules)
      const text = stringToSign(moment, form.canonicalRequest)
      const key = kept.get(moment.date, instant)
      return form.complete(key === undefined ? await signAnew(moment.date, text, signing.signal) : key.sign(text))
    },
    async presign(request, signing) {
      signing.signal?.throwIfAborted()
      checkExpiry(signing.expiresIn)
      const instant = now()
      const moment = momentOf(signing.date?.getTime() ?? instant)
      const form = queryForm(request, urls.split(request.url), moment, signing, rules)
      const text = stringToSign(moment, form.canonicalRequest)
      const key = kept.get(moment.date, instant)
      return form.complete(key === undefined ? await signAnew(moment.date, text, signing.signal) : key.sign(text))
    },
  }
}

/** AWS: 7 days at most, since the SigningKey of a day is valid so long. */
function checkExpiry(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= 604_800) return
  throw new HardkeyError('ERR_REQUEST_INVALID', 'expiresIn is not a whole number of seconds from 1 to 604800', {
    hint: 'a presigned URL lives 7 days at most',
  })
}
