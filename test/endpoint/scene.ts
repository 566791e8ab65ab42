// An endpoint in this process, over a key whose uses are counted and an STS on loopback, with one clock for all of them that a
// test moves. In: what a session lasts. Out: the endpoint, and switches for faults.

import { randomBytes } from 'node:crypto'
import { type LoopbackSts, startLoopbackSts } from '../../src/cli/demo/loopback-sts.ts'
import { SessionKeeper } from '../../src/credentials/session-keeper.ts'
import type { SessionSource } from '../../src/credentials/session-source.ts'
import { CallerToken, newToken } from '../../src/endpoint/caller-token.ts'
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../src/endpoint/endpoint.ts'
import { HardkeyError } from '../../src/errors.ts'
import type { HmacKey } from '../../src/key/hmac-key.ts'
import { softwareKey } from '../../src/key/software-key.ts'
import { aws4Key } from '../../src/sigv4/aws4-key.ts'
import { type DateKeySource, deviceDateKeys } from '../../src/sigv4/date-key.ts'
import type { TemporaryCredentials } from '../../src/sts/answer.ts'
import { stsClient } from '../../src/sts/client.ts'
import { throwAwayKey } from '../cli/hardkey.ts'
import { freePort } from '../peers/server-process.ts'

export const role = 'arn:aws:iam::111122223333:role/deploy'
export const otherRole = 'arn:aws:iam::111122223333:role/audit'

const info = { scheme: 'memory', protection: 'memory', device: 'a test', attributes: {}, warnings: [] } as const

export class Scene {
  /** Milliseconds since 1970; moved by `pass`. */
  wall: number = Date.parse('2026-11-30T12:00:00Z')
  /** What the device was asked for, as text. */
  readonly deviceInputs: string[] = []
  /** STS cannot be reached. */
  isOut = false
  /** Holds the next sessions back until `release`. */
  held: Promise<void> = Promise.resolve()
  release: () => void = () => undefined
  readonly token: string = newToken(randomBytes)
  readonly #opened: Endpoint[] = []
  readonly #key = throwAwayKey()
  readonly #lasts: number
  #sts: LoopbackSts | undefined
  #closedPort = 0
  #isClosed = false

  constructor(lasts = 3600) {
    this.#lasts = lasts
  }

  get now(): () => Date {
    return () => new Date(this.wall)
  }

  get deviceCalls(): number {
    return this.deviceInputs.length
  }

  get stsCalls(): number {
    return this.#sts?.accepted() ?? 0
  }

  /** Time passes for every clock there is. */
  pass(seconds: number): void {
    this.wall += seconds * 1000
  }

  hold(): void {
    this.held = new Promise((done) => {
      this.release = done
    })
  }

  /** Where keys and STS are; nothing is fetched. */
  async source(): Promise<SessionSource> {
    const { accessKeyId, secretAccessKey } = this.#key
    const secret = Buffer.from(secretAccessKey)
    this.#sts = await startLoopbackSts({ accessKeyId, secretAccessKey: secret, now: this.now })
    this.#closedPort = await freePort()
    const key = this.#counted(softwareKey(aws4Key(secret).toKeyObject(), info))
    const keys = deviceDateKeys({ key, accessKeyId, keepDateKey: false, now: this.now })
    const keepers = new Map([role, otherRole].map((name) => [name, this.#keeper()]))
    return {
      roleArn: role,
      credentials: async (name = role) => {
        const keeper = keepers.get(name)
        if (keeper === undefined) throw new Error('a role that is not listed was asked for')
        return await keeper.get(async () => ({ credentials: await this.#fetched(keys, name), clock: this.now }), false)
      },
      close: async () => {
        this.#isClosed = true
        this.release()
      },
    }
  }

  async start(source: SessionSource, options: Partial<EndpointOptions> = {}): Promise<Endpoint> {
    const endpoint = await startEndpoint({
      source,
      place: { port: 0 },
      mode: { token: new CallerToken(this.token) },
      random: randomBytes,
      now: this.now,
      otherRoles: [otherRole],
      ...options,
    })
    this.#opened.push(endpoint)
    return endpoint
  }

  async end(): Promise<void> {
    for (const endpoint of this.#opened) await endpoint.close()
    await this.#sts?.close()
  }

  #keeper(): SessionKeeper {
    const monotonic = (): number => this.wall
    return new SessionKeeper({
      monotonic,
      refreshAheadSeconds: 1400,
      mostAhead: 0.8,
      leastSeconds: 1200,
      lastSeconds: 0,
      inBackground: true,
      onRefreshFailed: () => undefined,
    })
  }

  #counted(key: HmacKey): HmacKey {
    const hmac = (data: Uint8Array): Promise<Uint8Array> => {
      this.deviceInputs.push(Buffer.from(data).toString('latin1'))
      return key.hmac(data)
    }
    return { info, hmac, close: () => key.close(), [Symbol.asyncDispose]: () => key.close() }
  }

  async #fetched(keys: DateKeySource, name: string): Promise<TemporaryCredentials> {
    await this.held
    if (this.#isClosed) throw new HardkeyError('ERR_KEY_CLOSED', 'the source is closed')
    const endpoint = this.isOut ? `http://127.0.0.1:${this.#closedPort}/` : this.#sts?.url
    const client = stsClient({ keys, region: 'eu-west-1', endpoint, now: this.now, maxAttempts: 1 })
    try {
      const input = { roleArn: name, durationSeconds: this.#lasts, roleSessionName: 'test' }
      return (await client.assumeRole(input)).credentials
    } finally {
      client.close()
    }
  }
}

/** A GET at an endpoint that listens at a port. */
export function get(endpoint: Endpoint, path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  if (!('port' in endpoint.at)) throw new Error('it listens at a socket')
  return fetch(`http://127.0.0.1:${endpoint.at.port}${path}`, { headers })
}
