// The bytes of the TPM's structures, written and read back, cut and lengthened. TPM 2.0 Library, Part 2, 10.4.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader, readWhole, WireFault, Writer, written } from '../../../src/backends/tpm2/wire/codec.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('a writer', () => {
  it('writes numbers with their first byte first, and TPM2Bs with their size', () => {
    const bytes = written((writer) => {
      writer.u8(1).u16(0x0203).u32(0xfffefdfc).tpm2b(Uint8Array.of(9, 8))
    })
    expect(hex(bytes)).toBe('010203fffefdfc00020908')
  })

  it('puts the size before a structure of any length, and one within another', () => {
    const bytes = written((writer) => {
      writer.sized((outer) => {
        outer.u8(7).sized((inner) => inner.bytes(new Uint8Array(3)))
      })
    })
    expect(hex(bytes)).toBe('0006070003000000')
  })

  it('gives a buffer of its own, which it does not look at again', () => {
    const writer = new Writer().u8(1)
    const bytes = writer.finish()
    writer.u8(2)
    expect([hex(bytes), bytes.byteOffset, bytes.buffer.byteLength]).toEqual(['01', 0, 1])
  })

  it('keeps what it wrote when it grows', () => {
    const parts = Array.from({ length: 40 }, (_, index) => new Uint8Array(100).fill(index))
    const bytes = written((writer) => {
      for (const part of parts) writer.bytes(part)
    })
    expect(Buffer.from(bytes)).toEqual(Buffer.concat(parts))
  })

  it.each([
    [256, 'u8'],
    [-1, 'u16'],
    [2 ** 32, 'u32'],
    [1.5, 'u8'],
    [Number.NaN, 'u32'],
  ] as const)('refuses to write %d as %s', (value, width) => {
    expect(() => new Writer()[width](value)).toThrow(RangeError)
  })

  it('refuses a TPM2B of more bytes than its size can say', () => {
    expect(() => new Writer().tpm2b(new Uint8Array(65_536))).toThrow(RangeError)
  })
})

describe('a reader', () => {
  const structure = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0, 2, 9, 8)
  const read = (reader: Reader): unknown => [reader.u8(), reader.u16(), reader.u32(), hex(reader.tpm2b())]

  it('reads what a writer wrote, and stands at its end', () => {
    expect(readWhole(structure, read)).toEqual([1, 0x0203, 0x04050607, '0908'])
  })

  it('F-T15 refuses a structure that is cut at any byte', () => {
    for (let length = 0; length < structure.length; length++) {
      expect(() => readWhole(structure.slice(0, length), read)).toThrow(WireFault)
    }
  })

  it('F-T15 refuses bytes behind the structure, and says where they begin', () => {
    const longer = Uint8Array.of(...structure, 0)
    expect(() => readWhole(longer, read)).toThrow(expect.objectContaining({ offset: 11, message: '1 bytes too many' }))
  })

  it('counts the offset of a fault from the outermost bytes', () => {
    const inner = new Reader(Uint8Array.of(0, 3, 0, 9, 1)).sized()
    expect(() => inner.tpm2b()).toThrow(expect.objectContaining({ offset: 4 }))
  })

  it('refuses a TPM2B that is longer than it may be before it takes the bytes', () => {
    const reader = new Reader(Uint8Array.of(0, 3, 1, 2, 3))
    expect(() => reader.tpm2b(2)).toThrow(expect.objectContaining({ offset: 0 }))
  })

  it('gives views and copies nothing', () => {
    const bytes = Uint8Array.of(0, 1, 5)
    expect(new Reader(bytes).tpm2b().buffer).toBe(bytes.buffer)
  })

  it('reads back whatever a writer wrote', () => {
    const fields = fc.array(fc.oneof(fc.nat(255), fc.uint8Array({ maxLength: 300 })), { maxLength: 20 })
    fc.assert(
      fc.property(fields, (values) => {
        const bytes = written((writer) => {
          for (const value of values) typeof value === 'number' ? writer.u32(value) : writer.tpm2b(value)
        })
        const back = readWhole(bytes, (reader) =>
          values.map((value) => (typeof value === 'number' ? reader.u32() : reader.tpm2b())),
        )
        expect(back).toEqual(values)
      }),
    )
  })
})
