// PCR lists as people write them. B-031: each wrong one is refused with ERR_URI_INVALID and the part that is wrong.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  differingPcrs,
  entriesOf,
  formatPcrList,
  type PcrEntry,
  pcrName,
  readPcrList,
  selectionsOf,
} from '../../../src/backends/tpm2/documents/pcr.ts'
import { written } from '../../../src/backends/tpm2/wire/codec.ts'
import { TPM_ALG } from '../../../src/backends/tpm2/wire/constants.ts'
import { hashAlgorithms } from '../../../src/backends/tpm2/wire/hash.ts'
import { writePcrSelections } from '../../../src/backends/tpm2/wire/structures.ts'
import { expectLibraryRefuses } from '../../bad-input/refused.ts'

const selectionHex = (text: string): string => {
  const bytes = written((writer) => writePcrSelections(writer, selectionsOf(readPcrList(text))))
  return Buffer.from(bytes).toString('hex')
}

describe('a PCR list', () => {
  it.each([
    ['sha256:23', '00000001' + '000b03000080'],
    ['sha256:7,23', '00000001' + '000b03800080'],
    ['sha1:0,1+sha256:23', '00000002' + '000403030000' + '000b03000080'],
    ['sha256:23+sha1:1,0', '00000002' + '000b03000080' + '000403030000'],
    ['sha384:8', '00000001' + '000c03000100'],
    ['sha3_256:0', '00000001' + '002703010000'],
  ])('%s is the selection that the TPM takes', (text, selection) => {
    expect(selectionHex(text)).toBe(selection)
  })

  it('stands in the order in which the TPM takes the values', () => {
    const entries = readPcrList('sha256:23,7+sha1:1')
    expect(entries.map(pcrName)).toEqual(['sha256:7', 'sha256:23', 'sha1:1'])
    expect(entriesOf(selectionsOf(entries)).map(pcrName)).toEqual(entries.map(pcrName))
  })

  it('may tell the values, with and without 0x', () => {
    const value = 'ab'.repeat(20)
    const entries = readPcrList(`sha1:0=${value.toUpperCase()},1,2=0x${value}`)
    expect(formatPcrList(entries)).toBe(`sha1:0=${value},1,2=${value}`)
  })

  it('F-T13 names the PCRs whose values differ from those it tells', () => {
    const [a, b] = ['0a', '0b'].map((byte) => byte.repeat(32))
    const entries = readPcrList(`sha256:7=${a},8,23=${b}`)
    const now = [Buffer.alloc(32, 0x0a), Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    expect(differingPcrs(entries, now).map(pcrName)).toEqual(['sha256:23'])
    expect(differingPcrs(entries, now.slice(0, 2)).map(pcrName)).toEqual(['sha256:23'])
  })

  it('of a bank that cannot be written is still shown', () => {
    expect(formatPcrList([{ hash: TPM_ALG.SM3_256, pcr: 3 }])).toBe('0x0012:3')
  })

  it('is read as it was written', () => {
    const bank = fc.constantFrom(...hashAlgorithms)
    const list = fc.uniqueArray(bank, { minLength: 1, selector: ({ id }) => id }).chain((banks) =>
      fc.tuple(
        ...banks.map(({ id, size }) => {
          const value = fc.uint8Array({ minLength: size, maxLength: size })
          const entry = fc.tuple(fc.nat(23), fc.option(value, { nil: undefined }))
          return fc
            .uniqueArray(entry, { minLength: 1, selector: ([pcr]) => pcr })
            .map((entries) =>
              entries
                .toSorted(([a], [b]) => a - b)
                .map(([pcr, told]): PcrEntry => ({ hash: id, pcr, ...(told === undefined ? {} : { value: told }) })),
            )
        }),
      ),
    )
    fc.assert(
      fc.property(list, (banks) => {
        const entries = banks.flat()
        expect(readPcrList(formatPcrList(entries))).toEqual(entries)
      }),
    )
  })
})

describe('B-031 a PCR list that is none', () => {
  it.each<[string, string, string]>([
    ['nothing', '', 'is empty'],
    ['spaces', '   ', 'is empty'],
    ['a PCR above 23', 'sha256:24', 'names a PCR of the bank sha256 that is none'],
    ['a negative PCR', 'sha256:-1', 'that is none'],
    ['a PCR with a leading zero', 'sha256:07', 'that is none'],
    ['no PCR', 'sha256:', 'names no PCR of the bank sha256'],
    ['a bank alone', 'sha256', 'names no PCR of the bank sha256'],
    ['an empty place', 'sha256:7,,8', 'that is none'],
    ['a comma at the end', 'sha256:7,', 'that is none'],
    ['the same PCR twice', 'sha256:7,23,7', 'names PCR 7 of the bank sha256 twice'],
    ['the same bank twice', 'sha256:7+sha256:8', 'names the bank sha256 twice'],
    ['an unknown bank', 'md5:7', 'names a bank that is none of them'],
    ['a bank in capital letters', 'SHA256:7', 'names a bank'],
    ['no bank', '7,23', 'names a bank'],
    ['a plus at the end', 'sha256:7+', 'names a bank'],
    ['a space', 'sha256:7, 23', 'that is none'],
    ['a value too short', `sha256:7=${'0'.repeat(40)}`, 'has a value for PCR 7 that is not 64 hex digits'],
    ['a value too long', `sha1:7=${'0'.repeat(64)}`, 'not 40 hex digits'],
    ['an empty value', 'sha256:7=', 'not 64 hex digits'],
    ['a value that is not hex', `sha256:7=${'g'.repeat(64)}`, 'not 64 hex digits'],
    ['a list of 64 KiB', `sha256:${'7,'.repeat(32_768)}7`, 'is too long'],
  ])('is refused: %s', async (_, text, says) => {
    await expectLibraryRefuses(() => readPcrList(text), { code: 'ERR_URI_INVALID', says })
  })
})
