// From a key record to an opened key. In: the path of a record. Out: the key, the access key ID and the record.
// A relative path in its URI starts at the folder of the record, so that both can be moved together.

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

/** Attributes of key URIs that name a file beside the record; none of them is a module of a program. */
const fileAttributes = { path: ['file', 'public', 'private'], query: ['approvals'] } as const

/** The key URI of a record with its paths made absolute: for `openKey` with what holds for one run alone. */
export function recordUri(stored: StoredRecord): KeyUri {
  return withAbsoluteFile(KeyUri.parse(stored.record.uri), dirname(stored.path))
}

/** The URI with its relative paths, as `file=`, made absolute from `folder`. */
export function withAbsoluteFile(uri: KeyUri, folder: string): KeyUri {
  return withFiles(uri, (file) => (isAbsolute(file) ? undefined : resolve(folder, file)))
}

/** The URI with the paths that lie inside `folder` made relative to it: what a record keeps. */
export function withRelativeFile(uri: KeyUri, folder: string): KeyUri {
  return withFiles(uri, (file) => {
    if (!isAbsolute(file)) return undefined
    const inside = relative(folder, file)
    return inside === '' || isAbsolute(inside) || inside.split(sep)[0] === '..' ? undefined : inside
  })
}

/** The URI with each of its paths replaced by what `change` gives; undefined keeps it. */
function withFiles(uri: KeyUri, change: (file: string) => string | undefined): KeyUri {
  const changed = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const file = uri.get(name)
        const other = file === undefined ? undefined : change(file)
        return other === undefined ? [] : [[name, other]]
      }),
    )
  return uri.with({ path: changed(fileAttributes.path), query: changed(fileAttributes.query) })
}
