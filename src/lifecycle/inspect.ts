// What the device says of a checked-in key today. In: a record that was read. Out: the device's own description, and
// whether it still holds the key that checked in (F-P10, F-P18: another token, another key, the same name).

import { type BackendEntry, backendEntry, inspectorOf } from '../backends/list.ts'
import { type OpenOptions, openKey } from '../backends/open.ts'
import type { KeyInfo } from '../key/hmac-key.ts'
import { recordUri } from '../profiles/open-record.ts'
import type { KeyRecord } from '../profiles/record.ts'
import type { StoredRecord } from '../profiles/record-store.ts'
import { checkValue } from './check-value.ts'

/** What `inspect` found. Holds no secret. */
export interface Inspection {
  readonly stored: StoredRecord
  readonly info: KeyInfo
  /** False when the device holds another key now than the one that checked in. */
  readonly sameKey: boolean
  /** Whole days since the check-in. */
  readonly ageDays: number
}

export interface InspectOptions extends Pick<OpenOptions, 'pin' | 'signal'> {
  /** What there is for the scheme; default: the entry of the list of backends. */
  readonly entry?: BackendEntry | undefined
  readonly now: () => Date
}

/**
 * Opens the key of a record, asks the device for the check value and closes the key again.
 * @throws what `openKey` and `key.hmac` throw
 */
export async function inspect(stored: StoredRecord, options: InspectOptions): Promise<Inspection> {
  const { record } = stored
  const uri = recordUri(stored)
  const { pin, signal, entry = backendEntry(uri.scheme), now } = options
  const key = await openKey(uri, { pin, signal, backends: [await inspectorOf(entry)] })
  try {
    const sameKey = (await checkValue(key, { signal })) === record.check
    return { stored, info: key.info, sameKey, ageDays: recordAgeDays(record, now()) }
  } finally {
    await key.close()
  }
}

/** Whole days since AWS made the key, else since the check-in; 0 also where the clock stands before it. */
export function recordAgeDays({ created, made = created }: Pick<KeyRecord, 'created' | 'made'>, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - new Date(made).getTime()) / 86_400_000))
}
