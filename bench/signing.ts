// Signing and presigning against the signers that others use, and against the bare hashes that a request needs.
// In: three kinds of request, 64 of each in turn, the time is now. Out: rows of the table.

import { createHash, createHmac, hash } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import aws4 from 'aws4'
import { AwsV4Signer } from 'aws4fetch'
import { secretDateKeys } from '../src/sigv4/date-key.ts'
import { type SigV4Signer, sigV4Signer } from '../src/sigv4/signer.ts'
import { crtSigner } from './aws-crt.ts'
import { type Contender, compare, type Effort, type Row, time } from './measure.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const region = 'us-east-1'
const many = 64

interface Case {
  readonly name: string
  readonly service: string
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array | undefined
  /** Length of the canonical request, for the bare hashes. */
  readonly canonicalLength: number
}

/** A case as each signer takes it, made beforehand so that only signing is timed. */
interface Prepared extends Case {
  readonly target: string
  readonly url: string
  readonly headersWithHost: Record<string, string>
}

function each(make: (index: number) => Case): readonly Prepared[] {
  return Array.from({ length: many }, (_, index) => {
    const one = make(index)
    const pairs = Object.entries(one.query).map(([name, value]) => `${name}=${value}`)
    const target = pairs.length === 0 ? one.path : `${one.path}?${pairs.join('&')}`
    return { ...one, target, url: `https://${one.host}${target}`, headersWithHost: { ...one.headers, host: one.host } }
  })
}

const posts = each((index) => ({
  name: 'sign POST 300 B',
  service: 'sqs',
  method: 'POST',
  host: 'sqs.us-east-1.amazonaws.com',
  path: '/',
  query: {},
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
  body: JSON.stringify({ MessageBody: String(index).padEnd(282, 'x') }),
  canonicalLength: 268,
}))
const gets = each((index) => ({
  name: 'sign GET, 3 parameters',
  service: 'execute-api',
  method: 'GET',
  host: 'api.us-east-1.amazonaws.com',
  path: `/items/${index}`,
  query: { limit: '10', cursor: `c${index}`, order: 'desc' },
  headers: { accept: 'application/json' },
  body: undefined,
  canonicalLength: 268,
}))
const puts = each((index) => ({
  name: 'sign S3 PUT 1 KiB',
  service: 's3',
  method: 'PUT',
  host: 'bucket.s3.us-east-1.amazonaws.com',
  path: `/folder/file-${index}.txt`,
  query: {},
  headers: {
    'content-type': 'text/plain',
    'content-length': '1024',
    'x-amz-acl': 'private',
    'x-amz-meta-owner': 'bench',
    'x-amz-meta-part': String(index),
    'x-amz-storage-class': 'STANDARD',
  },
  body: new Uint8Array(1024).fill(index),
  canonicalLength: 488,
}))

/** Floors and aims of the targets: against aws4, against the SDK's signer, share of the bare hashes. */
const targets = [
  { cases: posts, aws4: '2.5 (3.0)', smithy: '5.5 (6.8)', share: '45 (54) %' },
  { cases: gets, aws4: '3.2 (4.0)', smithy: '5 (6.1)', share: '30 (36) %' },
  { cases: puts, aws4: '2.4 (2.9)', smithy: '3.9 (4.6)', share: '38 (44) %' },
]

export async function signingRows(effort: Effort): Promise<Row[]> {
  const rows: Row[] = []
  const crt = await crtSigner(credentials, region)
  for (const { cases, aws4, smithy, share } of targets) {
    const [first] = cases
    if (first === undefined) continue
    const native = crt === undefined ? [] : [contender('aws-crt', cases, crt)]
    const figures = await compare([...signers(cases, first), ...native], effort)
    const ours = time(figures.microseconds('hardkey'))
    const against = (name: string, target: string): Row => ({
      what: first.name,
      ours,
      compared: `${name} ${time(figures.microseconds(name))}, ${figures.ratio(name, 'hardkey').toFixed(2)} times`,
      target,
    })
    rows.push(against('aws4', aws4), against('@smithy/signature-v4', smithy), against('aws4fetch', ''))
    if (crt === undefined) rows.push({ what: first.name, ours, compared: 'aws-crt is not installed', target: '' })
    else rows.push(against('aws-crt', ''))
    const percent = (figures.ratio('bare hashes', 'hardkey') * 100).toFixed(0)
    rows.push({
      what: first.name,
      ours,
      compared: `bare hashes ${time(figures.microseconds('bare hashes'))}, ${percent} %`,
      target: share,
    })
  }
  return rows
}

export async function presignRows(effort: Effort): Promise<Row[]> {
  const signer = ourSigner('s3')
  const smithy = smithySigner('s3')
  const contenders: Contender[] = [
    contender('hardkey', puts, ({ url }) => signer.presign({ method: 'GET', url }, { expiresIn: 604_800 })),
    contender('aws4', puts, ({ host, path }) =>
      aws4.sign(
        { method: 'GET', host, path: `${path}?X-Amz-Expires=604800`, service: 's3', region, signQuery: true },
        credentials,
      ),
    ),
    contender('@smithy/signature-v4', puts, ({ host, path }) =>
      smithy.presign(
        { method: 'GET', protocol: 'https:', hostname: host, path, headers: { host } },
        { expiresIn: 604_800 },
      ),
    ),
  ]
  const figures = await compare(contenders, effort)
  const row = (name: string, target: string): Row => ({
    what: 'presign S3 GET, 7 days',
    ours: time(figures.microseconds('hardkey')),
    compared: `${name} ${time(figures.microseconds(name))}, ${figures.ratio(name, 'hardkey').toFixed(2)} times`,
    target,
  })
  return [row('aws4', '5 (7.6)'), row('@smithy/signature-v4', '6 (8.6)')]
}

function signers(cases: readonly Prepared[], { service, canonicalLength }: Case): Contender[] {
  const ours = ourSigner(service)
  const smithy = smithySigner(service)
  const cache = new Map<string, ArrayBuffer>()
  return [
    contender('hardkey', cases, ({ method, url, headers, body }) => ours.sign({ method, url, headers, body })),
    contender('aws4', cases, ({ method, host, target, headers, body }) =>
      aws4.sign({ method, host, path: target, headers, body, service, region }, credentials),
    ),
    contender('@smithy/signature-v4', cases, ({ method, host, path, query, headersWithHost, body }) =>
      smithy.sign({ method, protocol: 'https:', hostname: host, path, query, headers: headersWithHost, body }),
    ),
    contender('aws4fetch', cases.slice(0, 8), ({ method, url, headers, body }) =>
      new AwsV4Signer({ ...credentials, method, url, headers, service, region, cache, ...fetchBody(body) }).sign(),
    ),
    contender('bare hashes', cases, bareHashes(canonicalLength)),
  ]
}

/** Hash of the body, of a canonical request of that length, and the two hashes of an HMAC, as fast as Node has them. */
function bareHashes(canonicalLength: number): (one: Case) => string {
  const canonical = Array.from({ length: many }, (_, index) => String(index).padEnd(canonicalLength, 'c'))
  const inner = Buffer.alloc(64 + 133, 'i')
  const outer = Buffer.alloc(96, 'o')
  let turn = 0
  return ({ body }) => {
    turn = (turn + 1) % many
    if (body !== undefined) hash('sha256', body, 'hex')
    inner.write(hash('sha256', canonical[turn] ?? '', 'hex'), 133, 'latin1')
    outer.write(hash('sha256', inner, 'binary'), 64, 'latin1')
    return hash('sha256', outer, 'hex')
  }
}

function contender(name: string, cases: readonly Prepared[], act: (one: Prepared) => unknown): Contender {
  return {
    name,
    times: cases.length,
    async run() {
      for (const one of cases) await act(one)
    },
  }
}

function fetchBody(body: string | Uint8Array | undefined): { body?: Buffer } {
  return body === undefined ? {} : { body: Buffer.from(body) }
}

function ourSigner(service: string): SigV4Signer {
  return sigV4Signer({ keys: secretDateKeys(credentials), region, service })
}

function smithySigner(service: string): SignatureV4 {
  return new SignatureV4({ credentials, region, service, sha256: NodeSha256, uriEscapePath: service !== 's3' })
}

/** What the SDK for JavaScript gives its signer on Node. */
class NodeSha256 {
  readonly #hash: { update(data: Uint8Array): unknown; digest(): Uint8Array }
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    const bytes = key instanceof ArrayBuffer ? new Uint8Array(key) : key
    // An ArrayBufferView of the SDK is always a Uint8Array on Node.
    this.#hash = bytes === undefined ? createHash('sha256') : createHmac('sha256', bytes as string | Uint8Array)
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}
