// PCRs as people write them and as the TPM takes them. In: a list such as `sha256:7,23` or `sha1:0,1+sha256:23=HEX`, or
// values. Out: entries, TPML_PCR_SELECTION, the digest that a policy binds.
// tpm2-tools, "PCR bank specifiers", for the text, with values as `tpm2_policypcr` of later versions takes them;
// TPM 2.0 Library, Part 2, 10.6.2 and Part 1, section "Platform Configuration Registers".

import { HardkeyError } from '../../../errors.ts'
import { hashAlgorithm, hashAlgorithms, sha256 } from '../wire/hash.ts'
import { hexOf } from '../wire/public-area.ts'
import type { PcrSelection } from '../wire/structures.ts'

/** One PCR of one bank. */
export interface PcrEntry {
  /** TPM_ALG_ID of the bank. */
  readonly hash: number
  /** 0 to 23. */
  readonly pcr: number
  /** The value it should have, where one is told. */
  readonly value?: Uint8Array
}

/** TCG PC Client Platform TPM Profile, 4.6: PCR 0 to 23, so selections of 3 bytes. */
const lastPcr = 23
const selectBytes = 3
/** 24 PCRs of each bank, each with a value of SHA-512, are shorter. */
const longestText = 32_768

/**
 * The entries of a list in the order in which a TPM takes them: banks as written, PCRs ascending within each.
 * @param text BANK:PCR[=HEX],PCR[=HEX]… with `+` between banks
 * @throws ERR_URI_INVALID, naming the part that is wrong
 */
export function readPcrList(text: string): readonly PcrEntry[] {
  if (text.length > longestText) throw invalid('is too long')
  if (text.trim() === '') throw invalid('is empty')
  const banks = new Set<number>()
  return text.split('+').flatMap((part) => {
    const colon = part.indexOf(':')
    const name = colon < 0 ? part : part.slice(0, colon)
    const bank = hashAlgorithms.find((algorithm) => algorithm.bank === name)
    if (bank === undefined) {
      throw invalid(
        'names a bank that is none of them',
        `banks are ${hashAlgorithms.map((one) => one.bank).join(', ')}`,
      )
    }
    if (banks.has(bank.id)) throw invalid(`names the bank ${name} twice`)
    banks.add(bank.id)
    if (colon < 0 || part.length === colon + 1) throw invalid(`names no PCR of the bank ${name}`)
    const entries = part
      .slice(colon + 1)
      .split(',')
      .map((entry) => readEntry(entry, name, bank.id, bank.size))
    entries.sort((a, b) => a.pcr - b.pcr)
    const twice = entries.find((entry, index) => entry.pcr === entries[index + 1]?.pcr)
    if (twice !== undefined) throw invalid(`names PCR ${twice.pcr} of the bank ${name} twice`)
    return entries
  })
}

/** As `readPcrList` reads it. */
export function formatPcrList(entries: readonly PcrEntry[]): string {
  return banksOf(entries)
    .map(
      (hash) =>
        `${bankName(hash)}:${entries
          .filter((entry) => entry.hash === hash)
          .map(entryText)
          .join(',')}`,
    )
    .join('+')
}

/** `sha256:7`, for a message. */
export function pcrName({ hash, pcr }: PcrEntry): string {
  return `${bankName(hash)}:${pcr}`
}

/** Part 2, 10.9.7 TPML_PCR_SELECTION of these entries: one selection of 3 bytes for each bank. */
export function selectionsOf(entries: readonly PcrEntry[]): readonly PcrSelection[] {
  return banksOf(entries).map((hash) => {
    const select = new Uint8Array(selectBytes)
    for (const { pcr } of entries.filter((entry) => entry.hash === hash)) {
      select[pcr >> 3] = (select[pcr >> 3] ?? 0) | (1 << (pcr & 7))
    }
    return { hash, select }
  })
}

/** The PCRs of a selection in the order in which a TPM takes their values. */
export function entriesOf(selections: readonly PcrSelection[]): readonly PcrEntry[] {
  return selections.flatMap(({ hash, select }) =>
    Array.from({ length: select.length * 8 }, (_, pcr) => ({ hash, pcr })).filter(
      ({ pcr }) => ((select[pcr >> 3] ?? 0) & (1 << (pcr & 7))) !== 0,
    ),
  )
}

/** Part 3, 23.7 TPM2_PolicyPCR: what a policy binds, over the values in the order of `entriesOf`. */
export function pcrDigest(values: readonly Uint8Array[]): Uint8Array {
  return sha256(...values)
}

/** The entries whose told value is not the one the TPM has now. @param values in the order of the entries */
export function differingPcrs(entries: readonly PcrEntry[], values: readonly Uint8Array[]): readonly PcrEntry[] {
  return entries.filter(
    ({ value }, index) => value !== undefined && Buffer.compare(value, values[index] ?? new Uint8Array(0)) !== 0,
  )
}

function readEntry(text: string, bank: string, hash: number, size: number): PcrEntry {
  const equals = text.indexOf('=')
  const number = equals < 0 ? text : text.slice(0, equals)
  const pcr = /^(0|[1-9][0-9]?)$/.test(number) ? Number(number) : Number.NaN
  if (!(pcr <= lastPcr)) throw invalid(`names a PCR of the bank ${bank} that is none`, `PCRs are 0 to ${lastPcr}`)
  if (equals < 0) return { hash, pcr }
  const hex = text.slice(equals + 1).replace(/^0x/i, '')
  if (!/^[0-9a-fA-F]*$/.test(hex) || hex.length !== size * 2) {
    throw invalid(`has a value for PCR ${pcr} that is not ${size * 2} hex digits`, `a PCR of ${bank} has ${size} bytes`)
  }
  return { hash, pcr, value: new Uint8Array(Buffer.from(hex, 'hex')) }
}

function entryText({ pcr, value }: PcrEntry): string {
  return value === undefined ? String(pcr) : `${pcr}=${Buffer.from(value).toString('hex')}`
}

function banksOf(entries: readonly PcrEntry[]): readonly number[] {
  return [...new Set(entries.map(({ hash }) => hash))]
}

/** A bank of a foreign policy may be one that cannot be written in a list. */
function bankName(hash: number): string {
  return hashAlgorithm(hash)?.bank ?? hexOf(hash)
}

function invalid(fault: string, hint = 'write it as sha256:7,23 or sha1:0,1+sha256:23'): HardkeyError {
  return new HardkeyError('ERR_URI_INVALID', `the PCR list ${fault}`, { hint })
}
