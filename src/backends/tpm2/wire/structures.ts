// The other structures that cross the wire or stand in a key file. In: a Reader, or values and a Writer. Out: values, or
// nothing. TPM 2.0 Library, Part 2, the section above each. What is read are views of the reader's bytes.

import { type Reader, WireFault, type Writer } from './codec.ts'
import { TPM_ALG } from './constants.ts'

/** Part 2, 10.6.2 TPMS_PCR_SELECTION: bit n of byte n / 8 stands for PCR n. */
export interface PcrSelection {
  /** TPM_ALG_ID of the bank. */
  readonly hash: number
  readonly select: Uint8Array
}

/** What a TPM takes in one list: IMPLEMENTATION_DEPENDENT hashes, 16 in the reference code. */
const mostSelections = 16
/** Part 2, 10.6.1: PCR_SELECT_MAX, 3 bytes in every PC; room for TPMs with more. */
const longestSelect = 8
/** Part 2, 10.9.9 TPML_DIGEST and Part 3, 23.6 TPM2_PolicyOR: 8 digests. */
const mostDigests = 8
/** SHA-512. */
const longestDigest = 64
/** What fits into an answer of 4,096 bytes. */
const mostEntries = 1024

/** Part 2, 10.9.7 TPML_PCR_SELECTION. @throws WireFault */
export function readPcrSelections(reader: Reader): readonly PcrSelection[] {
  return list(reader, mostSelections, () => {
    const hash = reader.u16()
    const start = reader.offset
    const size = reader.u8()
    if (size > longestSelect) throw new WireFault(`a PCR selection of ${size} bytes is too long`, start)
    return { hash, select: reader.bytes(size) }
  })
}

export function writePcrSelections(writer: Writer, selections: readonly PcrSelection[]): void {
  writer.u32(selections.length)
  for (const { hash, select } of selections) writer.u16(hash).u8(select.length).bytes(select)
}

/** Part 2, 10.9.9 TPML_DIGEST. @throws WireFault */
export function readDigests(reader: Reader): readonly Uint8Array[] {
  return list(reader, mostDigests, () => reader.tpm2b(longestDigest))
}

export function writeDigests(writer: Writer, digests: readonly Uint8Array[]): void {
  writer.u32(digests.length)
  for (const digest of digests) writer.tpm2b(digest)
}

/** Part 2, 10.9.3 TPML_HANDLE. @throws WireFault */
export function readHandles(reader: Reader): readonly number[] {
  return list(reader, mostEntries, () => reader.u32())
}

/** Part 2, 10.9.2 TPML_CCA as command codes: the low 16 bits of a TPMA_CC (8.9), and bit 29 for a vendor's. @throws WireFault */
export function readCommandCodes(reader: Reader): readonly number[] {
  return list(reader, mostEntries, () => {
    const attributes = reader.u32()
    return (attributes & 0x2000_ffff) >>> 0
  })
}

/** Part 2, 10.9.8 TPML_TAGGED_TPM_PROPERTY: property (TPM_PT) and value. @throws WireFault */
export function readProperties(reader: Reader): ReadonlyMap<number, number> {
  return new Map(list(reader, mostEntries, () => [reader.u32(), reader.u32()] as const))
}

/** Part 2, 11.1.15 TPMS_SENSITIVE_CREATE. Both are secret. */
export interface SensitiveCreate {
  readonly userAuth: Uint8Array
  readonly data: Uint8Array
}

/** Part 2, 11.1.16 TPM2B_SENSITIVE_CREATE. */
export function writeSensitiveCreate(writer: Writer, { userAuth, data }: SensitiveCreate): void {
  writer.sized((inner) => inner.tpm2b(userAuth).tpm2b(data))
}

/** Part 2, 12.3.2.4 TPMT_SENSITIVE. All but the type is secret. */
export interface Sensitive {
  /** TPM_ALG_KEYEDHASH for an HMAC key, the same as `type` of its public area. */
  readonly sensitiveType: number
  readonly authValue: Uint8Array
  readonly seedValue: Uint8Array
  readonly sensitive: Uint8Array
}

/** Part 2, 12.3.2.5 TPM2B_SENSITIVE. */
export function writeSensitive2b(writer: Writer, sensitive: Sensitive): void {
  writer.sized((inner) => {
    inner.u16(sensitive.sensitiveType).tpm2b(sensitive.authValue).tpm2b(sensitive.seedValue).tpm2b(sensitive.sensitive)
  })
}

/** Part 2, 10.7.3 TPMT_TK_CREATION, 10.7.4 TPMT_TK_VERIFIED, 10.7.5 TPMT_TK_AUTH, 10.7.6 TPMT_TK_HASHCHECK. */
export interface Ticket {
  /** TPM_ST. */
  readonly tag: number
  readonly hierarchy: number
  readonly digest: Uint8Array
}

export function readTicket(reader: Reader): Ticket {
  return { tag: reader.u16(), hierarchy: reader.u32(), digest: reader.tpm2b(longestDigest) }
}

/** Part 2, 11.3.4 TPMT_SIGNATURE, as far as hardkey sends one. */
export type Signature = EcdsaSignature | RsaSignature

/** Part 2, 11.3.2.2 TPMS_SIGNATURE_ECDSA. */
export interface EcdsaSignature {
  readonly scheme: typeof TPM_ALG.ECDSA
  readonly hash: number
  readonly r: Uint8Array
  readonly s: Uint8Array
}

/** Part 2, 11.3.1.2 TPMS_SIGNATURE_RSASSA and TPMS_SIGNATURE_RSAPSS. */
export interface RsaSignature {
  readonly scheme: typeof TPM_ALG.RSASSA | typeof TPM_ALG.RSAPSS
  readonly hash: number
  readonly signature: Uint8Array
}

export function writeSignature(writer: Writer, signature: Signature): void {
  writer.u16(signature.scheme).u16(signature.hash)
  if (signature.scheme === TPM_ALG.ECDSA) writer.tpm2b(signature.r).tpm2b(signature.s)
  else writer.tpm2b(signature.signature)
}

/** Every TPML: a count in four bytes, then so many entries. */
function list<T>(reader: Reader, most: number, entry: () => T): T[] {
  const start = reader.offset
  const count = reader.u32()
  if (count > most) throw new WireFault(`a list of ${count} entries is longer than ${most}`, start)
  const entries: T[] = []
  while (entries.length < count) entries.push(entry())
  return entries
}
