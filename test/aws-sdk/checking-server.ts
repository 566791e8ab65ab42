// A service on loopback that checks the signature of every request it gets: a little S3 (with S3 Express and redirects
// between regions), a little STS, a clock that may be wrong. In: who has which secret. Out: what came in, checked, and
// how many connections were opened at all.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Checked, checkPolicy, checkSignature, type Received, Refused } from './signature-check.ts'

/** One request that was let in. */
export interface Accepted extends Checked {
  readonly method: string
  readonly target: string
  readonly bytes: number
}

/** The region of the bucket "moved"; the others are where they are asked for. */
export const movedTo = 'eu-central-1'

export class CheckingServer {
  readonly accepted: Accepted[] = []
  readonly refused: string[] = []
  /** Connections that were opened, whatever came over them. */
  connections = 0
  /** How far the server's clock is ahead, in milliseconds. */
  ahead = 0
  readonly #secrets: Map<string, string>
  readonly #server: Server
  #port = 0

  constructor(secrets: Readonly<Record<string, string>>) {
    this.#secrets = new Map(Object.entries(secrets))
    this.#server = createServer((request, response) => {
      void this.#answer(request, response)
    })
    this.#server.on('connection', () => {
      this.connections += 1
    })
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : 0
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Forgets what came in. */
  reset(): void {
    this.accepted.length = 0
    this.refused.length = 0
    this.connections = 0
    this.ahead = 0
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const received = {
      method: request.method ?? '',
      target: request.url ?? '',
      headers: Object.fromEntries(
        Object.entries(request.headersDistinct).map(([name, all]) => [name, all?.join(',') ?? '']),
      ),
      body: Buffer.concat(pieces),
    }
    response.setHeader('date', new Date(Date.now() + this.ahead).toUTCString())
    try {
      const checked = await this.#check(received)
      this.#checkTime(received)
      this.accepted.push({ ...checked, method: received.method, target: received.target, bytes: received.body.length })
      this.#serve(received, checked, response)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.refused.push(error.code)
      response.writeHead(403).end(`<Error><Code>${error.code}</Code><Message>refused</Message></Error>`)
    }
  }

  async #check(received: Received): Promise<Checked> {
    const type = received.headers['content-type'] ?? ''
    if (!type.startsWith('multipart/form-data')) return checkSignature(received, this.#secrets)
    const form = await new Response(new Uint8Array(received.body), { headers: { 'content-type': type } }).formData()
    const fields = [...form.entries()].map(([name, value]): [string, string] => [name.toLowerCase(), String(value)])
    return checkPolicy(new Map(fields), this.#secrets)
  }

  #checkTime({ headers }: Received): void {
    const [, year, month, day, hours, minutes, seconds] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date'] ?? '') ?? []
    if (year === undefined) return
    const sent = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
    if (Math.abs(Date.now() + this.ahead - sent) > 15 * 60_000) throw new Refused('RequestTimeTooSkewed')
  }

  #serve({ method, target, body }: Received, { service, region }: Checked, response: ServerResponse): void {
    if (service === 'sts') return void response.end(this.#sts(body.toString()))
    if (target.includes('session=') || target.endsWith('?session')) {
      return void response.end(`<CreateSessionResult>${this.#session()}</CreateSessionResult>`)
    }
    if (target.startsWith('/moved') && region !== movedTo) {
      response.writeHead(301, { 'x-amz-bucket-region': movedTo })
      return void response.end('<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>')
    }
    if (method === 'POST' && target.includes('uploads')) {
      return void response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
    }
    if (method === 'POST' && target.includes('uploadId')) {
      return void response.end('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>')
    }
    response.setHeader('etag', '"e"')
    response.end(
      method === 'GET' && target.includes('list-type')
        ? '<ListBucketResult><Name>bucket</Name></ListBucketResult>'
        : '',
    )
  }

  #sts(form: string): string {
    if (form.includes('Action=AssumeRole')) {
      return `<AssumeRoleResponse><AssumeRoleResult>${this.#session()}</AssumeRoleResult></AssumeRoleResponse>`
    }
    const who = '<Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>me</UserId><Account>111122223333</Account>'
    return `<GetCallerIdentityResponse><GetCallerIdentityResult>${who}</GetCallerIdentityResult></GetCallerIdentityResponse>`
  }

  /** Temporary credentials, whose secret is known from now on. */
  #session(): string {
    const id = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`
    const secret = randomBytes(30).toString('base64url')
    this.#secrets.set(id, secret)
    const expiration = new Date(Date.now() + 3_600_000).toISOString()
    return `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${expiration}</Expiration></Credentials>`
  }
}
