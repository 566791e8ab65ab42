// The structures of PKCS#11 as bytes. The sizes are those that gcc gives for the structures of the specification, and
// Microsoft's compiler with pack(1).

import { expect, it } from 'vitest'
import * as layouts from '../../../src/backends/pkcs11/layout.ts'

const unix = layouts.layoutOf('linux', 'x64')
const windows = layouts.layoutOf('win32', 'x64')
const small = layouts.layoutOf('linux', 'arm')

it.each([
  ['CK_INFO', layouts.infoMembers, 88, 72, 76],
  ['CK_SLOT_INFO', layouts.slotInfoMembers, 112, 104, 104],
  ['CK_TOKEN_INFO', layouts.tokenInfoMembers, 208, 160, 160],
  ['CK_MECHANISM_INFO', layouts.mechanismInfoMembers, 24, 12, 12],
  ['CK_MECHANISM', layouts.mechanismMembers, 24, 16, 12],
  ['CK_ATTRIBUTE', layouts.attributeMembers, 24, 16, 12],
  ['CK_C_INITIALIZE_ARGS', layouts.initializeMembers, 48, 44, 24],
])('%s has the size that the compiler gives', (_name, members, onUnix, onWindows, onSmall) => {
  const sizes = [unix, windows, small].map((layout) => layouts.place(layout, members).size)
  expect(sizes).toEqual([onUnix, onWindows, onSmall])
})

it.each([
  ['darwin', 'arm64'],
  ['darwin', 'x64'],
  ['linux', 'arm64'],
])('%s on %s is laid out as every 64-bit Unix', (platform, architecture) => {
  expect(layouts.layoutOf(platform, architecture)).toEqual(unix)
})

it('puts the functions of the list where the module has them', () => {
  const offsets = [unix, windows, small].map((layout) => layouts.functionOffset(layout, 43))
  expect(offsets).toEqual([8 + 43 * 8, 2 + 43 * 8, 4 + 43 * 4])
})

it('packs a mechanism for Unix and for Windows', () => {
  const values = [0x251, 0x1122334455667788n, 3]
  const packed = (layout: layouts.Layout) =>
    layouts.packStructure(layout, layouts.mechanismMembers, values).toString('hex')
  expect(packed(unix)).toBe('510200000000000088776655443322110300000000000000')
  expect(packed(windows)).toBe('51020000887766554433221103000000')
})

it('reads the lengths that a module has filled in, and those that it does not tell', () => {
  for (const layout of [unix, windows, small]) {
    const attributes = [1, 2].map((type) => ({ type, address: 0n, length: type * 8 }))
    const template = layouts.packTemplate(layout, attributes)
    const { offsets, size } = layouts.place(layout, layouts.attributeMembers)
    template.set(layouts.ulongBytes(layout, layouts.unavailable(layout)), size + (offsets[2] ?? 0))
    expect(layouts.readTemplateLengths(layout, template)).toEqual([8, undefined])
  }
})

it('reads text that is filled up with blanks, and text that ends with a zero', () => {
  const padded = Buffer.from('prod token        ')
  expect(layouts.readText(padded, 0, padded.length)).toBe('prod token')
  expect(layouts.readText(Buffer.from('prod\0\0\0garbage'), 0, 14)).toBe('prod')
})
