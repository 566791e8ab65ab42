// What the tests of the Vault backend have in common: a server with one key, and URIs for it.

import { onTestFinished } from 'vitest'
import { openKey } from '../../../src/backends/open.ts'
import { type VaultOptions, vaultBackend } from '../../../src/backends/vault/backend.ts'
import type { HmacKey } from '../../../src/key/hmac-key.ts'
import type { PinSource } from '../../../src/key/pin-source.ts'
import { KeyUri } from '../../../src/key/uri.ts'
import type { OpenBao } from '../../peers/openbao.ts'

/** The key of the AWS documentation; DateKey of 20150830: 68a9e453…9f51. */
export const secretBytes: Uint8Array = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
export const dateKey = '68a9e4535ffbb09dcb6d25807a9ba5e3aef7cd00b3c57ed4b0c4a04988649f51'
export const day: Uint8Array = Buffer.from('20150830')

/** A pin source that always gives this. */
export function pins(pin: string): PinSource {
  return async () => Buffer.from(pin)
}

/** A key of this server, over TLS; `query` adds to the URI, `undefined` takes away. */
export function keyUri(
  bao: Pick<OpenBao, 'url' | 'caFile'>,
  query: Readonly<Record<string, string | undefined>> = {},
  path: Readonly<Record<string, string>> = {},
): KeyUri {
  const uri = KeyUri.of('vault', { key: 'aws', ...path }, { address: bao.url, ca: `file:${bao.caFile}` })
  return uri.with({ query })
}

/** Opens a key that is closed when the test ends. `token` answers the pin source. */
export async function opened(uri: KeyUri, token: string, options: VaultOptions = {}): Promise<HmacKey> {
  const key = await openKey(uri, { pin: pins(token), backends: [vaultBackend(options)] })
  onTestFinished(async () => key.close())
  return key
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('this should have failed')
}
