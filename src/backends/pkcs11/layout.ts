// The structures of PKCS#11 as bytes, packed and read by hand for each kind of system.
// In: values, or bytes that a module has filled. Out: bytes for a module, or values. Touches no memory but its buffers.
// OASIS PKCS#11 Specification 3.1, section 3 (structures) and section 2.1 (packing: natural on Unix, 1 byte on Windows).

import { endianness } from 'node:os'

/** One member of a structure: so many bytes, a CK_ULONG or a pointer. */
type Member = number | 'ulong' | 'pointer'

/** How wide CK_ULONG and pointers are, and whether members lie without gaps. */
export interface Layout {
  readonly ulongBytes: 4 | 8
  readonly pointerBytes: 4 | 8
  readonly packed: boolean
}

const thirtyTwoBits: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390']

/** The layout of a system, by `process.platform` and `process.arch`. 64-bit Unix is LP64, 64-bit Windows LLP64. */
export function layoutOf(platform: string, architecture: string): Layout {
  const pointerBytes = thirtyTwoBits.includes(architecture) ? 4 : 8
  if (platform === 'win32') return { ulongBytes: 4, pointerBytes, packed: true }
  return { ulongBytes: pointerBytes, pointerBytes, packed: false }
}

/** CK_INFO, section 3.1: cryptokiVersion, manufacturerID, flags, libraryDescription, libraryVersion. */
export const infoMembers: readonly Member[] = [2, 32, 'ulong', 32, 2]
/** CK_SLOT_INFO, section 3.2: slotDescription, manufacturerID, flags, hardwareVersion, firmwareVersion. */
export const slotInfoMembers: readonly Member[] = [64, 32, 'ulong', 2, 2]
/** CK_TOKEN_INFO, section 3.2: label, manufacturerID, model, serialNumber, flags, ten counts, two versions, utcTime. */
export const tokenInfoMembers: readonly Member[] = [32, 32, 16, 16, ...Array<Member>(11).fill('ulong'), 2, 2, 16]
/** CK_MECHANISM_INFO, section 3.5: ulMinKeySize, ulMaxKeySize, flags. */
export const mechanismInfoMembers: readonly Member[] = ['ulong', 'ulong', 'ulong']
/** CK_MECHANISM, section 3.5: mechanism, pParameter, ulParameterLen. */
export const mechanismMembers: readonly Member[] = ['ulong', 'pointer', 'ulong']
/** CK_ATTRIBUTE, section 3.4: type, pValue, ulValueLen. */
export const attributeMembers: readonly Member[] = ['ulong', 'pointer', 'ulong']
/** CK_RSA_PKCS_OAEP_PARAMS, section 6.1.7: hashAlg, mgf, source, pSourceData, ulSourceDataLen. */
export const oaepMembers: readonly Member[] = ['ulong', 'ulong', 'ulong', 'pointer', 'ulong']
/** CK_C_INITIALIZE_ARGS, section 3.7: four mutex functions, flags, pReserved. */
export const initializeMembers: readonly Member[] = ['pointer', 'pointer', 'pointer', 'pointer', 'ulong', 'pointer']

export interface Placement {
  readonly offsets: readonly number[]
  readonly size: number
}

/** Where each member of a structure lies, and how many bytes the whole takes. */
export function place(layout: Layout, members: readonly Member[]): Placement {
  const offsets: number[] = []
  let end = 0
  let widest = 1
  for (const member of members) {
    const width = member === 'ulong' ? layout.ulongBytes : member === 'pointer' ? layout.pointerBytes : member
    const alignment = typeof member === 'number' || layout.packed ? 1 : width
    widest = Math.max(widest, alignment)
    end = roundUp(end, alignment)
    offsets.push(end)
    end += width
  }
  return { offsets, size: roundUp(end, widest) }
}

/** The offset of a function in CK_FUNCTION_LIST, section 3.6: a version of two bytes, then pointers. */
export function functionOffset(layout: Layout, index: number): number {
  return (layout.packed ? 2 : layout.pointerBytes) + index * layout.pointerBytes
}

/** What a module writes as a length that it does not tell (CK_UNAVAILABLE_INFORMATION): all bits set. */
export function unavailable(layout: Layout): bigint {
  return layout.ulongBytes === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn
}

export function readUlong(layout: Layout, bytes: Uint8Array, offset: number): bigint {
  return readNumber(bytes, offset, layout.ulongBytes)
}

export function readPointer(layout: Layout, bytes: Uint8Array, offset: number): bigint {
  return readNumber(bytes, offset, layout.pointerBytes)
}

/** The bytes of one CK_ULONG. */
export function ulongBytes(layout: Layout, value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(layout.ulongBytes))
  writeNumber(bytes, 0, layout.ulongBytes, BigInt(value))
  return bytes
}

/** A structure of numbers and pointers, filled. Used for CK_MECHANISM and CK_C_INITIALIZE_ARGS. */
export function packStructure(
  layout: Layout,
  members: readonly Member[],
  values: readonly (number | bigint)[],
): Buffer {
  const { offsets, size } = place(layout, members)
  const bytes = Buffer.alloc(size)
  members.forEach((member, index) => {
    const width = member === 'pointer' ? layout.pointerBytes : layout.ulongBytes
    writeNumber(bytes, offsets[index] ?? 0, width, BigInt(values[index] ?? 0))
  })
  return bytes
}

/** One attribute of a template: its value lies at `address` and must stay there for the time of the call. */
export interface AttributePlace {
  readonly type: number
  readonly address: bigint
  readonly length: number
}

/** A template: an array of CK_ATTRIBUTE. */
export function packTemplate(layout: Layout, attributes: readonly AttributePlace[]): Buffer {
  return Buffer.concat(
    attributes.map(({ type, address, length }) => packStructure(layout, attributeMembers, [type, address, length])),
  )
}

/** The ulValueLen that a module has written into each attribute of a template; undefined where it does not tell. */
export function readTemplateLengths(layout: Layout, template: Uint8Array): readonly (number | undefined)[] {
  const { offsets, size } = place(layout, attributeMembers)
  return Array.from({ length: template.length / size }, (_, index) => {
    const length = readUlong(layout, template, index * size + (offsets[2] ?? 0))
    return length === unavailable(layout) ? undefined : Number(length)
  })
}

/** Text of a fixed field: UTF-8 filled up with blanks; some modules fill with zeros instead. */
export function readText(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return Buffer.from(end === -1 ? field : field.subarray(0, end))
    .toString()
    .trimEnd()
}

function readNumber(bytes: Uint8Array, offset: number, width: 4 | 8): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return width === 8 ? view.getBigUint64(offset, isLittle()) : BigInt(view.getUint32(offset, isLittle()))
}

function writeNumber(bytes: Uint8Array, offset: number, width: 4 | 8, value: bigint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (width === 8) view.setBigUint64(offset, value, isLittle())
  else view.setUint32(offset, Number(value), isLittle())
}

function isLittle(): boolean {
  return endianness() === 'LE'
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
