// A key that has checked in, the STS behind it, and hardkey's servers for its clients. Out: for each way what a client starts
// with; and of each run who signed its requests and whose they were, as the service saw them.

import { execFile } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CommandHome, commandFile } from '../cli/hardkey.ts'
import { Serving } from '../cli/serving.ts'
import { folderInMemory } from '../files/temporary-folder.ts'
import { type Moto, startMoto } from '../peers/moto.ts'
import { type ServiceProxy, serviceProxy } from '../peers/service-proxy.ts'
import { type SoftHsm, softHsm, testPin } from '../peers/softhsm.ts'
import { callers, stateBucket } from './callers.ts'
import type { Client, Way } from './matrix.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What a test found, for a page that is written from the run (scripts/tally-reporter.mjs). */
    told?: string
  }
}

export const region = 'us-east-1'

type Variables = Readonly<Record<string, string>>

/** What servers run for. */
export type ServeWay = Extract<Way, `serve${string}`> | 'serve --duration 15m'

/** How a client starts. */
export interface Start {
  readonly variables: Variables
  /** Words before its own. */
  readonly before?: readonly string[]
}

/** What came of a run. */
export interface Seen {
  readonly succeeded: boolean
  readonly stderr: string
  /** Who signed, each with its last time. */
  readonly signers: ReadonlyMap<string, Date>
  /** As whom they were answered, each once. */
  readonly arns: readonly string[]
}

export class ClientBench {
  readonly home: CommandHome = new CommandHome()
  readonly moto: Moto
  readonly #hsm: SoftHsm
  /** hardkey asks moto through it. */
  readonly sts: ServiceProxy
  /** Where hardkey keeps sessions between its starts. */
  readonly #kept: string = folderInMemory()
  readonly #servers: Serving[] = []
  readonly #served = new Map<ServeWay, Promise<string>>()

  private constructor(moto: Moto, hsm: SoftHsm, sts: ServiceProxy) {
    this.moto = moto
    this.#hsm = hsm
    this.sts = sts
  }

  static async make(): Promise<ClientBench> {
    const moto = await startMoto(1)
    const bench = new ClientBench(moto, await softHsm(), await serviceProxy({ url: moto.url }))
    try {
      await fetch(`${moto.url}/${stateBucket}`, { method: 'PUT' })
      await bench.#checkIn()
      return bench
    } catch (error) {
      await bench.close()
      throw error
    }
  }

  /** What hardkey needs in order to start. */
  get #environment(): Variables {
    return { ...this.#hsm.environment, HARDKEY_CACHE_DIR: this.#kept }
  }

  /** What every session of hardkey is, as AWS names it. */
  get sessionArn(): string {
    return `arn:aws:sts::${this.moto.account}:assumed-role/reader/nightly`
  }

  /** The sessions that hardkey has got so far: access key ID and end. */
  sessions(): ReadonlyMap<string, Date> {
    const session = /<AccessKeyId>(\w+)<.*?<Expiration>([^<]+)</s
    const found = this.sts.exchanges.flatMap(({ answer }) => {
      const [, accessKeyId = '', end = ''] = session.exec(String(answer?.body)) ?? []
      return accessKeyId === '' ? [] : [[accessKeyId, new Date(end)] as const]
    })
    return new Map(found)
  }

  /** How a client starts on this way: where variables of other ways are set, which hardkey has to take away. */
  async start(way: Way): Promise<Start> {
    switch (way) {
      case 'credential_process':
        return { variables: { AWS_PROFILE: 'work' } }
      case 'exec':
        return { variables: this.#leftOver('left'), before: execWords('--') }
      case 'exec --isolate-config':
        return { variables: this.#leftOver('left', 'default'), before: execWords('--isolate-config', '--') }
      default:
        return { variables: this.#leftOver('left'), before: ['sh', '-c', `${await this.served(way)}exec "$@"`, 'sh'] }
    }
  }

  /** What would take another way, or none, if it came to the client; and a key in each of these profiles. */
  #leftOver(...profiles: readonly string[]): Variables {
    return {
      ...this.plaintext(...profiles),
      AWS_PROFILE: 'left',
      AWS_DEFAULT_PROFILE: 'left',
      AWS_ACCESS_KEY_ID: this.moto.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.moto.secretAccessKey,
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relativeNowhere,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: this.home.write('wrong-token', 'wrong'),
      HTTP_PROXY: `http://${nowhere}`,
    }
  }

  /** Points at a credentials file in which these profiles keep the user's own key. */
  plaintext(...profiles: readonly string[]): Variables {
    const { accessKeyId, secretAccessKey } = this.moto
    const key = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    const text = profiles.map((profile) => `[${profile}]\n${key}`).join('')
    return { AWS_SHARED_CREDENTIALS_FILE: this.home.write(`${profiles.join('-')}.ini`, text) }
  }

  /** The lines for a shell that hardkey prints on this way, once it answers. One server for each way. */
  served(way: ServeWay): Promise<string> {
    const kept = this.#served.get(way) ?? this.serve(way)
    this.#served.set(way, kept)
    return kept
  }

  /** The same of a server that starts now. */
  async serve(way: ServeWay): Promise<string> {
    const file = way === 'serve --token-file' ? [join(this.home.folder, 'token')] : []
    const words = ['serve', 'prod', ...way.split(' ').slice(1), ...file]
    const server = await Serving.start(this.home, words, { environment: this.#environment })
    this.#servers.push(server)
    return server.lines
  }

  /** What those lines export of AWS's, for a client that starts with nothing taken away. */
  async variables(way: ServeWay): Promise<Variables> {
    const lines = (await this.served(way)).matchAll(/^export (AWS_\w+)=(.*)$/gm)
    return Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
  }

  /** Has hardkey keep a session that ends then, and no other. Out: what `credential-process` printed of it. */
  async keepSession(end: Date): Promise<string> {
    for (const file of readdirSync(this.#kept)) rmSync(join(this.#kept, file))
    this.sts.next(({ body }) => ({
      body: Buffer.from(String(body).replace(/(?<=<Expiration>)[^<]+/, end.toISOString())),
    }))
    const { stdout } = await this.home.run(['credential-process', 'prod'], { environment: this.#environment })
    return stdout
  }

  /** Runs the client to its end; those that can ask so many times. */
  async run(client: Client, { variables, before = [] }: Start, times = 1): Promise<Seen> {
    const front = await serviceProxy({ url: this.moto.url })
    try {
      const own = await callers[client.peer]?.(`http://127.0.0.1:${front.port}`, this.home.folder, String(times))
      const [command = '', ...words] = [...before, ...(own ?? [])]
      const env = this.home.environment({ ...this.#environment, ...settings(front.port), ...variables })
      const { succeeded, stderr } = await ran(command, words, { env, cwd: this.home.folder })
      const signers = front.exchanges.flatMap(({ headers, answer }) => {
        const accessKeyId = /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]
        return accessKeyId === undefined ? [] : [[accessKeyId, new Date(answer?.headers.date ?? Number.NaN)] as const]
      })
      const arns = front.exchanges.flatMap(({ answer }) => /<Arn>([^<]+)</.exec(String(answer?.body))?.[1] ?? [])
      return { succeeded, stderr, signers: new Map(signers), arns: [...new Set(arns)] }
    } finally {
      await front.close()
    }
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.stop()
    await this.sts.close()
    await this.moto.stop()
    this.#hsm.remove()
    rmSync(this.#kept, { recursive: true })
    this.home.remove()
  }

  async #checkIn(): Promise<void> {
    await this.#hsm.addToken('prod')
    const pin = this.home.write('pin', testPin)
    const { accessKeyId, secretAccessKey, roleArn } = this.moto
    const to = `pkcs11:token=prod?module-path=${this.#hsm.module}&pin-source=file:${pin}`
    const key = ['--access-key-id', accessKeyId, '--from', 'stdin', '--other-store', '--write-profile', 'work']
    const session = ['--role-arn', roleArn, '--role-session-name', 'nightly']
    const where = ['--region', region, '--endpoint-url', `http://127.0.0.1:${this.sts.port}`]
    const words = ['import', 'prod', '--to', to, ...key, ...session, ...where]
    const { status, stderr } = await this.home.run(words, {
      input: secretAccessKey,
      environment: this.#environment,
    })
    if (status !== 0) throw new Error(`the import failed: ${stderr}`)
  }
}

function execWords(...options: readonly string[]): readonly string[] {
  return [process.execPath, commandFile, 'exec', 'prod', ...options]
}

/** The discard port of this machine, at which nobody listens. */
export const nowhere = '127.0.0.1:9'

/** The host of relative URIs is fixed. It stands before this as a user's name, so that this machine is asked. */
export const relativeNowhere: string = `@${nowhere}/`

/** For every run: no metadata service but ours, and no proxy between client and service. */
function settings(port: number): Variables {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${nowhere}/`,
    NO_PROXY: `127.0.0.1:${port}`,
  }
}

function ran(
  command: string,
  words: readonly string[],
  options: { readonly env: Record<string, string>; readonly cwd: string },
): Promise<{ readonly succeeded: boolean; readonly stderr: string }> {
  return new Promise((done) => {
    execFile(command, [...words], options, (error, _, stderr) => done({ succeeded: error === null, stderr }))
  })
}
