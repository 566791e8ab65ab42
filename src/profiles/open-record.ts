// From a key record to an opened key. In: the path of a record. Out: the key, the access key ID and the record.
// A relative `file=` in its URI starts at the folder of the record, so that both can be moved together.

import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { type OpenOptions, openKey } from '../backends/open.ts'
import type { HmacKey } from '../key/hmac-key.ts'
import { KeyUri } from '../key/uri.ts'
import type { KeyRecord } from './record.ts'
import { readRecord, type StoredRecord } from './record-store.ts'

/** What `openRecord` gives. The caller closes the key. */
export interface OpenedRecord {
  readonly key: HmacKey
  readonly accessKeyId: string
  readonly record: KeyRecord
}

/**
 * Opens the key of the record at this path. Call it again after a rotation: the record then names another key.
 *
 * @throws ERR_CONFIG_INVALID where the record is missing, malformed or can be changed by others; what `openKey` throws
 *
 * @example
 * ```ts
 * import { deviceDateKeys, openRecord, sigV4Signer } from 'hardkey'
 * const { key, accessKeyId, record } = await openRecord('/etc/hardkey/keys/prod.json')
 * try {
 *   const keys = deviceDateKeys({ key, accessKeyId })
 *   const signer = sigV4Signer({ keys, region: record.region ?? 'eu-west-1', service: 'sqs' })
 *   await signer.sign({ method: 'GET', url: 'https://sqs.eu-west-1.amazonaws.com/?Action=ListQueues' })
 * } finally {
 *   await key.close()
 * }
 * ```
 */
export async function openRecord(path: string, options: OpenOptions = {}): Promise<OpenedRecord> {
  const stored = await readRecord(path)
  const key = await openKey(recordUri(stored), options)
  return { key, accessKeyId: stored.record.accessKeyId, record: stored.record }
}

/** The key URI of a record with its `file=` made absolute: for `openKey` with what holds for one run alone. */
export function recordUri(stored: StoredRecord): KeyUri {
  return withAbsoluteFile(KeyUri.parse(stored.record.uri), dirname(stored.path))
}

/** The URI with a relative `file=` made absolute from `folder`. */
export function withAbsoluteFile(uri: KeyUri, folder: string): KeyUri {
  const file = uri.get('file')
  return file === undefined || isAbsolute(file) ? uri : uri.with({ path: { file: resolve(folder, file) } })
}

/** The URI with a `file=` inside `folder` made relative to it: what a record keeps. */
export function withRelativeFile(uri: KeyUri, folder: string): KeyUri {
  const file = uri.get('file')
  if (file === undefined || !isAbsolute(file)) return uri
  const inside = relative(folder, file)
  if (inside === '' || isAbsolute(inside) || inside.split(sep)[0] === '..') return uri
  return uri.with({ path: { file: inside } })
}
