// The name of a key in devices that keep several. In: a key URI, the name of the record.
// Out: a URI that names the key.

import type { KeyUri } from '../key/uri.ts'

const nameAttributes: Readonly<Record<string, string>> = { pkcs11: 'object', vault: 'key' }

/** A key without a name of its own in the device gets the record's name, so that a person finds it there. */
export function named(uri: KeyUri, name: string): KeyUri {
  const attribute = nameAttributes[uri.scheme]
  return attribute === undefined || uri.has(attribute) ? uri : uri.with({ path: { [attribute]: name } })
}
