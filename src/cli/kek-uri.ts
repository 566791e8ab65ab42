// What the command adds to a `tink:` key URI whose keyset a service decrypts. In: a URI and the environment. Out: the URI
// with the CA and the namespace of Vault's or OpenBao's own variables where its transit engine has none, each noted.

import type { KeyUri } from '../key/uri.ts'
import type { CommandContext } from './command.ts'

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

/** The URI as this run uses it. */
export function withTransit({ environment, report }: CommandContext, uri: KeyUri): KeyUri {
  if (transitServer(uri) === undefined) return uri
  const { namespace, ca } = environment.vault
  let complete = uri
  for (const [name, setting] of Object.entries({ namespace, ca })) {
    // A folder of certificates is for vault: alone.
    if (setting === undefined || uri.has(name) || setting.variable.endsWith('CAPATH')) continue
    report.note(`${name} is ${setting.value}, from ${setting.variable}`)
    complete = complete.with({ query: { [name]: setting.value } })
  }
  return complete
}
