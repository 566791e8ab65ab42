// Who asks STS over a network that fails: the library's client, `hardkey whoami` and `hardkey credential-process`, each
// with the same key. In: what the network does. Out: what came of it, judged by criteria.ts.
// Everybody speaks TLS to a bytes server on 127.0.0.1. The command has another identity within reach, in its environment
// and in its AWS profile, which it must never take (N3).

import { join } from 'node:path'
import { expect } from 'vitest'
import { type HttpClient, httpClient } from '../../src/http/client.ts'
import { deviceDateKeys } from '../../src/sigv4/date-key.ts'
import { stsClient } from '../../src/sts/client.ts'
import { keyset, passphrase, wrapped } from '../backends/tink-files.ts'
import { CommandHome, type Ran } from '../cli/hardkey.ts'
import type { Canaries } from '../contract/canary.ts'
import { countedKey } from '../sigv4/counted-key.ts'
import { type BytesServer, type BytesServerOptions, bytesServer, type Heard, type Script } from './bytes-server.ts'
import { type Fault, type Outcome, underFault } from './criteria.ts'
import {
  accessKeyId,
  authority,
  canaries,
  certificate,
  goodSts,
  other,
  region,
  secretAccessKey,
  session,
} from './network-answers.ts'

/** A home folder with a keyset that is quick to open, a CA bundle, and another identity within reach. */
export class NetworkHome extends CommandHome {
  readonly ca: string = this.write('ca.pem', authority.ca)
  readonly uri: string

  constructor() {
    super()
    const file = this.write(
      'fast.keyset.json',
      JSON.stringify(wrapped(keyset({ key: Buffer.from(`AWS4${secretAccessKey}`) }))),
    )
    this.uri = `tink:file=${file}?kek=passphrase:&pin-source=file:${this.write('passphrase', passphrase)}`
    const profile = `[default]\naws_access_key_id = ${other.accessKeyId}\naws_secret_access_key = ${other.secretAccessKey}\n`
    this.write(join('.aws', 'credentials'), profile)
  }

  /** Words of a command with the key of this home. */
  words(command: string, ...more: readonly string[]): readonly string[] {
    const where = more.includes('--region') ? [] : ['--region', region]
    return [command, this.uri, '--access-key-id', accessKeyId, '--ca-bundle', this.ca, ...where, ...more]
  }

  /** Variables that a user may have set. */
  readonly variables: Readonly<Record<string, string>> = {
    AWS_ACCESS_KEY_ID: other.accessKeyId,
    AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
  }

  /** What runs the command: Node, or a program that runs it elsewhere. */
  node: string | undefined

  ask(command: string, more: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const { node } = this
    return this.run(this.words(command, ...more), { node, environment: { ...this.variables, ...environment } })
  }

  /** What no fault may change. */
  kept(): readonly string[] {
    return ['fast.keyset.json', 'passphrase', 'ca.pem', join('.aws', 'credentials')].map((name) => this.read(name))
  }
}

/** True for the output of a command that holds the right answer and nothing else. */
export function isRightOutput({ status, stdout }: Ran): boolean {
  if (status !== 0) return false
  if (!stdout.startsWith('{'))
    return /^account +123456789012\narn +arn:aws:iam::123456789012:user\/me\nuser id +\w+\n$/.test(stdout)
  const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(stdout) as Record<string, unknown>
  const printed = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
  return JSON.stringify(printed) === JSON.stringify(session) && stdout === `${JSON.stringify(JSON.parse(stdout))}\n`
}

/** A server that works, then has its fault, then is mended. */
export interface FaultyServer extends BytesServer {
  readonly url: string
  /** From now on what is asked is answered by the script of the fault, which counts requests from 0. */
  breakDown(): void
  mend(): void
  /** Access key IDs of the requests that were heard. */
  ids(): readonly string[]
}

export async function faultyServer(
  bad: Script,
  options: BytesServerOptions = { tls: certificate },
  good: Script = goodSts,
): Promise<FaultyServer> {
  let script = good
  const server = await bytesServer((heard) => script(heard), options)
  return {
    ...server,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${server.port}/`,
    breakDown: () => {
      let index = 0
      script = (heard) => bad({ ...heard, index: index++ })
    },
    mend: () => {
      script = good
    },
    ids: () =>
      server.heard
        .filter(({ text }) => !text.startsWith('CONNECT '))
        .map(({ text }) => /Credential=([^/]+)/.exec(text)?.[1] ?? 'nobody'),
  }
}

/** What a fault came to. */
export interface Told {
  readonly outcome: Outcome<unknown>
  /** Requests that the server heard while the fault was there. */
  readonly requests: readonly Heard[]
  readonly connections: number
}

type Asking<Answer> = Pick<Fault<Answer>, 'act' | 'again' | 'isRight' | 'withinMilliseconds' | 'marker' | 'kept'>

/** Asks with `act` while `server` is broken down, then once more after it was mended, and judges. Closes the server. */
export async function throughFault<Answer>(
  server: FaultyServer,
  asking: Asking<Answer>,
  more: Canaries = {},
): Promise<Told> {
  const before = { heard: server.heard.length, connections: server.connections() }
  let told: Omit<Told, 'outcome'> | undefined
  server.breakDown()
  try {
    const outcome = await underFault<Answer>({
      ...asking,
      identity: { only: accessKeyId, used: server.ids },
      canaries: { ...canaries(), ...more },
      mend: () => {
        const requests = server.heard.slice(before.heard)
        told = { requests, connections: server.connections() - before.connections }
        server.mend()
      },
    })
    return { outcome, requests: [], connections: 0, ...told }
  } finally {
    await server.close()
  }
}

/** The text that a person, or the caller of a library, gets to see of a failure: message and hint, or standard error. */
export function toldBy({ error }: Outcome<unknown>): string {
  if (error instanceof Error) return `${error.message}\n${'hint' in error ? error.hint : ''}`
  return typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : 'no failure'
}

/** One that asks, with all it needs; several tests may use it one after the other. */
export interface Asker {
  readonly name: string
  /** Of a table of faults that differ little, the part that this one is put through: a command takes long to start. */
  of<T>(table: readonly T[]): readonly T[]
  /** Asks for an identity or a session. `more`: words for a command. */
  through(server: FaultyServer, more?: readonly string[]): Promise<Told>
}

/** The client of the library, over connections that are closed after each request. Pauses between attempts are left out. */
export const libraryClient: Asker = {
  name: 'the library',
  of: (table) => table,
  async through(server) {
    const { key, asked } = await countedKey()
    const sts = stsClient({
      keys: deviceDateKeys({ key, accessKeyId }),
      region,
      endpoint: server.url,
      http: closingClient,
      sleep: async () => undefined,
    })
    // What it keeps for the day is there before the fault comes.
    await sts.getSessionToken()
    const told = await throughFault(server, {
      act: () => sts.getSessionToken(),
      isRight: ({ credentials: { expiration: _, ...rest } }) => JSON.stringify(rest) === JSON.stringify(session),
    })
    expect(asked, 'the device computes once a day, however many attempts').toEqual([...new Set(asked)])
    return told
  },
}

const closingClient: HttpClient = {
  async send(request, options) {
    const http = httpClient({ ca: [authority.ca] })
    try {
      return await http.send(request, options)
    } finally {
      http.close()
    }
  },
  close: () => undefined,
}

/** A command in a home of its own; `remove` when the last test has ended. */
export class CommandAsker implements Asker {
  readonly name: string
  readonly home: NetworkHome
  readonly #command: string

  constructor(command: 'whoami' | 'credential-process', home: NetworkHome) {
    this.name = `hardkey ${command}`
    this.home = home
    this.#command = command
  }

  of<T>(table: readonly T[]): readonly T[] {
    return table.slice(0, this.#command === 'whoami' ? 1 : 2)
  }

  through(server: FaultyServer, more: readonly string[] = []): Promise<Told> {
    const words = ['--endpoint-url', server.url, ...more]
    return throughFault(server, {
      act: () => this.home.ask(this.#command, words),
      isRight: isRightOutput,
      marker: this.home.folder,
      kept: () => this.home.kept(),
    })
  }
}
