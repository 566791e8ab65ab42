// The signer: a request goes in, the same request with its signature comes out.
// In: a DateKeySource, region, service, clock. Out: signed headers or a presigned URL. AWS Signature Version 4.
// 1. One look at the clock per request gives the time, the date in the scope and the date of the key.
// 2. The request is checked and made canonical before the key is asked for, so a bad one costs no device call.
// 3. Signing with a key that is kept (signing-keys.ts) waits for nothing.

import { HardkeyError } from '../errors.ts'
import { chunkedBody, chunkedLength } from './chunked-body.ts'
import {
  type ChunkedOptions,
  type ChunkedRequest,
  checkedChunkBytes,
  type SignedStream,
  streamingHeaders,
  streamingPayload,
} from './chunked-form.ts'
import { clockOf, instantOf } from './date-window.ts'
import { type EventStreamRequest, eventsPayload, signedEvents } from './event-stream.ts'
import { FastPath } from './fast-path.ts'
import { headerForm, type SignedRequest } from './header-form.ts'
import { type PostForm, type PostPolicyInput, type PostPolicyOptions, policyForm } from './post-policy.ts'
import { queryForm } from './query-form.ts'
import { type HttpRequest, httpAsWebSocket, UrlSplitter, webSocketAsHttp } from './request.ts'
import { type RuleOptions, type SigningRules, signingRules } from './rules.ts'
import { SignatureChain } from './signature-chain.ts'
import { SigningKeys } from './signing-keys.ts'
import { type SigningMoment, signingMoments } from './signing-moment.ts'
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
   * For S3 the body stays unsigned, unless a body or `payloadHash` is given. A wss URL opens a WebSocket (Amazon
   * Transcribe; AWS IoT as service `iotdevicegateway` with `unsignedSessionToken`).
   *
   * @throws as `sign`; ERR_REQUEST_INVALID for `expiresIn` outside 1 to 604800 and for a URL that is signed already
   */
  presign(request: HttpRequest, options: PresignOptions): Promise<string>
  /**
   * An upload to S3 in signed chunks (`aws-chunked`): the body is neither hashed beforehand nor held, and a checksum may
   * follow it. For S3 and stores that speak it alone.
   *
   * @throws as `sign`; ERR_REQUEST_INVALID for a length or chunk size that is none, and for `unsignedPayload` without a checksum
   */
  signChunked(request: ChunkedRequest, options: ChunkedOptions): Promise<SignedStream>
  /**
   * A request whose body is a stream of events (Amazon Transcribe and its like), each signed as it passes.
   *
   * @throws as `sign`
   */
  signEvents(request: EventStreamRequest, options?: Pick<SignOptions, 'date' | 'signal'>): Promise<SignedStream>
  /**
   * A form by which anyone may upload one object to S3 (POST policy).
   *
   * @throws as `presign`; ERR_REQUEST_INVALID for a condition or field that S3 does not know
   */
  postPolicy(input: PostPolicyInput, options: PostPolicyOptions): Promise<PostForm>
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
  return new Signer(options)
}

class Signer implements SigV4Signer {
  readonly #now: () => number
  readonly #rules: SigningRules
  readonly #keys: SigningKeys
  readonly #urls = new UrlSplitter()
  readonly #fast: FastPath
  readonly #momentOf: (instant: number) => SigningMoment

  constructor(options: SigV4SignerOptions) {
    this.#now = clockOf(options.now)
    this.#rules = signingRules(options)
    this.#keys = new SigningKeys(options.keys, this.#rules.region, this.#rules.service, this.#now)
    this.#momentOf = signingMoments(this.#rules)
    this.#fast = new FastPath(this.#rules, this.#urls)
  }

  async sign(request: HttpRequest, signing: SignOptions = {}): Promise<SignedRequest> {
    signing.signal?.throwIfAborted()
    const instant = this.#now()
    const moment = this.#momentOf(signing.date === undefined ? instant : instantOf(signing.date))
    const key = this.#keys.kept(moment.date, instant)
    const fast = key === undefined ? undefined : this.#fast.sign(request, signing, moment, key)
    if (fast !== undefined) return fast
    const form = headerForm(request, this.#urls.split(request.url), moment, signing, this.#rules)
    const text = stringToSign(moment, form.canonicalRequest)
    return form.complete(key === undefined ? await this.#keys.sign(moment.date, text, signing.signal) : key.sign(text))
  }

  async presign(request: HttpRequest, signing: PresignOptions): Promise<string> {
    signing.signal?.throwIfAborted()
    checkExpiry(signing.expiresIn)
    const instant = this.#now()
    const moment = this.#momentOf(signing.date === undefined ? instant : instantOf(signing.date))
    const key = this.#keys.kept(moment.date, instant)
    const given = webSocketAsHttp(request.url)
    const fast =
      key === undefined || given !== request.url ? undefined : this.#fast.presign(request, signing, moment, key)
    if (fast !== undefined) return fast
    const form = queryForm(request, this.#urls.split(given), moment, signing, this.#rules)
    const text = stringToSign(moment, form.canonicalRequest)
    const url = form.complete(
      key === undefined ? await this.#keys.sign(moment.date, text, signing.signal) : key.sign(text),
    )
    return given === request.url ? url : httpAsWebSocket(url)
  }

  async signChunked(request: ChunkedRequest, options: ChunkedOptions): Promise<SignedStream> {
    const { length, checksum, signal } = options
    const signed = options.unsignedPayload !== true
    const frame = { length, checksum, chunkBytes: checkedChunkBytes(options), signed }
    const headers = streamingHeaders(request.headers, options, chunkedLength(frame))
    const opened = await this.#open({ ...request, headers, body: undefined }, streamingPayload(options), options)
    const chain = new SignatureChain(opened.signature, (date, text) => this.#keys.sign(date, text, signal))
    const signing = signed ? { chain, moment: opened.moment } : undefined
    return { ...opened.request, body: chunkedBody(request.body, frame, signing) }
  }

  async signEvents(
    request: EventStreamRequest,
    options: Pick<SignOptions, 'date' | 'signal'> = {},
  ): Promise<SignedStream> {
    const { signal } = options
    const opened = await this.#open({ ...request, body: undefined }, eventsPayload, options)
    const chain = new SignatureChain(opened.signature, (date, text) => this.#keys.sign(date, text, signal))
    return { ...opened.request, body: signedEvents(request.body, chain, () => this.#momentOf(this.#now())) }
  }

  async postPolicy(input: PostPolicyInput, options: PostPolicyOptions): Promise<PostForm> {
    options.signal?.throwIfAborted()
    checkExpiry(options.expiresIn)
    const instant = options.date === undefined ? this.#now() : instantOf(options.date)
    const moment = this.#momentOf(instant)
    const { text } = this.#urls.split(input.url)
    const form = policyForm(input, text, instant + options.expiresIn * 1000, moment, this.#rules)
    return form.complete(await this.#keys.sign(moment.date, form.policy, options.signal))
  }

  /** The request that begins a body in signed pieces; `payload` is the literal that says so. */
  async #open(
    request: HttpRequest,
    payload: string,
    { date, signal }: Pick<SignOptions, 'date' | 'signal'>,
  ): Promise<OpenedStream> {
    signal?.throwIfAborted()
    const moment = this.#momentOf(date === undefined ? this.#now() : instantOf(date))
    const rules = { ...this.#rules, payloadHashHeader: true }
    const form = headerForm(request, this.#urls.split(request.url), moment, { payloadHash: payload }, rules)
    const signature = await this.#keys.sign(moment.date, stringToSign(moment, form.canonicalRequest), signal)
    const { method, url, headers } = form.complete(signature)
    return { request: { method, url, headers }, signature, moment }
  }
}

interface OpenedStream {
  readonly request: Omit<SignedStream, 'body'>
  readonly signature: string
  readonly moment: SigningMoment
}

/** AWS: 7 days at most, since the SigningKey of a day is valid so long. */
export function checkExpiry(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= 604_800) return
  throw new HardkeyError('ERR_REQUEST_INVALID', 'expiresIn is not a whole number of seconds from 1 to 604800', {
    hint: 'a presigned URL lives 7 days at most',
  })
}
