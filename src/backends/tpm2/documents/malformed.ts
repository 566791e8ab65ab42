// Key files that are not what they should be, as errors. In: what is read and its fault. Out: ERR_KEY_FILE_INVALID, with
// the place of the fault and never a byte of the file: a part of it may be a secret.

import { HardkeyError } from '../../../errors.ts'
import { WireFault } from '../wire/codec.ts'

/** @param what the subject: "the key file" @param fault what follows it: "has no end line" */
export function keyFileInvalid(what: string, fault: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `${what} ${fault}`, { hint })
}

/** What `read` gives; a WireFault becomes ERR_KEY_FILE_INVALID. @param part whose bytes the offset counts: "its DER" */
export function orMalformed<T>(what: string, part: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof WireFault)) throw error
    throw keyFileInvalid(what, `is malformed at byte ${error.offset} of ${part}: ${error.message}`)
  }
}
