// Checks signatures as a service does, with lines of its own. In: a request as its bytes came in, and who has which
// secret. Out: nothing, or the code that AWS answers with. Header form, presigned form, bodies with a trailing checksum.
// AWS Signature Version 4; Amazon S3 API Reference, "Signature calculations: trailing headers" and "POST policy".

import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What came in. Header names in lower case, several values joined by a comma. */
export interface Received {
  readonly method: string
  /** Path and query, as in the request line. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Whose signature it is. */
export interface Checked {
  readonly accessKeyId: string
  readonly date: string
  readonly region: string
  readonly service: string
  readonly signature: string
}

/** A refusal, by the code that AWS has for it. */
export class Refused extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** The SigningKey of a secret. */
export function signingKeyOf(secret: string, date: string, region: string, service: string): Buffer {
  return [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, date))
}

/** @throws Refused for a signature that is missing or wrong, and for a body that is not the signed one */
export function checkSignature(received: Received, secrets: ReadonlyMap<string, string>): Checked {
  const [path = '', query = ''] = received.target.split(/\?(.*)/s)
  const parameters = query === '' ? [] : query.split('&').map((part) => part.split(/=(.*)/s).slice(0, 2))
  const inQuery = new Map(parameters.map(([name = '', value = '']) => [name.toLowerCase(), decodeURIComponent(value)]))
  const inHeader = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
  const parts = inHeader.exec(received.headers.authorization ?? '')
  const presigned = parts === null
  const credential = presigned ? inQuery.get('x-amz-credential') : parts[1]
  const names = presigned ? inQuery.get('x-amz-signedheaders') : parts[2]
  const signature = presigned ? inQuery.get('x-amz-signature') : parts[3]
  const time = presigned ? inQuery.get('x-amz-date') : received.headers['x-amz-date']
  const [accessKeyId = '', date = '', region = '', service = ''] = credential?.split('/') ?? []
  if (names === undefined || signature === undefined || time === undefined) throw new Refused('AccessDenied')
  const secret = secrets.get(accessKeyId)
  if (secret === undefined) throw new Refused('InvalidAccessKeyId')
  // HTTP/2 has no Host header.
  if (!names.split(';').some((name) => name === 'host' || name === ':authority')) throw new Refused('AccessDenied')
  const canonical = [
    received.method,
    path
      .split('/')
      .map((part) => encoded(service.startsWith('s3') ? decodeURIComponent(part) : part))
      .join('/'),
    canonicalQuery(parameters),
    ...names.split(';').map((name) => `${name}:${(received.headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names,
    payloadHash(received, presigned, service, inQuery.get('x-amz-content-sha256')),
  ].join('\n')
  const text = `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/${service}/aws4_request\n${sha256(canonical)}`
  const right = hmac(signingKeyOf(secret, date, region, service), text).toString('hex')
  if (right !== signature || !time.startsWith(date)) throw new Refused('SignatureDoesNotMatch')
  return { accessKeyId, date, region, service, signature }
}

function canonicalQuery(parameters: readonly (readonly string[])[]): string {
  return parameters
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name = '', value = '']) => [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value))])
    .sort(([a = '', x = ''], [b = '', y = '']) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
}

/** The last line of the canonical request, once the body is found to be what it says. */
function payloadHash(received: Received, presigned: boolean, service: string, inQuery: string | undefined): string {
  const { headers, body } = received
  const said = headers['x-amz-content-sha256'] ?? inQuery ?? (presigned && service === 's3' ? 'UNSIGNED-PAYLOAD' : '')
  if (said === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
    const { content, trailers } = unchunked(body)
    if (String(content.length) !== headers['x-amz-decoded-content-length']) throw new Refused('IncompleteBody')
    const right = Buffer.alloc(4)
    right.writeUInt32BE(crc32(content))
    if (trailers['x-amz-checksum-crc32'] !== right.toString('base64')) throw new Refused('BadDigest')
    return said
  }
  // The first of a stream of events covers no event yet.
  if (/^(UNSIGNED-PAYLOAD|STREAMING-AWS4-HMAC-SHA256-EVENTS)$/.test(said)) return said
  if (said !== '' && said !== sha256(body)) throw new Refused('XAmzContentSHA256Mismatch')
  return sha256(body)
}

/** An `aws-chunked` body taken apart. */
export function unchunked(body: Buffer): { content: Buffer; trailers: Record<string, string> } {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    if (end < 0) throw new Refused('IncompleteBody')
    const size = Number.parseInt(body.toString('latin1', at, end), 16)
    if (size === 0) {
      const lines = body.toString('latin1', end + 2).split('\r\n')
      const trailers = lines.filter((line) => line !== '').map((line) => line.split(/:(.*)/s).slice(0, 2))
      return { content: Buffer.concat(pieces), trailers: Object.fromEntries(trailers) }
    }
    pieces.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

/** The fields of a POST form of S3, whose policy is signed. @throws Refused */
export function checkPolicy(fields: ReadonlyMap<string, string>, secrets: ReadonlyMap<string, string>): Checked {
  const [accessKeyId = '', date = '', region = '', service = ''] = fields.get('x-amz-credential')?.split('/') ?? []
  const secret = secrets.get(accessKeyId)
  if (secret === undefined) throw new Refused('InvalidAccessKeyId')
  const signature = fields.get('x-amz-signature') ?? ''
  const right = hmac(signingKeyOf(secret, date, region, service), fields.get('policy') ?? '').toString('hex')
  if (right !== signature) throw new Refused('SignatureDoesNotMatch')
  return { accessKeyId, date, region, service, signature }
}
