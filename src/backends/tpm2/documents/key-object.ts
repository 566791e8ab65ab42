// Whether an object is the key that hardkey can use. In: its public area. Out: what it is instead, what is weaker than it
// should be, and its attributes by name. TPM 2.0 Library, Part 2, 8.3 TPMA_OBJECT and 11.1.20 TPMT_KEYEDHASH_SCHEME;
// Part 3, 15.5 TPM2_HMAC, which wants a KEYEDHASH object with sign set and restricted clear.

import { HardkeyError } from '../../../errors.ts'
import { TPM_ALG, TPM_ECC, TPMA_OBJECT } from '../wire/constants.ts'
import { hashAlgorithm } from '../wire/hash.ts'
import { hexOf, type KeyedHashPublic, type PublicArea } from '../wire/public-area.ts'

/**
 * The public area where it is that of an HMAC-SHA256 key.
 * @param code ERR_KEY_FILE_INVALID for a key file, ERR_KEY_UNUSABLE for an object in a TPM
 * @param what the thing in words: "the key file", "the object at 0x81000100"
 */
export function asHmacKey(
  area: PublicArea,
  code: 'ERR_KEY_FILE_INVALID' | 'ERR_KEY_UNUSABLE',
  what: string,
): KeyedHashPublic {
  const fault = faultOf(area)
  if (fault === undefined && area.type === TPM_ALG.KEYEDHASH) return area
  throw new HardkeyError(code, `${what} ${fault ?? 'is no HMAC key'}`, {
    hint: 'hardkey uses HMAC-SHA256 keys: make one with hardkey import, or tpm2_import -G hmac',
  })
}

/** What is weaker than it should be in a key of this TPM, each a sentence with its remedy. */
export function keyWarnings({ attributes, authPolicy }: KeyedHashPublic): readonly string[] {
  if ((attributes & TPMA_OBJECT.fixedTPM) !== 0) return []
  const moves =
    authPolicy.length === 0 ? 'this key was made outside of this TPM' : 'this key can be moved with its policy'
  return [`fixedTPM is clear: ${moves}; a key that hardkey import makes here cannot leave`]
}

/** The attributes that are set, by the names of TPMA_OBJECT in their order, unknown ones by their number. */
export function attributeNames(attributes: number): readonly string[] {
  const known = Object.entries(TPMA_OBJECT).filter(([, bit]) => (attributes & bit) !== 0)
  const unknown = known.reduce((left, [, bit]) => left & ~bit, attributes) >>> 0
  return [...known.map(([name]) => name), ...(unknown === 0 ? [] : [hexOf(unknown, 8)])]
}

/** What an object is, for a person: "an RSA-2048 key", "sealed data". */
export function objectWords(area: PublicArea): string {
  switch (area.type) {
    case TPM_ALG.RSA:
      return `an RSA-${area.keyBits} key`
    case TPM_ALG.ECC:
      return `an ECC key on ${nameIn(TPM_ECC, area.curve)}`
    case TPM_ALG.SYMCIPHER:
      return area.symmetric === null
        ? 'a symmetric key'
        : `a symmetric key for ${nameIn(TPM_ALG, area.symmetric.algorithm)}-${area.symmetric.keyBits}`
    case TPM_ALG.KEYEDHASH:
      return keyedHashWords(area)
  }
}

function keyedHashWords({ scheme, attributes }: KeyedHashPublic): string {
  if (scheme !== null)
    return `a key for ${nameIn(TPM_ALG, scheme.scheme)} with ${nameIn(TPM_ALG, scheme.hash ?? TPM_ALG.NULL)}`
  const isKey = (attributes & (TPMA_OBJECT.sign | TPMA_OBJECT.decrypt)) !== 0
  return isKey ? 'a keyed hash key without a scheme' : 'sealed data'
}

/** B-063: each attribute that stands in the way, by its name. */
function faultOf(area: PublicArea): string | undefined {
  const isHmac = area.type === TPM_ALG.KEYEDHASH && area.scheme?.scheme === TPM_ALG.HMAC
  if (!isHmac) return `holds ${objectWords(area)}, no HMAC key`
  if (area.scheme?.hash !== TPM_ALG.SHA256) return `holds ${objectWords(area)}, not with SHA256`
  if ((area.attributes & TPMA_OBJECT.sign) === 0) return 'holds an HMAC key whose attribute sign is clear'
  if ((area.attributes & TPMA_OBJECT.restricted) !== 0) return 'holds an HMAC key whose attribute restricted is set'
  if (hashAlgorithm(area.nameAlg) === undefined) return 'holds an HMAC key whose nameAlg is no hash known here'
  return undefined
}

function nameIn(numbers: Readonly<Record<string, number>>, id: number): string {
  return Object.entries(numbers).find(([, number]) => number === id)?.[0] ?? hexOf(id)
}
