// What a `tink:` URI says: `tink:file=PATH?kek=passphrase:` and where the passphrase comes from (pin-source).
// In: a key URI. Out: the path of the keyset. Attributes that this form does not have are refused.

import { HardkeyError } from '../../errors.ts'
import type { KeyUri } from '../../key/uri.ts'

/** The path of a keyset that a passphrase unlocks. @throws ERR_URI_INVALID */
export function passphraseKeyset(uri: KeyUri): string {
  uri.expect(['file'], ['kek', 'pin-source', 'pin-value'])
  if (uri.get('kek') !== 'passphrase:') {
    throw new HardkeyError('ERR_URI_INVALID', 'tink: needs a key-encryption key that hardkey knows', {
      hint: 'write kek=passphrase: after the "?"',
    })
  }
  return fileOf(uri)
}

/** The path of a keyset whose key-encryption key the caller has. @throws ERR_URI_INVALID */
export function callersKeyset(uri: KeyUri): string {
  uri.expect(['file'], [])
  return fileOf(uri)
}

function fileOf(uri: KeyUri): string {
  const path = uri.get('file')
  if (path !== undefined) return path
  throw new HardkeyError('ERR_URI_INVALID', 'tink: does not say which file', {
    hint: 'write tink:file=prod.keyset.json?kek=passphrase:',
  })
}
