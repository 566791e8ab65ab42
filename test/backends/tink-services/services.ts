// The three services that hold key-encryption keys, each with a key and a client that may use it. In: nothing, or a running
// server. Out: the `kek` part of a key URI, and what tinkBackend and tinkImporter need besides.

import type { TinkOptions } from '../../../src/backends/tink/backend.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import { type Moto, startMoto } from '../../peers/moto.ts'
import { kmsKey } from '../../peers/moto-kms.ts'
import { type OpenBao, startOpenBao } from '../../peers/openbao.ts'
import { startGoogleKms } from './google-kms.ts'

/** A service with a key in it. */
export interface TestService {
  /** Where it is: for a proxy in front of it. */
  readonly url: string
  readonly ca?: string
  readonly kek: string
  /** What the key URI says besides, for the service at another address. */
  readonly query: Readonly<Record<string, string>>
  readonly options: TinkOptions
  /** What the client proves itself by; at least 8 bytes, so that it can be looked for in what is printed. */
  readonly secret: Buffer
  stop(): Promise<void>
}

/** The URI of a keyset file under the key of a service, reached at `origin` where it is given. */
export function serviceUri(service: TestService, file: string, changes: Readonly<Record<string, string>> = {}): KeyUri {
  return KeyUri.of('tink', { file }, { kek: service.kek, ...service.query, ...changes })
}

export async function startAwsKms(): Promise<TestService & { readonly moto: Moto; readonly arn: string }> {
  const moto = await startMoto()
  const { accessKeyId, secretAccessKey } = moto
  const arn = await kmsKey(moto)
  return {
    moto,
    arn,
    url: moto.url,
    kek: `aws-kms://${arn}`,
    query: { 'kek-endpoint': moto.url },
    options: { awsCredentials: { accessKeyId, secretAccessKey } },
    secret: Buffer.from(secretAccessKey),
    stop: () => moto.stop(),
  }
}

export async function startGoogle(): Promise<TestService> {
  const google = await startGoogleKms()
  return {
    url: google.url,
    kek: `gcp-kms://${google.name}`,
    query: { 'kek-endpoint': google.url },
    options: { googleToken: Buffer.from(google.token) },
    secret: Buffer.from(google.token),
    stop: () => google.close(),
  }
}

export async function startTransit(): Promise<TestService & { readonly bao: OpenBao }> {
  const bao = await startOpenBao()
  await bao.done('POST', 'transit/keys/kek', {})
  const update = '{ capabilities = ["update"] }'
  const paths = ['encrypt', 'decrypt'].map((act) => `path "transit/${act}/kek" ${update}`)
  const token = Buffer.from(await bao.tokenFor(paths.join('\n')))
  return {
    bao,
    url: bao.url,
    ca: bao.ca,
    kek: `hcvault://127.0.0.1:${bao.port}/transit/keys/kek`,
    query: { ca: bao.caFile },
    options: { vaultToken: token },
    secret: token,
    stop: () => bao.stop(),
  }
}
