// What answers beside STS while commands run: an IAM that makes keys, behind a proxy that keeps what crosses, and the sign-in
// endpoint of the console. In: nothing. Out: both, and every secret that a server knew or gave out, by label.

import { readFileSync } from 'node:fs'
import { type FederationEndpoint, startFederationEndpoint } from '../cli/federation-endpoint.ts'
import { LoopbackIam } from '../iam/loopback-iam.ts'
import { type Exchange, type ServiceProxy, serviceProxy } from '../peers/service-proxy.ts'
import type { Step } from './commands.ts'
import type { Items } from './scanner.ts'
import { derivedItems } from './situation.ts'

export class Services {
  readonly iam: LoopbackIam
  /** Where the console's sign-in is asked. */
  readonly signIn: { readonly url: string }
  /** The key of the IAM user that is to be rotated. */
  readonly first: ReturnType<LoopbackIam['addKey']>
  readonly #watched: ServiceProxy
  readonly #watchedSignIn: ServiceProxy
  readonly #federation: FederationEndpoint

  private constructor(iam: LoopbackIam, watched: ServiceProxy, federation: FederationEndpoint, signIn: ServiceProxy) {
    this.iam = iam
    this.#watched = watched
    this.#federation = federation
    this.#watchedSignIn = signIn
    this.signIn = { url: `http://127.0.0.1:${signIn.port}/federation` }
    this.first = iam.addKey()
  }

  static async start(): Promise<Services> {
    const iam = await LoopbackIam.start()
    const watched = await serviceProxy({ url: iam.url.replace(/\/$/, '') })
    const federation = await startFederationEndpoint()
    return new Services(iam, watched, federation, await serviceProxy({ url: new URL(federation.url).origin }))
  }

  /** Where IAM, and its STS, are asked. */
  get iamUrl(): string {
    return `http://127.0.0.1:${this.#watched.port}/`
  }

  /** What crossed to IAM and back. */
  get exchanges(): readonly Exchange[] {
    return this.#watched.exchanges
  }

  /** What crossed to the sign-in endpoint and back. */
  get signIns(): readonly Exchange[] {
    return this.#watchedSignIn.exchanges
  }

  /** Each permanent secret, and what is derived from it today. */
  items(): Items {
    const secrets = [this.first.secretAccessKey, ...this.iam.given]
    const labelled = secrets.flatMap((secret, index) =>
      Object.entries({ secret: Buffer.from(secret), ...derivedItems(secret, new Date()) }).map(
        ([label, bytes]) => [`${label} ${index} of IAM`, bytes] as const,
      ),
    )
    return Object.fromEntries(labelled)
  }

  async close(): Promise<void> {
    await this.#watchedSignIn.close()
    this.#federation.close()
    await this.#watched.close()
    await this.iam.close()
  }
}

/** Every session that STS gave, by label: what was in its answers. */
export function sessionItems(exchanges: readonly Exchange[]): Items {
  const names = ['SecretAccessKey', 'SessionToken']
  const found = exchanges.flatMap(({ answer }, index) =>
    names.flatMap((name) => {
      const [, text] = new RegExp(`<${name}>([^<]+)<`).exec(String(answer?.body)) ?? []
      return text === undefined ? [] : [[`${name} ${index} of STS`, Buffer.from(text)] as const]
    }),
  )
  return Object.fromEntries(found)
}

/** What the sign-in endpoint gives. */
export const signInItems: Items = { 'token of the link': Buffer.from('VCQgs5qZZt3Q6fn8Tr5EXAMPLE+/=&') }

/** The token of each endpoint: printed, kept in a file, or given to a program. */
export function tokenItems(steps: readonly Step[], file: string): Items {
  const named = (name: string): Step | undefined => steps.find(({ step }) => step === name)
  const [, printed = ''] = /AUTHORIZATION_TOKEN=(\S+)/.exec(named('serve')?.stdout ?? '') ?? []
  const started = named('exec')?.calls.filter(({ name }) => name === 'execve') ?? []
  const [, given = ''] = /AUTHORIZATION_TOKEN=([^\0]+)/.exec(started.map(({ bytes }) => String(bytes)).join('')) ?? []
  return {
    'token of serve': Buffer.from(printed),
    'token in a file': readFileSync(file),
    'token of exec': Buffer.from(given),
  }
}
