// The environment of the child that runs a PKCS#11 module. In: ours and the key URI. Out: ours, less what a module has
// no business with. Modules are set up by variables that no list could name (SOFTHSM2_CONF, and each vendor's own), so
// the rest is handed on.

import type { KeyUri } from '../../key/uri.ts'

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Credentials, tokens and settings of others; and what would change how Node itself runs. */
const withheld = ['AWS_', 'VAULT_', 'BAO_', 'HARDKEY_', 'NODE_']

/** What the child gets: nothing of AWS, Vault, OpenBao, hardkey and Node, and no variable that holds the PIN. */
export function childEnvironment(environment: Environment, uri: KeyUri): Environment {
  const source = uri.get('pin-source') ?? ''
  const pinVariable = source.startsWith('env:') ? source.slice('env:'.length) : undefined
  // Names are not case-sensitive on Windows.
  const kept = Object.entries(environment).filter(([name]) => {
    const upper = name.toUpperCase()
    return name !== pinVariable && !withheld.some((prefix) => upper.startsWith(prefix))
  })
  return Object.fromEntries(kept)
}
