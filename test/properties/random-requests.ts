// Random requests, each written twice: as a client may send it, and in the strict form that botocore expects.
// In: fast-check. Out: pairs that must give the same signature.

import * as fc from 'fast-check'

/** One request and how it is signed. Times are whole seconds, texts decoded unless said otherwise. */
export interface RandomRequest {
  readonly method: string
  readonly service: string
  readonly region: string
  readonly origin: string
  /** As sent; for S3 encoded in part only. */
  readonly looseUrl: string
  /** The same with everything encoded once. */
  readonly strictUrl: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  readonly sessionToken: string | undefined
  readonly time: Date
  readonly unsignedPayload: boolean
  readonly expiresIn: number
}

/** Every odd character of a URL, beside plain ones and what needs several bytes of UTF-8. */
const character = fc.oneof(
  fc.constantFrom(...'abzAZ09-._~'),
  fc.constantFrom(...'!"$%&\'()*+,/:;<=>?@[]^`{|}\\# '),
  fc.constantFrom('é', 'ß', 'ሴ', '漢', '😀', '\u0301'),
)
const text = fc.string({ unit: character, maxLength: 12 })
const pathSegment = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom('', '.', '..', '...', '%2F', '%') },
)

/** For each character, whether the client encodes it although it need not (or leaves it although it should). */
const choices = fc.infiniteStream(fc.boolean())

const name = fc.constantFrom(
  'Content-Type',
  'content-type',
  'My-Header1',
  'my-header1',
  'X-Amz-Meta-A',
  'x-amz-meta-a',
  'x-amz-acl',
  'Range',
  "odd!#$%&'*+.^_`|~",
)
const unsignedName = fc.constantFrom(
  'User-Agent',
  'expect',
  'X-Amzn-Trace-Id',
  'connection',
  'TE',
  'Transfer-Encoding',
  'traceparent',
)
const value = fc.string({ unit: fc.constantFrom(...'aZ9"=,;:/ \t\té'), maxLength: 20 })
const header = fc.tuple(fc.oneof({ weight: 6, arbitrary: name }, { weight: 1, arbitrary: unsignedName }), value)

const strict = (decoded: string): string =>
  encodeURIComponent(decoded).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)

/** Encodes some characters that need not be, in lower case now and then, and leaves some that should be encoded. */
function loose(decoded: string, mustEncode: RegExp, stream: fc.Stream<boolean>): string {
  return Array.from(decoded, (one) => {
    const [first = false, second = false] = stream.take(2)
    if (!first && !mustEncode.test(one)) return one
    const encoded = Array.from(new TextEncoder().encode(one), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(
      '',
    )
    return second ? encoded : encoded.toUpperCase()
  }).join('')
}

interface Parts {
  readonly service: string
  readonly origin: string
  readonly segments: readonly string[]
  readonly query: readonly (readonly [string, string])[]
  readonly stream: fc.Stream<boolean>
}

function urls({ service, origin, segments, query, stream }: Parts): { looseUrl: string; strictUrl: string } {
  const inSegments = (write: (decoded: string) => string): string =>
    segments.map((segment) => segment.split('/').map(write).join('/')).join('/')
  const inQuery = (write: (decoded: string) => string): string =>
    query.map(([key, of], at) => `${at === 0 ? '?' : '&'}${write(key)}=${write(of)}`).join('')
  // Services other than S3 sign the path as it was sent, so both sides get the same text there.
  const asSent = inSegments((decoded) => decoded.replace(/[?#]/g, '-'))
  const [loosePath, strictPath] =
    service === 's3'
      ? [inSegments((decoded) => loose(decoded, /[%?#+]/, stream)), inSegments(strict)]
      : [asSent, asSent]
  return {
    looseUrl: `${origin}/${loosePath}${inQuery((decoded) => loose(decoded, /[%&=#+]/, stream))}`,
    strictUrl: `${origin}/${strictPath}${inQuery(strict)}`,
  }
}

/** `uniqueNames`: botocore's presigner keeps one value of a query parameter. */
export function randomRequest({ uniqueNames }: { uniqueNames: boolean }): fc.Arbitrary<RandomRequest> {
  const pairs = fc.tuple(text, text)
  return fc
    .record({
      method: fc.constantFrom('GET', 'PUT', 'POST', 'HEAD', 'DELETE'),
      service: fc.constantFrom('s3', 's3', 'sqs', 'execute-api', 'sts'),
      region: fc.constantFrom('us-east-1', 'eu-west-1', 'cn-north-1'),
      origin: fc.constantFrom(
        'https://example.amazonaws.com',
        'https://EXAMPLE.com:443',
        'http://127.0.0.1:9000',
        'https://[::1]:8443',
      ),
      segments: fc.array(pathSegment, { maxLength: 6 }),
      query: uniqueNames
        ? fc.uniqueArray(pairs, { maxLength: 5, selector: ([key]) => key })
        : fc.array(pairs, { maxLength: 6 }),
      stream: choices,
      headers: fc.array(header, { maxLength: 6 }),
      body: fc.uint8Array({ maxLength: 80 }),
      sessionToken: fc.option(fc.stringMatching(/^[A-Za-z0-9+/]{1,80}={0,2}$/), { nil: undefined }),
      seconds: fc.integer({ min: Date.UTC(2000, 0, 2) / 1000, max: Date.UTC(2100, 11, 31) / 1000 }),
      unsignedPayload: fc.constantFrom(false, false, false, true),
      expiresIn: fc.integer({ min: 1, max: 604_800 }),
    })
    .map(({ segments, query, stream, seconds, ...rest }) => ({
      ...rest,
      ...urls({ segments, query, stream, ...rest }),
      time: new Date(seconds * 1000),
      unsignedPayload: rest.unsignedPayload && rest.origin.startsWith('https:'),
    }))
}
