// Values of attributes as a module has them. In: values of a template, or bytes that a module has filled. Out: bytes, or values.
// OASIS PKCS#11 Specification 3.1, section 4.2: CK_BBOOL, CK_ULONG, byte arrays, and arrays of CK_MECHANISM_TYPE.

import type { AttributeKind } from './constants.ts'
import { memory } from './function-list.ts'
import * as layouts from './layout.ts'
import type { TemplateValue } from './messages.ts'

/** Bytes for a template, in a buffer of their own. */
export function encodeValue(layout: layouts.Layout, value: TemplateValue): Uint8Array {
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0)
  if (typeof value === 'number') return layouts.ulongBytes(layout, value)
  if (typeof value === 'string') return fromHex(value)
  const width = layout.ulongBytes
  const list = memory(value.length * width)
  value.forEach((item, index) => {
    list.set(layouts.ulongBytes(layout, item), index * width)
  })
  return list
}

/** The value; undefined for bytes that are none of this kind. */
export function decodeValue(layout: layouts.Layout, kind: AttributeKind, bytes: Uint8Array): TemplateValue | undefined {
  const width = layout.ulongBytes
  const number = (offset: number) => Number(layouts.readUlong(layout, bytes, offset))
  if (kind === 'bytes') return Buffer.from(bytes).toString('hex')
  if (kind === 'boolean') return bytes.length === 1 ? bytes[0] !== 0 : undefined
  if (kind === 'number') return bytes.length === width ? number(0) : undefined
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, index) => number(index * width))
}

/** The bytes that hexadecimal digits stand for, in memory that a module may be given. */
export function fromHex(digits: string): Uint8Array {
  const bytes = memory(digits.length / 2)
  bytes.set(Buffer.from(digits, 'hex'))
  return bytes
}
