// What the caller sets for `vault:` keys, and the files that the key URI names. In: options, a server. Out: everything a
// client needs. A CA of the URI is trusted in place of Node's roots, as the servers' own commands do.

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { HardkeyError } from '../../errors.ts'
import { fileFailure } from '../../files/file-failure.ts'
import { readOwnFile } from '../../files/read-own-file.ts'
import type { ProxySettings } from '../../http/client.ts'
import { timeLimit } from '../../key/time-limit.ts'
import type { VaultAddress } from './address.ts'
import type { VaultServer } from './key-uri.ts'

/** What the client shows to the server: a certificate with its chain, and its private key. */
export interface VaultClientCertificate {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

export interface VaultOptions {
  /**
   * The token, in place of what the key URI says of a login; a function is asked again when the token is no longer
   * accepted. Bytes are copied.
   */
  readonly token?: string | Uint8Array | (() => Promise<string | Uint8Array>) | undefined
  /** PEM of the server's CA, in place of `ca` in the key URI. */
  readonly ca?: string | Uint8Array | undefined
  /** PEM, in place of `client-cert` and `client-key` in the key URI. */
  readonly clientCertificate?: VaultClientCertificate | undefined
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
  readonly clientCertificate: VaultClientCertificate | undefined
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
  readonly authorities: readonly (string | Uint8Array)[] | undefined
  readonly serverName: string | undefined
}

/** Real bundles have about 250 KiB; a certificate with its chain a few. */
const longestBundle = 4 * 1024 * 1024
const longestCertificate = 65_536
const mostFiles = 200

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
  const { addresses, namespace, serverName, clientCertificate } = server
  const authorities = settings.ca !== undefined ? [settings.ca] : await readAuthorities(server.ca)
  return {
    ...settings,
    addresses,
    namespace,
    serverName,
    authorities,
    clientCertificate: settings.clientCertificate ?? (await readClientCertificate(clientCertificate)),
  }
}

async function readClientCertificate(
  paths: VaultServer['clientCertificate'],
): Promise<VaultClientCertificate | undefined> {
  if (paths === undefined) return undefined
  const [cert, key] = await Promise.all([
    readOwnFile(paths.cert, { maxBytes: longestCertificate }),
    readOwnFile(paths.key, { maxBytes: longestCertificate, secret: true }),
  ])
  return { cert, key }
}

async function readAuthorities(path: string | undefined): Promise<readonly Uint8Array[] | undefined> {
  if (path === undefined) return undefined
  const files = await filesAt(path)
  return await Promise.all(files.map((file) => readOwnFile(file, { maxBytes: longestBundle })))
}

/** The file, or those in the folder, as VAULT_CAPATH has them. */
async function filesAt(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const entries = await readdir(path, { withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => join(path, name))
    if (files.length > 0 && files.length <= mostFiles) return files
  } catch (error) {
    throw fileFailure('read', path, 'ERR_CONFIG_INVALID', error)
  }
  throw new HardkeyError('ERR_CONFIG_INVALID', `the folder "${path}" does not hold 1 to ${mostFiles} certificates`)
}
