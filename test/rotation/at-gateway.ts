// Rotations of a key in a real device, at a server of IAM and STS that others made: versitygw, where Inactive has effect, or
// moto. In: the kind of device, the server. Out: runs of the command, every secret that the server gave out, the keys it has.

import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ran, RunOptions } from '../cli/hardkey.ts'
import { type Kind, Situation } from '../leaks/situation.ts'
import type { Versitygw } from '../peers/versitygw.ts'

/** A server in front of another that keeps what CreateAccessKey gives out. */
class Recorder {
  readonly given: string[] = []
  readonly #server: Server

  private constructor(url: string) {
    this.#server = createServer((request, response) => {
      const { method, headers } = request
      const onward = httpRequest(new URL(request.url ?? '/', url), { method, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const body = Buffer.concat(chunks)
          const secret = /<SecretAccessKey>([^<]+)</.exec(body.toString())?.[1]
          if (secret !== undefined) this.given.push(secret)
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          response.end(body)
        })
      })
      onward.on('error', () => response.destroy())
      request.pipe(onward)
    })
  }

  static async start(url: string): Promise<Recorder> {
    const made = new Recorder(url)
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve))
    return made
  }

  get url(): string {
    // A server that listens on a port has an address of this kind.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What a server of IAM must tell. */
export type IamServer = Pick<Versitygw, 'url' | 'addUser' | 'keysOf'>

export class AtGateway {
  readonly situation: Situation
  readonly gateway: IamServer
  readonly user: string
  readonly #recorder: Recorder
  readonly #key: { readonly accessKeyId: string; readonly secretAccessKey: string }

  private constructor(
    parts: Pick<AtGateway, 'situation' | 'gateway' | 'user'>,
    recorder: Recorder,
    key: AtGateway['key'],
  ) {
    this.situation = parts.situation
    this.gateway = parts.gateway
    this.user = parts.user
    this.#recorder = recorder
    this.#key = key
  }

  /** With the key of a new user checked in as `prod`. */
  static async make(kind: Kind, gateway: IamServer): Promise<AtGateway> {
    const situation = await Situation.make(kind)
    const user = `hk-${kind}-${Math.floor(Math.random() * 1e9)}`
    const key = await gateway.addUser(user)
    const made = new AtGateway({ situation, gateway, user }, await Recorder.start(gateway.url), key)
    const ran = await made.run(made.importWords('prod'), { input: key.secretAccessKey })
    if (ran.status !== 0) throw new Error(`the import failed: ${ran.stderr}`)
    return made
  }

  /** The first key of the user. */
  get key(): { readonly accessKeyId: string; readonly secretAccessKey: string } {
    return this.#key
  }

  /** Words that check the first key in under this name, from standard input. */
  importWords(name: string): readonly string[] {
    const to = ['--to', this.situation.uri(name), '--access-key-id', this.#key.accessKeyId, '--from', 'stdin']
    return ['import', name, ...to, '--other-store', '--region', 'us-east-1', '--endpoint-url', this.#recorder.url]
  }

  async run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const environment = { ...this.situation.environment(), ...options.environment }
    return await this.situation.home.run(words, { ...options, environment })
  }

  /** Every secret that the server gave this user. */
  secrets(): readonly string[] {
    return [this.#key.secretAccessKey, ...this.#recorder.given]
  }

  /** The keys of the user at the server, and whether each is active. */
  async keys(): Promise<ReadonlyMap<string, boolean>> {
    return await this.gateway.keysOf(this.user)
  }

  inRecord(): string {
    return String(JSON.parse(this.situation.home.read('hardkey/keys/prod.json')).accessKeyId)
  }

  async remove(): Promise<void> {
    await this.#recorder.close()
    await this.situation.remove()
  }
}
