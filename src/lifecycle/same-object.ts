// Which records hang on one object of a device. In: a record, where its objects are. Out: the names of the others beside it.
// The journals beside the records count too: the old key of a rotation is wanted until the rotation is over.

import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import type { KeyUri } from '../key/uri.ts'
import { recordUri } from '../profiles/open-record.ts'
import type { KeyRecord } from '../profiles/record.ts'
import { listRecords, type StoredRecord } from '../profiles/record-store.ts'
import { readJournal } from './rotation-journal.ts'

/** Attributes by which two objects of a scheme are told apart. */
const telling: ReadonlyMap<string, readonly string[]> = new Map([
  ['pkcs11', ['token', 'serial', 'object', 'id']],
  ['tpm2', ['file', 'handle', 'public', 'name']],
  ['vault', ['key', 'mount']],
])
const ofKeyset: readonly string[] = ['file']

/** Of these a URI has one, and another one is another place. */
const places: readonly string[] = ['file', 'handle', 'public']

/** One server, token or TPM may be reached by several of these: they tell nothing but where they are equal. */
const ways: readonly string[] = ['address', 'namespace', 'device', 'module-path']

/** An object of a device; the check value where it is known. */
export interface DeviceObject {
  readonly uri: KeyUri
  readonly check: string | undefined
}

/** The other records whose key lies where one of `objects` is, or may lie there and is the same. */
export async function othersOfObject(
  { path }: StoredRecord,
  objects: readonly DeviceObject[],
): Promise<readonly string[]> {
  const listed = await listRecords(dirname(path))
  const others = listed.filter((one): one is StoredRecord => 'record' in one && one.path !== path)
  const names = await Promise.all(
    others.map(async (other) => {
      const wanted = (await recordsOf(other)).map((record) => ({
        uri: recordUri({ ...other, record }),
        check: record.check,
      }))
      return objects.some((one) => wanted.some((two) => isSameObject(one, two))) ? [other.name] : []
    }),
  )
  return names.flat()
}

/** Those that hold the same secret access key, wherever it lies. */
export async function othersOfKey({ path, record }: StoredRecord): Promise<readonly string[]> {
  const listed = await listRecords(dirname(path))
  return listed.flatMap((one) =>
    'record' in one && one.path !== path && one.record.check === record.check ? [one.name] : [],
  )
}

async function recordsOf(other: StoredRecord): Promise<readonly KeyRecord[]> {
  const { old, next } = (await readJournal(other.path)) ?? {}
  return [other.record, ...(old === undefined ? [] : [old]), ...(next === undefined ? [] : [next])]
}

/** Where the URIs leave it open (a token by its label, and by its serial number), the check value decides. */
export function isSameObject({ uri: one, check }: DeviceObject, { uri: two, check: other }: DeviceObject): boolean {
  if (one.scheme !== two.scheme) return false
  const isOther = (name: string): boolean => places.includes(name) || (one.has(name) && two.has(name))
  if (differing(one, two).some(isOther)) return false
  return check === other || isSamePlace(one, two)
}

/** True where the URIs leave nothing open: both lead to the same object. */
export function isSamePlace(one: KeyUri, two: KeyUri): boolean {
  const isEqual = (name: string): boolean => textOf(one, name) === textOf(two, name)
  return one.scheme === two.scheme && differing(one, two).length === 0 && ways.every(isEqual)
}

function differing(one: KeyUri, two: KeyUri): readonly string[] {
  const names = telling.get(one.scheme) ?? ofKeyset
  return names.filter((name) => textOf(one, name) !== textOf(two, name))
}

/** As text that is the same for the same thing: a file by where it really lies, an `id=` by its bytes. */
function textOf(uri: KeyUri, name: string): string | undefined {
  const bytes = uri.bytes(name)
  if (bytes === undefined) return undefined
  if (name === 'handle') return String(Number(uri.get(name)))
  if (name !== 'file' && name !== 'public') return Buffer.from(bytes).toString('latin1')
  const path = uri.get(name) ?? ''
  try {
    return realpathSync(path)
  } catch {
    // What is not there has no other name.
    return path
  }
}
