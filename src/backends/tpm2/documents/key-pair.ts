// A key as two raw files, as tpm2_create and tpm2_import write them with -u and -r. In: the bytes of both, or a key's two
// areas. Out: the areas, with the public one checked; or the bytes of both files.
// TPM 2.0 Library, Part 2, 12.2.5 TPM2B_PUBLIC and 12.3.7 TPM2B_PRIVATE, each whole in its file with its size.

import { type Reader, readWhole, WireFault, written } from '../wire/codec.ts'
import { TPM_RH } from '../wire/constants.ts'
import { readPublic2b } from '../wire/public-area.ts'
import type { KeyFile } from './key-file.ts'
import { asHmacKey } from './key-object.ts'
import { keyFileInvalid, orMalformed } from './malformed.ts'

/** No such file comes near it: a TPM takes commands of 4,096 bytes. */
export const longestPairFile = 4096

/**
 * What the two files say. They name no parent, so that it is to be searched for, and no policy.
 * @throws ERR_KEY_FILE_INVALID, naming which of the two files
 */
export function readKeyPair(publicFile: Uint8Array, privateFile: Uint8Array): KeyFile {
  const { bytes: publicArea, area } = parsed('the public file', publicFile, readPublic2b)
  const privateArea = parsed('the private file', privateFile, (reader) => {
    const { offset } = reader
    const bytes = reader.tpm2b()
    if (bytes.length === 0) throw new WireFault('it is empty', offset)
    return bytes
  })
  const object = asHmacKey(area, 'ERR_KEY_FILE_INVALID', 'the public file')
  return { form: 'loadable', policy: [], parent: TPM_RH.OWNER, publicArea, object, privateArea }
}

/** The bytes of both files, as tpm2_load takes them. */
export function formatKeyPair({ publicArea, privateArea }: Pick<KeyFile, 'publicArea' | 'privateArea'>): {
  readonly publicFile: Uint8Array
  readonly privateFile: Uint8Array
} {
  const sized = (content: Uint8Array): Uint8Array =>
    written((writer) => {
      writer.tpm2b(content)
    })
  return { publicFile: sized(publicArea), privateFile: sized(privateArea) }
}

function parsed<T>(what: string, file: Uint8Array, read: (reader: Reader) => T): T {
  if (file.length > longestPairFile) throw keyFileInvalid(what, `has more than ${longestPairFile} bytes`)
  // "-----BEGIN" as a size would be 11,565.
  if (Buffer.from('-----').equals(file.subarray(0, 5))) {
    throw keyFileInvalid(what, 'is a PEM', 'name a TSS2 key file by tpm2:file=PATH')
  }
  return orMalformed(what, 'the file', () => readWhole(file, read))
}
