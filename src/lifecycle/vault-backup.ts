// A key as Vault and OpenBao back it up, or as one is written by hand for transit/restore. In: its bytes, JSON or
// the base64 of it. Out: the secret access key in it, which never became text. HTTP API, "Transit", Backup key.
// One version of one HMAC key, or of an AES key that has nothing but an HMAC key: whatever could sign otherwise is refused.

import { HardkeyError } from '../errors.ts'
import { readOwnFile } from '../files/read-own-file.ts'
import { base64Decoded } from '../key/base64.ts'
import { type JsonSpan, jsonBytes, jsonStrings } from '../key/json-text.ts'
import type { Secret } from '../key/secret.ts'
import { secretOfAws4Key } from '../sigv4/aws4-key.ts'

export interface VaultBackup {
  readonly path: string
  /** The name that the key must have; any where it is undefined. */
  readonly name?: string | undefined
  /** Takes a key that its server could give out: whoever may ask that server has the secret. */
  readonly allowExportable?: boolean | undefined
}

type Members = Readonly<Record<string, unknown>>

const maxFileBytes = 65_536
/** AES256-GCM96, which by hand is restored with an HMAC key alone; HMAC, by its number in OpenBao and in Vault. */
const types: ReadonlyMap<number, string> = new Map([
  [0, 'aes256-gcm96'],
  [10, 'hmac of OpenBao'],
  [11, 'hmac of Vault'],
])

/**
 * The bare secret access key, its form not yet checked; the caller wipes it.
 * @throws ERR_KEY_FILE_INVALID, naming what is wrong and never showing a part of a key
 */
export async function readVaultBackup(backup: VaultBackup): Promise<Secret> {
  const options = { maxBytes: maxFileBytes, secret: true, code: 'ERR_KEY_FILE_INVALID' } as const
  const file = await readOwnFile(backup.path, options)
  try {
    return secretIn(file, backup)
  } finally {
    file.fill(0)
  }
}

/** The same for bytes that were read, which stay the caller's. */
export function secretIn(file: Uint8Array, backup: VaultBackup): Secret {
  const json = file[0] === 0x7b ? file : decoded(file, backup)
  try {
    const strings = stringsOf(json, backup)
    const version = checkedVersion(withoutKeys(json, strings, backup), backup)
    return keyOf(json, strings, version, backup)
  } finally {
    if (json !== file) json.fill(0)
  }
}

/** A file of base64 ends with a line ending, or with none. */
function decoded(file: Uint8Array, backup: VaultBackup): Uint8Array {
  const end = file.findLastIndex((byte) => byte > 0x20) + 1
  const json = base64Decoded(file.subarray(0, end))
  if (json !== undefined) return json
  throw invalid(backup, 'is neither JSON nor base64', 'give what transit/backup answered in data.backup')
}

function stringsOf(json: Uint8Array, backup: VaultBackup): ReadonlyMap<string, JsonSpan> {
  try {
    return jsonStrings(json)
  } catch {
    // The reader's words are for another file.
    throw invalid(backup, 'is not JSON, or has a member twice')
  }
}

/** The same JSON, with the letter A in the place of every string but the name: it may become text. */
function withoutKeys(json: Uint8Array, strings: ReadonlyMap<string, JsonSpan>, backup: VaultBackup): unknown {
  const masked = new Uint8Array(json)
  for (const [path, { start, end }] of strings) if (path !== 'policy.name') masked.fill(0x41, start, end)
  try {
    return JSON.parse(Buffer.from(masked).toString())
  } catch {
    // An escape that JSON does not have: strings are read where they are wanted alone. The reader's words quote the file.
    throw invalid(backup, 'is not JSON')
  }
}

/** The one version of a key that may be taken. */
function checkedVersion(value: unknown, backup: VaultBackup): string {
  const policy = member(value, 'policy')
  const keys = member(policy, 'keys')
  if (!isMembers(policy) || !isMembers(keys)) throw invalid(backup, 'is no backup of a transit key')
  refuseOtherName(policy, backup)
  const type = member(policy, 'type')
  if (typeof type !== 'number' || !types.has(type)) {
    throw invalid(
      backup,
      `holds a key of type ${typeof type === 'number' ? type : 'NaN'}`,
      `the types are ${[...types.values()].join(', ')}`,
    )
  }
  for (const name of ['derived', 'convergent_encryption']) {
    if (member(policy, name) === true) throw invalid(backup, `holds a key with ${name}, which signs otherwise`)
  }
  for (const name of ['exportable', 'allow_plaintext_backup']) {
    if (member(policy, name) !== true || backup.allowExportable === true) continue
    throw invalid(
      backup,
      `holds a key with ${name}: its server gives the secret to whoever may ask`,
      'make a new access key; to take this one all the same: --allow-exportable',
    )
  }
  const [version, ...more] = Object.keys(keys)
  if (version === undefined || more.length > 0) {
    throw invalid(backup, `holds ${Object.keys(keys).length} versions of the key, not one`)
  }
  if (!/^[0-9]{1,9}$/.test(version)) throw invalid(backup, 'holds a version of the key that has no number')
  const latest = member(policy, 'latest_version')
  if (typeof latest !== 'number' || String(latest) !== version) {
    throw invalid(backup, `says that the latest version is another than ${version}, which it holds`)
  }
  return version
}

function refuseOtherName(policy: Members, { path, name }: VaultBackup): void {
  const found = member(policy, 'name')
  if (name === undefined || found === name) return
  throw invalid(
    { path },
    `holds the key "${typeof found === 'string' ? found : ''}", not "${name}"`,
    'name that key in --to',
  )
}

function keyOf(json: Uint8Array, strings: ReadonlyMap<string, JsonSpan>, version: string, backup: VaultBackup): Secret {
  const hmac = bytesAt(json, strings, `policy.keys.${version}.hmac_key`, backup)
  if (hmac === undefined) throw invalid(backup, 'has no hmac_key')
  try {
    const key = bytesAt(json, strings, `policy.keys.${version}.key`, backup)
    const isOther = key !== undefined && Buffer.compare(key, hmac) !== 0
    key?.fill(0)
    if (isOther) throw invalid(backup, 'has an hmac_key that differs from its key')
    const secret = secretOfAws4Key(hmac)
    if (secret !== undefined) return secret
    throw invalid(backup, 'holds a key that is not AWS4 and a secret access key')
  } finally {
    hmac.fill(0)
  }
}

function bytesAt(
  json: Uint8Array,
  strings: ReadonlyMap<string, JsonSpan>,
  path: string,
  backup: VaultBackup,
): Uint8Array | undefined {
  const span = strings.get(path)
  if (span === undefined) return undefined
  const text = jsonBytes(json, span)
  const bytes = base64Decoded(text)
  text.fill(0)
  if (bytes !== undefined) return bytes
  throw invalid(backup, `has a ${path.slice(path.lastIndexOf('.') + 1)} that is not base64`)
}

/** Its own members only: `__proto__` adds nothing. */
function member(value: unknown, name: string): unknown {
  return isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid({ path }: Pick<VaultBackup, 'path'>, fault: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_KEY_FILE_INVALID', `the backup "${path}" ${fault}`, { hint })
}
