// A service over HTTP/2 on loopback that takes a stream of events and checks the signature of each, as Amazon Transcribe
// does. In: who has which secret. Out: how many events were right, and what was refused.
// AWS event stream encoding; Amazon Transcribe Developer Guide, "Setting up a streaming request: event stream encoding".

import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { checkSignature, signingKeyOf } from './signature-check.ts'

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

export class EventServer {
  events = 0
  readonly faults: string[] = []
  readonly #secrets: ReadonlyMap<string, string>
  readonly #server: Http2Server
  readonly #sessions = new Set<ServerHttp2Session>()
  #port = 0

  constructor(secrets: Readonly<Record<string, string>>) {
    this.#secrets = new Map(Object.entries(secrets))
    this.#server = createServer()
    this.#server.on('session', (session) => this.#sessions.add(session))
    this.#server.on('stream', (stream, headers) => {
      this.#take(stream, headers).catch((error: unknown) => {
        this.faults.push(String(error))
        stream.close()
      })
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

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #take(stream: ServerHttp2Stream, given: NodeJS.Dict<string | string[] | number>): Promise<void> {
    const headers: Record<string, string> = { host: String(given[':authority']) }
    for (const [name, value] of Object.entries(given)) headers[name] = String(value)
    const received = {
      method: String(given[':method']),
      target: String(given[':path']),
      headers,
      body: Buffer.alloc(0),
    }
    const { accessKeyId, date, region, service, signature } = checkSignature(received, this.#secrets)
    stream.respond({ ':status': 200, 'content-type': 'application/vnd.amazon.eventstream' })
    const key = signingKeyOf(this.#secrets.get(accessKeyId) ?? '', date, region, service)
    const scope = `${date}/${region}/${service}/aws4_request`
    const pieces: Buffer[] = []
    for await (const piece of stream) pieces.push(piece)
    let prior = signature
    for (const event of eventsIn(Buffer.concat(pieces))) {
      const lines = [event.time, scope, prior, sha256(event.dateHeader), sha256(event.payload)]
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', ...lines].join('\n')
      prior = createHmac('sha256', key).update(text).digest('hex')
      if (prior !== event.signature) this.faults.push('an event has a wrong signature')
      else this.events += 1
    }
    stream.end()
  }
}

interface SignedEvent {
  /** The header `:date` as it was encoded. */
  readonly dateHeader: Buffer
  /** "YYYYMMDDTHHMMSSZ" */
  readonly time: string
  readonly signature: string
  readonly payload: Buffer
}

/** The messages: length, length of headers, checksum, headers, payload, checksum. */
function* eventsIn(bytes: Buffer): Generator<SignedEvent> {
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const headersEnd = at + 12 + bytes.readUInt32BE(at + 4)
    let dateHeader: Buffer = Buffer.alloc(0)
    let signature = ''
    for (let next = at + 12; next < headersEnd; ) {
      const start = next
      const nameEnd = start + 1 + bytes.readUInt8(start)
      const name = bytes.toString('utf8', start + 1, nameEnd)
      // Type 8 is a time of 8 bytes, type 6 has its length before it.
      const valueAt = bytes.readUInt8(nameEnd) === 8 ? nameEnd + 1 : nameEnd + 3
      next = bytes.readUInt8(nameEnd) === 8 ? valueAt + 8 : valueAt + bytes.readUInt16BE(nameEnd + 1)
      if (name === ':date') dateHeader = bytes.subarray(start, next)
      if (name === ':chunk-signature') signature = bytes.toString('hex', valueAt, next)
    }
    const milliseconds = Number(dateHeader.readBigInt64BE(dateHeader.length - 8))
    const time = new Date(milliseconds).toISOString().replace(/[-:]|\.\d{3}/g, '')
    yield { dateHeader, time, signature, payload: bytes.subarray(headersEnd, at + bytes.readUInt32BE(at) - 4) }
  }
}
