// Which service decrypts the keyset of a `tink:` key URI. In: a URI. Out: whether one does, and where the transit engine of
// Vault or OpenBao is that does.

import type { KeyUri } from '../../key/uri.ts'

/** True for a keyset that is not under a passphrase. */
export function isUnderService(uri: KeyUri): boolean {
  const kek = uri.scheme === 'tink' ? uri.get('kek') : undefined
  return kek !== undefined && kek !== 'passphrase:'
}

/** Where the transit engine of such a keyset is: `https://vault.example:8200`. */
export function transitServer(uri: KeyUri): string | undefined {
  const host = /^hcvault:\/\/([^/]+)\//.exec((isUnderService(uri) ? uri.get('kek') : undefined) ?? '')?.[1]
  return host === undefined ? undefined : `https://${host}`
}
