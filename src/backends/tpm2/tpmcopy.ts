// A wrapped key as tpmcopy has it, the tool of the seed's author. In: its duplication file, or a wrapped key. Out: the other.
// The file says nothing of an access key but the name that its sender gives, and has no proof.

import type { WrappedKey } from '../../key/hmac-key.ts'
import { formatDuplicationFile, parseDuplicationFile } from './documents/duplication-file.ts'
import { formatKeyDer, parseKeyDer } from './documents/key-file.ts'
import { keyFileInvalid } from './documents/malformed.ts'
import { parentKinds, parentOf } from './documents/parents.ts'

/** True for a file that is one of tpmcopy's, whole or damaged. */
export function isTpmcopyFile(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString('latin1').includes('TSS2 PRIVATE KEY')
}

/** The key, and what its sender calls it. @throws ERR_KEY_FILE_INVALID */
export function readTpmcopy(bytes: Uint8Array): { readonly wrapped: WrappedKey; readonly sendersName: string } {
  const { name: sendersName, parentKind, parentName, ...key } = parseDuplicationFile(bytes)
  const name = Buffer.from(parentName).toString('hex')
  const device = `${parentOf(parentKind).words} with the Name ${name}`
  return { wrapped: { scheme: 'tpm2', kind: parentKind, device, name, ciphertext: formatKeyDer(key) }, sendersName }
}

/** @throws ERR_KEY_FILE_INVALID for a parent that tpmcopy has no word for */
export function formatTpmcopy({ kind, name, ciphertext }: WrappedKey, sendersName: string): string {
  const parentKind = parentKinds.find((one) => one === kind)
  if (parentKind === undefined) throw keyFileInvalid('the wrapping key', 'is of a parent that tpmcopy does not know')
  const parentName = new Uint8Array(Buffer.from(name, 'hex'))
  return formatDuplicationFile({ ...parseKeyDer(ciphertext), name: sendersName, parentKind, parentName })
}
