// What goes wrong with a keyset file, as error codes. In: the path and the failure. Out: a HardkeyError.
// The device here is a file and a cipher: a missing file is a missing key, and a refused tag a refused passphrase.

import { HardkeyError } from '../../errors.ts'
import { inFile } from '../../files/file-failure.ts'

const damaged = 'bring the right file back from a copy; where there is none, end its access key at AWS and make another'

/** ERR_KEY_FILE_INVALID: the keyset is malformed or of another kind. Never shows content; `inKeyset` adds the path. */
export function keysetInvalid(fault: string, hint: string = damaged): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `the keyset ${fault}`, { hint })
}

/** B-070: whoever has seen the file has the secret. */
export function notEncrypted(): HardkeyError {
  return keysetInvalid(
    'is not encrypted',
    'treat the key as leaked: whoever could read the file has the secret; make a new access key',
  )
}

/** What `read` gives; a keyset that it refuses is named by its path. */
export function inKeyset<T>(path: string, read: () => T): T {
  return inFile(path, 'ERR_KEY_FILE_INVALID', read)
}

/** What reading and writing files reports, with the codes of a device; anything else as it is. */
export function fileStatus(path: string, error: unknown): unknown {
  if (!(error instanceof HardkeyError)) return error
  if (error.serviceCode === 'EEXIST') return keyExists(path)
  if (error.serviceCode !== 'ENOENT') return error
  return new HardkeyError('ERR_KEY_NOT_FOUND', `there is no keyset "${path}"`, {
    hint: 'check file= in the key URI; a relative path in a record starts at the folder of the record',
    serviceCode: 'ENOENT',
  })
}

export function keyExists(path: string): HardkeyError {
  return new HardkeyError('ERR_KEY_EXISTS', `there is a keyset "${path}" already`, {
    hint: 'it is never overwritten; name another file, or forget the key first',
  })
}

/** AES-GCM cannot tell a wrong key from a changed ciphertext (NIST SP 800-38D, section 7.2: FAIL). */
export function passphraseRefused(path: string): HardkeyError {
  return new HardkeyError('ERR_PIN_INCORRECT', `the passphrase does not open the keyset "${path}"`, {
    hint: 'it is another passphrase, or the file was changed; it was tried once',
  })
}
