// What a TPM says of itself. In: nothing but the TPM. Out: its commands, handles, properties, PCR banks.
// TPM 2.0 Library, Part 3, 30.2 TPM2_GetCapability. Nothing here is proved; none of it decides over a secret.

import { type Reader, WireFault } from './codec.ts'
import { TPM_CAP, TPM_CC, TPM_PT } from './constants.ts'
import { plainCommand } from './plain-command.ts'
import { type PcrSelection, readCommandCodes, readHandles, readPcrSelections, readProperties } from './structures.ts'
import type { SendOptions, Tpm } from './tpm.ts'

/** As many entries as are asked for at once; a TPM gives as many as fit into its answer. */
const pageSize = 254

/** Every command code that the TPM lists. */
export async function listCommands(tpm: Tpm, options?: SendOptions): Promise<ReadonlySet<number>> {
  const codes = await everyPage(tpm, TPM_CAP.COMMANDS, 0, readCommandCodes, nextCommand, options)
  return new Set(codes)
}

/** The handles of one type from `first` on: 0x81000000 for persistent objects, 0x80000000 for transient ones. */
export async function listHandles(tpm: Tpm, first: number, options?: SendOptions): Promise<readonly number[]> {
  const handles = await everyPage(tpm, TPM_CAP.HANDLES, first, readHandles, (last) => last + 1, options)
  return handles.filter((handle) => handle >>> 24 === first >>> 24)
}

/** The banks of PCRs with those that are in use in each. */
export async function listPcrBanks(tpm: Tpm, options?: SendOptions): Promise<readonly PcrSelection[]> {
  return (await capability(tpm, TPM_CAP.PCRS, 0, readPcrSelections, options)).value.map(copied)
}

/** The properties (TPM_PT) from `first` to the end of its group: 0x100 fixed, 0x200 variable ones. */
export async function readTpmProperties(
  tpm: Tpm,
  first: number,
  options?: SendOptions,
): Promise<ReadonlyMap<number, number>> {
  return (await capability(tpm, TPM_CAP.TPM_PROPERTIES, first, readProperties, options)).value
}

/** Maker and firmware, for a person: `swtpm/libtpms (IBM), firmware 8217.4131`. */
export async function describeTpm(tpm: Tpm, options?: SendOptions): Promise<string> {
  const properties = await readTpmProperties(tpm, TPM_PT.MANUFACTURER, options)
  const text = (property: number) => asciiOf(properties.get(property) ?? 0)
  const maker = text(TPM_PT.MANUFACTURER)
  const vendor = [TPM_PT.VENDOR_STRING_1, TPM_PT.VENDOR_STRING_2, TPM_PT.VENDOR_STRING_3, TPM_PT.VENDOR_STRING_4]
    .map(text)
    .join('')
    .replace(/ +/g, ' ')
    .trim()
  const firmware = properties.get(TPM_PT.FIRMWARE_VERSION_1) ?? 0
  return `${vendor === '' ? maker : `${vendor} (${maker})`}, firmware ${firmware >>> 16}.${firmware & 0xffff}`
}

interface Page<T> {
  readonly moreData: boolean
  readonly value: T
}

async function capability<T>(
  tpm: Tpm,
  kind: number,
  property: number,
  read: (reader: Reader) => T,
  options?: SendOptions,
): Promise<Page<T>> {
  return await plainCommand(
    tpm,
    { code: TPM_CC.GetCapability, write: (writer) => writer.u32(kind).u32(property).u32(pageSize) },
    (reader) => {
      const moreData = reader.u8() === 1
      const start = reader.offset
      if (reader.u32() !== kind) throw new WireFault('another capability than the one asked for', start)
      return { moreData, value: read(reader) }
    },
    options,
  )
}

async function everyPage(
  tpm: Tpm,
  kind: number,
  first: number,
  read: (reader: Reader) => readonly number[],
  next: (last: number) => number,
  options?: SendOptions,
): Promise<readonly number[]> {
  const found: number[] = []
  for (let property = first; ; ) {
    const { moreData, value } = await capability(tpm, kind, property, read, options)
    found.push(...value)
    const last = value.at(-1)
    // A TPM that says there is more and gives nothing new would keep us asking for ever.
    if (!moreData || last === undefined || next(last) <= property) return found
    property = next(last)
  }
}

/** The vendor's commands, with bit 29, come last: nobody asks for them. */
function nextCommand(last: number): number {
  return (last & 0xffff) + 1
}

function copied({ hash, select }: PcrSelection): PcrSelection {
  return { hash, select: Uint8Array.from(select) }
}

function asciiOf(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff).replace(
    /[^\x20-\x7e]/g,
    '',
  )
}
