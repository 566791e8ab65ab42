// The requests about one key. In: a client, the token of the moment, a key. Out: answers, read; refusals with their cause.
// HTTP API of Vault and OpenBao, "Transit secrets engine".

import type { Secret } from '../../key/secret.ts'
import type { VaultClient } from './client.ts'
import type { VaultKeyAddress } from './key-uri.ts'
import type { VaultRequest } from './request.ts'
import type { VaultAnswer } from './status.ts'

/** Who asks for which key. */
export interface Asking {
  readonly client: VaultClient
  readonly token: () => Secret | undefined
  readonly address: VaultKeyAddress
  readonly signal?: AbortSignal | undefined
}

/** `transit/keys/aws`, and what lies below it. */
export function keyPath({ mount, key }: VaultKeyAddress, below = ''): string {
  return `${mount}/keys/${key}${below}`
}

/** Algorithm in the path: a policy then allows SHA-256 and nothing else. */
export function hmacPath({ mount, key }: VaultKeyAddress): string {
  return `${mount}/hmac/${key}/sha2-256`
}

export async function ask(
  { client, token, signal }: Asking,
  request: Omit<VaultRequest, 'token'>,
): Promise<VaultAnswer> {
  return await client.call({ ...request, token }, signal)
}

/** The HMAC-SHA256 of `data`, which is no secret. No `key_version` is sent: a policy that pins `input` forbids it. */
export async function askForHmac(asking: Asking, data: Uint8Array): Promise<VaultAnswer> {
  const input = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  return await ask(asking, { method: 'POST', path: hmacPath(asking.address), body: JSON.stringify({ input }) })
}
