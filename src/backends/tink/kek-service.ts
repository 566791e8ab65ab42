// From the address of a key in a service to that key. In: what the URI says, what the caller gave. Out: a ServiceKek.
// Loaded only for keysets that a service opens: the HTTP client takes as long to load as all else.
// 1. A client made here is closed with the key; one that was handed in stays the caller's.

import { type ClientCertificate, type HttpClient, httpClient, type ProxySettings } from '../../http/client.ts'
import { abortable } from '../../http/deadline.ts'
import type { PinSource } from '../../key/pin-source.ts'
import { ownCopy, Secret } from '../../key/secret.ts'
import { readAuthorities, readClientCertificate } from '../../key/server-trust.ts'
import { chainedAwsCredentials } from './aws-credentials.ts'
import { type AwsCredentials, awsKmsKek, wipeCredentials } from './aws-kms.ts'
import { gcpKmsKek } from './gcp-kms.ts'
import { applicationDefaultToken } from './gcp-token.ts'
import { hcvaultKek } from './hcvault.ts'
import type { ServiceKeyset } from './keyset-uri.ts'
import { serviceParts } from './service-call.ts'
import type { ServiceKek } from './service-kek.ts'

/** A token, or a callback that gives it anew each time. Bytes are copied; those of a callback are wiped. */
export type TokenOption = string | Uint8Array | (() => Promise<string | Uint8Array>)

/** What a caller may give for keysets that a service opens. */
export interface ServiceOptions {
  /**
   * Credentials for AWS KMS. Default: the optional package @aws-sdk/credential-providers. Bytes and a Secret that a callback
   * gives are taken over and wiped.
   */
  readonly awsCredentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined
  /** In place of the regional endpoint of AWS KMS, where the key URI has no `kek-endpoint`. */
  readonly awsEndpoint?: string | undefined
  /** An access token for Google Cloud KMS. Default: `token-source` of the key URI, else the package google-auth-library. */
  readonly googleToken?: TokenOption | undefined
  /** A token for the transit engine. Default: `token-source` of the key URI, else what asks for a PIN. */
  readonly vaultToken?: TokenOption | undefined
  /** PEM of CAs to trust besides Node's own. A `ca` in the key URI is trusted alone. */
  readonly ca?: string | Uint8Array | undefined
  /** PEM: a certificate with its chain, and its key. In place of `client-cert` and `client-key` in the key URI. */
  readonly clientCertificate?: ClientCertificate | undefined
  readonly proxy?: ProxySettings | undefined
  /** Default: a client of its own. It is not used where the key URI says how the server is trusted. */
  readonly http?: HttpClient | undefined
  /** For one call with all its attempts; 30000 by default. */
  readonly timeoutMilliseconds?: number | undefined
  readonly now?: (() => Date) | undefined
  readonly random?: (() => number) | undefined
  readonly sleep?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
}

const longestAnswer = 1_048_576

/** The key-encryption key; the caller closes it. Nobody is asked yet. @throws ERR_URI_INVALID, ERR_CONFIG_INVALID */
export async function serviceKek(keyset: ServiceKeyset, options: ServiceOptions, pin: PinSource): Promise<ServiceKek> {
  const { kek } = keyset
  const parts = serviceParts(await clientFor(keyset, options), options)
  switch (kek.kind) {
    case 'aws-kms': {
      const endpoint = keyset.endpoint ?? options.awsEndpoint
      return awsKmsKek(kek, { credentials: awsCredentials(options.awsCredentials), endpoint }, parts)
    }
    case 'gcp-kms': {
      const { googleToken } = options
      const isAsked = googleToken === undefined && keyset.hasTokenSource
      const own = isAsked ? askFor(pin, 'access token', `the key ${kek.name}`) : fromProgram(applicationDefaultToken)
      return gcpKmsKek(kek, { token: tokenOf(googleToken, own), isAsked, endpoint: keyset.endpoint }, parts)
    }
    case 'hcvault': {
      const ask = askFor(pin, 'token', `the transit key "${kek.key}" of ${new URL(kek.origin).host}`)
      return hcvaultKek(kek, { token: tokenOf(options.vaultToken, ask), namespace: keyset.namespace }, parts)
    }
  }
}

async function clientFor({ trust }: ServiceKeyset, options: ServiceOptions): Promise<HttpClient> {
  const { http, ca, proxy } = options
  const isUsual = Object.values(trust).every((part) => part === undefined)
  // Not its copy: a class instance keeps its methods in its prototype.
  if (isUsual && http !== undefined) return { send: (...given) => http.send(...given), close: () => {} }
  const authorities = await readAuthorities(trust)
  return httpClient({
    ca: authorities ?? (ca === undefined ? [] : [ca]),
    onlyCa: authorities !== undefined,
    clientCertificate: options.clientCertificate ?? (await readClientCertificate(trust)),
    serverName: trust.serverName,
    proxy,
    maxBytes: longestAnswer,
  })
}

function awsCredentials(given: ServiceOptions['awsCredentials']): (signal: AbortSignal) => Promise<AwsCredentials> {
  const source = given === undefined ? chainedAwsCredentials() : typeof given === 'function' ? given : copies(given)
  return async (signal) => await abortable(source(), signal, wipeCredentials)
}

function copies(given: AwsCredentials): () => Promise<AwsCredentials> {
  const { secretAccessKey: secret } = given
  return async () => (typeof secret === 'string' ? given : { ...given, secretAccessKey: Secret.join(secret) })
}

type Token = (signal: AbortSignal | undefined) => Promise<Uint8Array>

function tokenOf(given: TokenOption | undefined, otherwise: Token): Token {
  if (given === undefined) return otherwise
  if (typeof given !== 'function') return async () => bytesOf(given)
  return fromProgram(async () => {
    const token = await given()
    const copy = bytesOf(token)
    if (typeof token !== 'string') token.fill(0)
    return copy
  })
}

/** What cannot be stopped is not waited for. */
function fromProgram(give: () => Promise<Uint8Array>): Token {
  return async (signal) => await abortable(give(), signal, (late) => late.fill(0))
}

function bytesOf(token: string | Uint8Array): Uint8Array {
  return ownCopy(typeof token === 'string' ? new TextEncoder().encode(token) : token)
}

function askFor(pin: PinSource, kind: 'token' | 'access token', target: string): Token {
  return async (signal) => await pin({ kind, target, signal })
}
