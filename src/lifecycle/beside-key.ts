// Where the new key of a rotation goes: the same device, beside the old key, under a name of its own. In: the URI of the old
// key, the ID of the new access key. Out: the URI for its import. The ID stands in the name, so that a person finds in
// the device whose key it is, and no other rotation ever takes the same name.

import { basename, dirname, extname, join } from 'node:path'
import { HardkeyError } from '../errors.ts'
import type { KeyInfo } from '../key/hmac-key.ts'
import { withoutPinSource } from '../key/pin-source.ts'
import { KeyUri } from '../key/uri.ts'
import type { KeyRecord } from '../profiles/record.ts'
import type { StoredRecord } from '../profiles/record-store.ts'

/** What a key has to be called. */
export interface BesideNames {
  /** The record, where the old key has no name of its own. */
  readonly recordName: string
  readonly oldAccessKeyId: string
  readonly newAccessKeyId: string
}

/**
 * `attributes`: of the key, once it is opened.
 * @throws ERR_BACKEND_UNSUPPORTED for a key that cannot be rotated where it is, before anything was done
 */
export function refuseUnrotatable({ name, record }: StoredRecord, attributes: KeyInfo['attributes'] = {}): void {
  const uri = KeyUri.parse(record.uri)
  const hasDateRule = uri.has('approvals')
  // TPM 2.0 Library, Part 2, 8.3: without userWithAuth the policy alone lets it be used. A new key gets what the record tells.
  const hasOtherPolicy = attributes.userWithAuth === false && !uri.has('pcrs')
  if (!hasDateRule && !hasOtherPolicy) return
  const why = hasDateRule
    ? 'a key with a date rule cannot prove itself before it is approved'
    : 'the record does not tell the policy of the key, and a new one would have none'
  const words = ['hardkey import NEW --create-for USER --with', name, '--to tpm2', ...optionsOf(uri, record)]
  const [rule, then] = hasDateRule ? ['--date-rule FILE', 'approve its days, and once'] : ['--pcrs LIST', 'once']
  throw new HardkeyError('ERR_BACKEND_UNSUPPORTED', why, {
    hint: `make the new key under another name: ${words.join(' ')} ${rule}; ${then} it is in use: hardkey forget ${name} --from-device`,
  })
}

/** Options of an import that say what the URI and the record say. */
function optionsOf(uri: KeyUri, record: KeyRecord): readonly string[] {
  const { region, endpointUrl, roleArn, roleSessionName, externalId, durationSeconds, mfaSerial } = record
  const values = {
    pcrs: uri.get('pcrs')?.replace(/=[0-9a-fA-Fx]+/g, ''),
    region,
    'endpoint-url': endpointUrl,
    'role-arn': roleArn,
    'role-session-name': roleSessionName,
    'external-id': externalId,
    duration: durationSeconds === undefined ? undefined : `${durationSeconds}s`,
    'mfa-serial': mfaSerial,
  }
  const isPlain = (value: string | undefined): boolean => /^[\w+=,.@:/-]+$/.test(value ?? '')
  const given = Object.entries(values).flatMap(([name, value]) => (isPlain(value) ? [`--${name} ${value}`] : []))
  return uri.get('auth') === 'yes' ? [...given, '--auth'] : given
}

/** The URIs to try in turn: one, but for persistent handles of a TPM, of which the next ones may be taken. */
export function besideKey(uri: KeyUri, names: BesideNames): readonly KeyUri[] {
  const inFile = (file: string): KeyUri => uri.with({ path: { file: besideFile(file, names) } })
  switch (uri.scheme) {
    case 'pkcs11': {
      const object = besideName(uri.get('object') ?? names.recordName, names)
      return [uri.with({ path: { object, id: undefined } })]
    }
    case 'vault': {
      const key = besideName(uri.get('key') ?? names.recordName, names)
      return [uri.with({ path: { key }, query: { 'key-version': undefined } })]
    }
    case 'tpm2': {
      const free = uri.with({ path: { public: undefined, private: undefined }, query: { name: undefined } })
      const handle = uri.get('handle')
      if (handle !== undefined) return nextHandles(handle).map((next) => free.with({ path: { handle: next } }))
      const file = uri.get('file') ?? `${names.recordName}.tss2.pem`
      return [free.with({ path: { file: besideFile(file, names) } })]
    }
    default:
      return [inFile(uri.get('file') ?? `${names.recordName}.keyset.json`)]
  }
}

/** The URI with the sources of PINs that `from` names and no others: what a record keeps, whatever one run has added. */
export function withSourcesOf(uri: KeyUri, from: KeyUri): KeyUri {
  const sources = from.names().filter((name) => name.endsWith('-source'))
  return withoutPinSource(uri).with({ query: Object.fromEntries(sources.map((name) => [name, from.get(name)])) })
}

/** True where the place carries the ID, so that what lies there was made by this rotation and nobody else. */
export function isNamedPlace(uri: KeyUri): boolean {
  return !uri.has('handle')
}

const endings = ['.keyset.json', '.tss2.pem']

function besideFile(file: string, names: BesideNames): string {
  const ending = endings.find((one) => file.endsWith(one)) ?? extname(file)
  return join(dirname(file), `${besideName(basename(file, ending), names)}${ending}`)
}

/** `prod`, then `prod-NEW`, then `prod-NEWER`. */
function besideName(name: string, { oldAccessKeyId, newAccessKeyId }: BesideNames): string {
  return `${baseName(name, oldAccessKeyId)}-${newAccessKeyId}`
}

/** The name that a key had before any rotation: `prod` of `prod-AKIA…`. */
export function baseName(name: string, accessKeyId: string): string {
  const own = `-${accessKeyId}`
  return name.endsWith(own) ? name.slice(0, -own.length) : name
}

/** The sixteen handles after this one, within those of the owner (TPM 2.0 Library, Part 2, 7.5). */
function nextHandles(handle: string): readonly string[] {
  const [first, count] = [0x81000000, 0x800000]
  return Array.from({ length: 16 }, (_, index) => {
    const next = first + ((Number(handle) - first + index + 1) % count)
    return `0x${next.toString(16)}`
  })
}
