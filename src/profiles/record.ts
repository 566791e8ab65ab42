// A key record: what we keep of a key, without any secret.
// In: the bytes of NAME.json, or a record. Out: a checked KeyRecord, or its bytes. Only the form is known here; where
// records lie is record-store.ts, what opens them open-record.ts.

import { HardkeyError } from '../errors.ts'
import { didYouMean } from '../key/did-you-mean.ts'
import type { Protection } from '../key/hmac-key.ts'
import { KeyUri } from '../key/uri.ts'

/** What `import` was told about the use of a key. Each is a default: a flag or an AWS_ variable comes before it. */
export interface RecordSettings {
  readonly region?: string | undefined
  /** Base URL of the service, or of STS, in place of that of the region. */
  readonly endpointUrl?: string | undefined
  /** `s3`: the endpoint is a store that speaks S3 and has no STS. */
  readonly store?: 's3' | undefined
  readonly roleArn?: string | undefined
  readonly roleSessionName?: string | undefined
  readonly externalId?: string | undefined
  /** Length of the sessions in seconds, 900 to 129,600 (the widest of any STS action). */
  readonly durationSeconds?: number | undefined
  readonly mfaSerial?: string | undefined
}

/** A record as it stands in NAME.json. Its values were checked for their form; what a role or a region may be, STS says. */
export interface KeyRecord extends RecordSettings {
  readonly version: 1
  readonly accessKeyId: string
  /** The key URI as text, never with a PIN. A relative `file=` starts at the folder of the record. */
  readonly uri: string
  readonly protection: Protection
  /** When the key was checked in, UTC: "2026-11-24T17:20:00Z". */
  readonly created: string
  /** When AWS made the access key, where that was asked. */
  readonly made?: string | undefined
  /** The check value: the first 8 bytes of HMAC(key, "hardkey check 1") as 16 lower-case hex digits. */
  readonly check: string
}

/** Bytes that a record may have; ours have about 500. */
export const maxRecordBytes = 65536

/** In the order in which they are written. Each says what its value must be, where it is not. */
const fields: Readonly<Record<keyof KeyRecord, (value: unknown) => string | undefined>> = {
  version: (value) => (value === 1 ? undefined : '1: a newer hardkey wrote this record'),
  accessKeyId: matching(
    /^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,128}$/,
    'text of 1 to 128 visible ASCII characters without / and ,',
  ),
  uri: keyUriWithoutPin,
  protection: matching(/^(hardware|service|memory)$/, 'hardware, service or memory'),
  created: (value) => (isTime(value) ? undefined : 'a time such as 2026-11-24T17:20:00Z'),
  made: (value) => (isTime(value) ? undefined : 'a time such as 2026-11-24T17:20:00Z'),
  check: matching(/^[0-9a-f]{16}$/, '16 lower-case hex digits'),
  region: matching(/^[a-z0-9-]{1,64}$/, 'a region such as eu-west-1'),
  endpointUrl: matching(/^https?:\/\/[\x21-\x7e]{1,2000}$/, 'an http or https URL'),
  store: matching(/^s3$/, 's3'),
  roleArn: matching(/^arn:[\x21-\x7e]{1,2044}$/, 'an ARN'),
  roleSessionName: matching(/^[\w+=,.@-]{2,64}$/, 'text of 2 to 64 letters, digits or _+=,.@-'),
  externalId: matching(/^[\w+=,.@:/-]{2,1224}$/, 'text of 2 to 1224 letters, digits or _+=,.@:/-'),
  durationSeconds: (value) =>
    isDuration(value) ? undefined : 'a whole number of seconds from 900 to 129600 (36 hours)',
  mfaSerial: matching(/^[\w+=,.@:/-]{9,256}$/, 'text of 9 to 256 letters, digits or _+=,.@:/-'),
}

const required: readonly string[] = ['version', 'accessKeyId', 'uri', 'protection', 'created', 'check']

/**
 * The record that the bytes of `path` say.
 * @throws ERR_CONFIG_INVALID, naming path and member: not UTF-8, not JSON, a member unknown, missing or malformed
 */
export function parseRecord(bytes: Uint8Array, path: string): KeyRecord {
  return checkRecord(parseObject(bytes, path), path)
}

/** The bytes of a record: JSON, one member a line. @throws ERR_CONFIG_INVALID for a record that could not be read again */
export function formatRecord(record: KeyRecord): Uint8Array {
  const checked = checkRecord({ ...record }, 'the key record')
  return Buffer.from(`${JSON.stringify(checked, null, 2)}\n`)
}

/** @throws ERR_CONFIG_INVALID that names the setting and what it must be, never its value */
export function checkSettings(settings: RecordSettings): void {
  checkMembers({ ...settings }, 'the settings', (name, mustBe) => invalid(name, `is not ${mustBe}`))
}

/** What lies beside the record NAME, as NAME.ENDING.json. */
const besideRecord: ReadonlyMap<string, string> = new Map([
  ['keyset', 'the embedded key lies'],
  ['approvals', 'the approvals for the key lie'],
  ['rotation', 'the journal of its rotation lies'],
  ['creation', 'the journal of its creation lies'],
])

/** True for a file that lies beside a record and is none. */
export function isBesideRecord(fileName: string): boolean {
  const [, ending = ''] = /\.([a-z]+)\.json$/i.exec(fileName) ?? []
  return besideRecord.has(ending.toLowerCase())
}

/**
 * Checks that `name` can name a record: 1 to 100 letters, digits and `._-`, not beginning with `.` or `-`. A name that
 * ends in `.keyset`, `.approvals`, `.rotation` or `.creation` would take the place of what lies beside another record.
 * @throws ERR_USAGE
 */
export function checkRecordName(name: string): void {
  const rule = 'a name has 1 to 100 letters, digits or . _ - and begins with a letter, digit or _'
  if (!/^\w[\w.-]{0,99}$/.test(name)) {
    throw new HardkeyError('ERR_USAGE', `"${name.slice(0, 100)}" cannot name a key record`, { hint: rule })
  }
  const [, ending = ''] = /\.([a-z]+)$/i.exec(name) ?? []
  const lying = besideRecord.get(ending.toLowerCase())
  if (lying !== undefined) {
    throw new HardkeyError('ERR_USAGE', `a key record cannot have a name that ends in .${ending}`, {
      hint: `NAME.${ending}.json is where, beside the record NAME, ${lying}`,
    })
  }
}

function parseObject(bytes: Uint8Array, path: string): Record<string, unknown> {
  if (bytes.length > maxRecordBytes) throw invalid(path, `has ${bytes.length} bytes, more than any key record`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    // The parser's own words quote the file, which may be anything.
    throw notRecord(path, error instanceof TypeError ? 'not UTF-8' : 'not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw notRecord(path, 'not a JSON object')
}

/** The record that these members of `path` are. @throws ERR_CONFIG_INVALID, naming path and member */
export function checkRecord(given: Record<string, unknown>, path: string): KeyRecord {
  // Its own members only, so that a polluted prototype adds nothing.
  const members: Record<string, unknown> = Object.assign(Object.create(null), given)
  const missing = required.find((name) => members[name] === undefined)
  if (missing !== undefined) throw notRecord(path, `it has no "${missing}"`)
  checkMembers(members, path, (name, mustBe) => invalid(path, `has a wrong "${name}"`, `it must be ${mustBe}`))
  const names = Object.keys(fields).filter((name) => members[name] !== undefined)
  // checkMembers has just established every member's type.
  return Object.fromEntries(names.map((name) => [name, members[name]])) as unknown as KeyRecord
}

function checkMembers(
  members: Record<string, unknown>,
  path: string,
  wrong: (name: string, mustBe: string) => HardkeyError,
): void {
  for (const [name, value] of Object.entries(members)) {
    const rule = new Map(Object.entries(fields)).get(name)
    if (rule === undefined) {
      const meant = didYouMean(name, Object.keys(fields))
      throw invalid(path, `has an unknown "${name.slice(0, 60)}"`, meant && `did you mean "${meant}"?`)
    }
    const mustBe = value === undefined ? undefined : rule(value)
    if (mustBe !== undefined) throw wrong(name, mustBe)
  }
}

function notRecord(path: string, why: string): HardkeyError {
  const hint =
    'check the path; a record that broke is restored, or deleted and written anew: hardkey import NAME --from device'
  return invalid(path, `is not a key record: ${why}`, hint)
}

function invalid(path: string, fault: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', `${path} ${fault}`, { hint })
}

function matching(pattern: RegExp, words: string): (value: unknown) => string | undefined {
  return (value) => (typeof value === 'string' && pattern.test(value) ? undefined : words)
}

function keyUriWithoutPin(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'a key URI'
  try {
    return KeyUri.parse(value).has('pin-value') ? 'a key URI without pin-value' : undefined
  } catch (error) {
    if (error instanceof HardkeyError) return `a key URI: ${error.message}`
    throw error
  }
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return false
  const time = new Date(value)
  return !Number.isNaN(time.getTime()) && time.toISOString() === value.replace('Z', '.000Z')
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 900 && value <= 129_600
}
