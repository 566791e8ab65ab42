// What the caller sets for `vault:` keys, and the files that the key URI names. In: options, a server. Out: everything a
// client needs.

import { setTimeout as pause } from 'node:timers/promises'
import type { CaBundle, ClientCertificate, ProxySettings } from '../../http/client.ts'
import { readAuthorities, readClientCertificate } from '../../key/server-trust.ts'
import { timeLimit } from '../../key/time-limit.ts'
import type { VaultAddress } from './address.ts'
import type { VaultServer } from './key-uri.ts'

export interface VaultOptions {
  /**
   * The token, in place of what the key URI says of a login; a function is asked again when the token is no longer
   * accepted. Bytes are copied.
   */
  readonly token?: string | Uint8Array | (() => Promise<string | Uint8Array>) | undefined
  /** PEM of the server's CA, in place of `ca` in the key URI. */
  readonly ca?: string | Uint8Array | undefined
  /** PEM: a certificate with its chain, and its key. In place of `client-cert` and `client-key` in the key URI. */
  readonly clientCertificate?: ClientCertificate | undefined
  /** Values of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. None by default. */
  readonly proxy?: ProxySettings | undefined
  /** For one call with all its attempts; 30000 by default. */
  readonly timeoutMilliseconds?: number | undefined
  /** Refuses a key that the server could give out, or of which that cannot be seen. False by default. */
  readonly strict?: boolean | undefined
  readonly now?: (() => Date) | undefined
  readonly random?: (() => number) | undefined
  readonly sleep?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
}

/** The options with their defaults. */
export interface Settings {
  readonly token: VaultOptions['token']
  readonly ca: VaultOptions['ca']
  readonly clientCertificate: ClientCertificate | undefined
  readonly proxy: ProxySettings | undefined
  readonly timeoutMilliseconds: number
  readonly strict: boolean
  readonly now: () => Date
  readonly random: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** What a client connects with. */
export interface ConnectionSettings extends Settings {
  readonly addresses: readonly VaultAddress[]
  readonly namespace: string | undefined
  /** Undefined: Node's own roots. */
  readonly authorities: readonly CaBundle[] | undefined
  readonly serverName: string | undefined
}

/** @throws ERR_USAGE for a time that is not a number above 0, or is beyond 24 days */
export function settingsOf(options: VaultOptions): Settings {
  const { timeoutMilliseconds = 30_000, strict = false, now, random, sleep } = options
  return {
    token: options.token,
    ca: options.ca,
    clientCertificate: options.clientCertificate,
    proxy: options.proxy,
    timeoutMilliseconds: timeLimit('timeoutMilliseconds', timeoutMilliseconds),
    strict,
    now: now ?? (() => new Date()),
    random: random ?? Math.random,
    sleep: sleep ?? (async (milliseconds, signal) => await pause(milliseconds, undefined, { signal })),
  }
}

/** Reads the files that the URI names. @throws ERR_CONFIG_INVALID where one is missing or could be changed by others */
export async function connectionSettings(server: VaultServer, settings: Settings): Promise<ConnectionSettings> {
  const { addresses, namespace, serverName } = server
  const authorities = settings.ca !== undefined ? [settings.ca] : await readAuthorities(server)
  return {
    ...settings,
    addresses,
    namespace,
    serverName,
    authorities,
    clientCertificate: settings.clientCertificate ?? (await readClientCertificate(server)),
  }
}
