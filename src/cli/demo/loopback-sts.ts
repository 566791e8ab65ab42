// An STS on this machine that checks every signature by itself, for the demo and for tests: no double elsewhere issues
// sessions of all kinds that can be used. In: one access key. Out: an HTTP server on 127.0.0.1. It imports nothing of
// sigv4/, so that a fault there cannot hide here: `signatureOf` is the whole of Signature Version 4 once more,
// straight on. AWS General Reference, "Signature Version 4 signing process"; STS API Reference 2011-06-15.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Secret } from '../../key/secret.ts'
import { type Answer, account, act, fault, type Identity, startOf } from './sts-actions.ts'

export interface LoopbackStsOptions {
  readonly accessKeyId: string
  /** The bare secret access key. Copied; stays the caller's to wipe. */
  readonly secretAccessKey: Secret | Uint8Array
  readonly now?: (() => Date) | undefined
}

export interface LoopbackSts {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string
  /** Requests whose signature was right so far. */
  accepted(): number
  /** Requests that were refused so far. */
  refused(): number
  close(): Promise<void>
}

const region = /^[a-z0-9-]{1,64}$/
const windowMilliseconds = 15 * 60 * 1000
const longestBody = 64 * 1024

/** Starts the server. */
export async function startLoopbackSts(options: LoopbackStsOptions): Promise<LoopbackSts> {
  const now = options.now ?? (() => new Date())
  const identities = new Map<string, Identity>()
  const user = { arn: `arn:aws:iam::${account}:user/demo`, userId: 'AIDADEMODEMODEMODEMO', sessionToken: undefined }
  identities.set(options.accessKeyId, {
    ...user,
    start: startOf(options.secretAccessKey),
    ends: Number.POSITIVE_INFINITY,
  })
  const counts = { accepted: 0, refused: 0 }
  const server = createServer((request, response) => {
    answer(request, identities, now()).then(
      ({ status, body }) => {
        counts[status === 200 ? 'accepted' : 'refused'] += 1
        // Clients read the clock of STS from this header.
        response.setHeader('date', now().toUTCString())
        send(response, status, body)
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  // A server that listens on a port has an address of this kind; only pipes have a name instead.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    accepted: () => counts.accepted,
    refused: () => counts.refused,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      for (const { start } of identities.values()) start.wipe()
    },
  }
}

async function answer(request: IncomingMessage, identities: Map<string, Identity>, now: Date): Promise<Answer> {
  const body = await readBody(request)
  if (body === undefined) return fault(413, 'RequestEntityTooLarge', 'the body is too long')
  const asked = new URL(request.url ?? '/', 'http://127.0.0.1')
  const form = new URLSearchParams(request.method === 'POST' ? body.toString('utf8') : asked.search)
  const checked = check(request, asked, body, identities, now)
  return 'status' in checked ? checked : act(form, checked, identities, now)
}

/** What could be changed on the way, were it not signed. */
function mustBeSigned({ headers }: IncomingMessage): readonly string[] {
  const always = ['host', 'x-amz-date']
  return headers['x-amz-security-token'] === undefined ? always : [...always, 'x-amz-security-token']
}

/** The caller, or why the request is refused; a right signature is the only way in. */
function check(
  request: IncomingMessage,
  asked: URL,
  body: Buffer,
  identities: Map<string, Identity>,
  now: Date,
): Identity | Answer {
  const authorization = String(request.headers.authorization ?? '')
  const scope = /([^/]+)\/(\d{8})\/([^/]+)\/sts\/aws4_request/.source
  const parts = new RegExp(`^AWS4-HMAC-SHA256 Credential=${scope}, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$`)
  const [, accessKeyId = '', date = '', scopeRegion = '', signedHeaders = '', signature = ''] =
    parts.exec(authorization) ?? []
  if (!region.test(scopeRegion) || !mustBeSigned(request).every((name) => signedHeaders.split(';').includes(name)))
    return fault(403, 'IncompleteSignature', 'the Authorization header is not one of STS')
  const caller = identities.get(accessKeyId)
  if (caller === undefined)
    return fault(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.')
  const right = signatureOf(request, asked, body, { start: caller.start, date, region: scopeRegion, signedHeaders })
  if (!timingSafeEqual(Buffer.from(signature, 'hex'), right)) {
    return fault(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    )
  }
  if (caller.sessionToken !== request.headers['x-amz-security-token'] || caller.ends <= now.getTime()) {
    return fault(403, 'ExpiredToken', 'The security token included in the request is expired or another one.')
  }
  const stamp = String(request.headers['x-amz-date'])
  const time = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (stamp.startsWith(date) && Math.abs(time - now.getTime()) <= windowMilliseconds) return caller
  return fault(403, 'SignatureDoesNotMatch', `Signature expired: ${stamp} is now outside of 15 min.`)
}

interface Claim {
  /** "AWS4" and the secret access key. */
  readonly start: Secret
  readonly date: string
  readonly region: string
  readonly signedHeaders: string
}

/** The signature that the request must have: the thirty straight lines. */
function signatureOf(request: IncomingMessage, asked: URL, body: Buffer, claim: Claim): Buffer {
  const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...asked.searchParams]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&')
  const headers = claim.signedHeaders.split(';')
  const headerText = (name: string): string =>
    String(request.headers[name] ?? '')
      .trim()
      .replace(/ +/g, ' ')
  const canonicalRequest = [
    request.method,
    asked.pathname,
    query,
    ...headers.map((name) => `${name}:${headerText(name)}`),
    '',
    claim.signedHeaders,
    sha256(body),
  ].join('\n')
  const scope = `${claim.date}/${claim.region}/sts/aws4_request`
  const stringToSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonicalRequest)].join('\n')
  const dateKey = claim.start.lend((key) => hmac(key, claim.date))
  return hmac(hmac(hmac(hmac(dateKey, claim.region), 'sts'), 'aws4_request'), stringToSign)
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** The whole body, undefined where it is longer than any request to STS. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    // An IncomingMessage without an encoding gives Buffers.
    const bytes = chunk as Buffer
    length += bytes.length
    if (length <= longestBody) chunks.push(bytes)
  }
  return length > longestBody ? undefined : Buffer.concat(chunks)
}
