// A key is made where no TPM is, encrypted for a storage key of one. In: the public area of that parent, the bytes of the key.
// Out: an importable key, which TPM2_Import opens below this parent in its TPM alone. No TPM is asked.
// TPM 2.0 Library, Part 1, 23.3 "Duplication": outer wrapper (23.3.2.3) and no inner one; Part 2, 12.3.2.4 TPMT_SENSITIVE.
// The key has no policy: TPM2_Duplicate wants the role DUP, which a policy alone can give, so no TPM lets it go on from there.

import { createCipheriv } from 'node:crypto'
import { ownCopy, type Secret } from '../../../key/secret.ts'
import { written } from '../wire/codec.ts'
import { TPM_ALG, TPM_RH, TPMA_OBJECT } from '../wire/constants.ts'
import { sha256 } from '../wire/hash.ts'
import { hmacSha256, joined, kdfa, ownBytes } from '../wire/kdf.ts'
import { aes128Cfb, nameOf, type PublicArea, writePublicArea } from '../wire/public-area.ts'
import { prepareSalt, wipeSalt } from '../wire/salt.ts'
import { writeSensitive2b } from '../wire/structures.ts'
import type { KeyFileContent } from './key-file.ts'
import { keyFileInvalid } from './malformed.ts'

const none = new Uint8Array(0)
/** As long as a digest of nameAlg: it hides the key in `unique`. Part 1, 27.5.3.2. */
const seedBytes = 32
const storageAttributes = TPMA_OBJECT.fixedTPM | TPMA_OBJECT.restricted | TPMA_OBJECT.decrypt

/**
 * An importable key for this parent.
 * @throws ERR_KEY_FILE_INVALID for one that is no storage key with SHA-256 and AES-128, bound to its TPM
 */
export function duplicateFor(parent: PublicArea, key: Secret): KeyFileContent {
  checkParent(parent)
  const seedValue = globalThis.crypto.getRandomValues(ownBytes(seedBytes))
  const data = key.lend(ownCopy)
  const hidden = joined(seedValue, data)
  const sensitive = written((writer) => {
    writeSensitive2b(writer, { sensitiveType: TPM_ALG.KEYEDHASH, authValue: none, seedValue, sensitive: data })
  })
  try {
    const publicArea = writePublicArea({
      type: TPM_ALG.KEYEDHASH,
      nameAlg: TPM_ALG.SHA256,
      attributes: TPMA_OBJECT.sign | TPMA_OBJECT.userWithAuth | TPMA_OBJECT.noDA,
      authPolicy: none,
      scheme: { scheme: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 },
      unique: sha256(hidden),
    })
    const { privateArea, encryptedSecret } = outerWrapper(parent, nameOf(publicArea), sensitive)
    // The number that tpmcopy writes, which says nothing of the parent.
    const parentNumber = TPM_RH.FW_OWNER
    return {
      form: 'importable',
      emptyAuth: true,
      policy: [],
      encryptedSecret,
      parent: parentNumber,
      publicArea,
      privateArea,
    }
  } finally {
    for (const secret of [seedValue, data, hidden, sensitive]) secret.fill(0)
  }
}

/** The keys of the wrapper come from a seed that is encrypted to the parent; the Name of the object is authenticated too. */
function outerWrapper(
  parent: PublicArea,
  name: Uint8Array,
  sensitive: Uint8Array,
): { readonly privateArea: Uint8Array; readonly encryptedSecret: Uint8Array } {
  const seed = prepareSalt(parent, 'DUPLICATE')
  const storageKey = kdfa(seed.salt, 'STORAGE', name, none, aes128Cfb.keyBits)
  const integrityKey = kdfa(seed.salt, 'INTEGRITY', none, none, 256)
  try {
    const cipher = createCipheriv('aes-128-cfb', storageKey, new Uint8Array(16))
    const encrypted = joined(cipher.update(sensitive), cipher.final())
    const integrity = hmacSha256(integrityKey, encrypted, name)
    return {
      privateArea: written((writer) => writer.tpm2b(integrity).bytes(encrypted)),
      encryptedSecret: seed.encrypted,
    }
  } finally {
    storageKey.fill(0)
    integrityKey.fill(0)
    wipeSalt(seed)
  }
}

function checkParent(parent: PublicArea): void {
  const isStorageKey =
    (parent.type === TPM_ALG.ECC || parent.type === TPM_ALG.RSA) &&
    parent.nameAlg === TPM_ALG.SHA256 &&
    (parent.attributes & storageAttributes) === storageAttributes &&
    parent.symmetric?.algorithm === aes128Cfb.algorithm &&
    parent.symmetric.keyBits === aes128Cfb.keyBits &&
    parent.symmetric.mode === aes128Cfb.mode
  if (isStorageKey) return
  throw keyFileInvalid('the wrapping key', 'is no storage key of a TPM with SHA-256 and AES-128-CFB, bound to that TPM')
}
