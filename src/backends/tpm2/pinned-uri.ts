// The URI that a record keeps of a key: with all that opens it again with as few commands as can be, and that notices another
// TPM or another key. In: a key URI, what was found. Out: a key URI without a secret.

import type { KeyUri } from '../../key/uri.ts'
import type { ParentChoice } from './key-uri.ts'
import { choiceText, type StorageKey } from './parent.ts'

export interface PinnedFacts {
  /** The key's own Name. */
  readonly name: Uint8Array
  /** Undefined for a persistent key of which nobody knows. */
  readonly parent: ParentChoice | undefined
  /** What sessions are salted to. */
  readonly salt: StorageKey
}

/** `pin-source` stays as it is: where the auth value comes from is the user's wish. */
export function pinnedUri(uri: KeyUri, { name, parent, salt }: PinnedFacts): KeyUri {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const known = parent ?? (uri.has('salt') ? undefined : salt.choice)
  return uri.withoutSecrets().with({
    path: known === undefined ? {} : { parent: choiceText(known) },
    query: {
      'date-rule': undefined,
      name: hex(name),
      'salt-name': hex(salt.name),
      // Made anew from its template, a primary key brings its public area along.
      'salt-public': salt.isTransient ? undefined : hex(salt.publicArea),
    },
  })
}
