// What the server answers, read strictly. In: the body of an answer. Out: the few members that hardkey needs, checked.
// HTTP API of Vault and OpenBao: transit, auth/token, sys. A member that is missing or of another type is
// ERR_DEVICE_FAILED: what came is not what that path answers. Unknown members are passed over.

import { isUtf8 } from 'node:buffer'
import { HardkeyError } from '../../errors.ts'
import { base64Decoded } from '../../key/base64.ts'

/** An HMAC and the version of the key that made it. */
export interface HmacAnswer {
  readonly version: number
  /** 32 bytes that the caller owns and wipes. */
  readonly hmac: Uint8Array
}

/** `GET transit/keys/NAME`, as far as it matters here. */
export interface KeyAnswer {
  readonly type: string
  readonly latestVersion: number
  readonly exportable: boolean
  readonly allowPlaintextBackup: boolean
  readonly deletionAllowed: boolean
  /** Undefined where the server does not say (OpenBao and Vault of 1.11 and later do). */
  readonly imported: boolean | undefined
  readonly importedAllowsRotation: boolean | undefined
}

/** A token and how long it lives. `seconds` 0: for ever. */
export interface LeaseAnswer {
  /** The caller takes it over. Undefined in the answer of a look-up. */
  readonly token: Uint8Array | undefined
  readonly seconds: number
  readonly renewable: boolean
}

type Members = Readonly<Record<string, unknown>>

const digits = 44
const placeholder = 'A'.repeat(digits)

/**
 * `POST transit/hmac/NAME/sha2-256`: `data.hmac` is `vault:vN:` and the base64 of 32 bytes. Wipes the body. The base64 is
 * taken out of the bytes before anything becomes a string.
 */
export function readHmac(body: Uint8Array, where: string): HmacAnswer {
  try {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const start = bytes.indexOf('"vault:v', 0, 'latin1') + 1
    const [prefix = '', version = ''] =
      /^vault:v([1-9][0-9]{0,8}):/.exec(bytes.toString('latin1', start, start + 18)) ?? []
    const from = start + prefix.length
    // The closing quote shows that the value ends here.
    const isWhole = start > 0 && prefix !== '' && bytes[from + digits] === 0x22
    const hmac = isWhole ? base64Decoded(bytes.subarray(from, from + digits)) : undefined
    if (hmac?.length !== 32) {
      hmac?.fill(0)
      throw unlike(where, 'is not an HMAC-SHA256')
    }
    bytes.fill('A', from, from + digits, 'latin1')
    if (text(data(body, where), 'hmac', where) === `${prefix}${placeholder}`) return { version: Number(version), hmac }
    hmac.fill(0)
    throw unlike(where, 'is not that of one HMAC')
  } finally {
    body.fill(0)
  }
}

export function readKey(body: Uint8Array, name: string, where: string): KeyAnswer {
  const members = data(body, where)
  if (text(members, 'name', where) !== name) throw unlike(where, 'is about another key')
  return {
    type: text(members, 'type', where),
    latestVersion: count(members, 'latest_version', where),
    exportable: flag(members, 'exportable', where),
    allowPlaintextBackup: flag(members, 'allow_plaintext_backup', where),
    deletionAllowed: flag(members, 'deletion_allowed', where),
    imported: flagIfThere(members, 'imported_key', where),
    importedAllowsRotation: flagIfThere(members, 'imported_key_allow_rotation', where),
  }
}

/** `GET transit/wrapping_key`: a public key in PEM. */
export function readWrappingKey(body: Uint8Array, where: string): string {
  return text(data(body, where), 'public_key', where)
}

/** A login, or `POST auth/token/renew-self`. */
export function readLogin(body: Uint8Array, where: string): LeaseAnswer {
  try {
    const auth = member(parsed(body, where), 'auth')
    if (!isMembers(auth)) throw unlike(where, 'has no token')
    const token = Buffer.from(text(auth, 'client_token', where), 'latin1')
    return {
      token: token.length === 0 ? undefined : token,
      seconds: count(auth, 'lease_duration', where),
      renewable: flag(auth, 'renewable', where),
    }
  } finally {
    body.fill(0)
  }
}

/** `GET auth/token/lookup-self`, whose answer holds the token too: the body is wiped. */
export function readLookup(body: Uint8Array, where: string): LeaseAnswer {
  try {
    const members = data(body, where)
    const seconds = count(members, 'ttl', where)
    return { token: undefined, seconds, renewable: flagIfThere(members, 'renewable', where) ?? false }
  } finally {
    body.fill(0)
  }
}

/**
 * `GET sys/internal/ui/resultant-acl`: what the policies of the token let through as `input` at this path. Undefined where
 * they say nothing of it; an empty list is every value.
 */
export function readAllowedInputs(body: Uint8Array, path: string, where: string): readonly string[] | undefined {
  const members = data(body, where)
  const exact = member(member(members, 'exact_paths'), path)
  const parameters = member(exact, 'allowed_parameters')
  if (!isMembers(parameters)) return undefined
  const input = member(parameters, 'input')
  return Array.isArray(input) ? input.filter((value) => typeof value === 'string') : undefined
}

/** `GET sys/health`: version, and whether it is sealed. */
export function readHealth(body: Uint8Array, where: string): { readonly version: string; readonly sealed: boolean } {
  const members = parsed(body, where)
  return { version: text(members, 'version', where), sealed: flag(members, 'sealed', where) }
}

/** The server's own words for a refusal, on one line; empty where it gives none, undefined where it is not its form. */
export function readErrors(body: Uint8Array): string | undefined {
  if (body.length > 16_384 || !isUtf8(body)) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch {
    // A balancer's page: its text is no reason of the server.
    return undefined
  }
  const errors = member(value, 'errors')
  if (!Array.isArray(errors)) return undefined
  const words = errors.filter((one) => typeof one === 'string').map((one) => one.replace(/^\d+ errors? occurred:/, ''))
  return words.join(', ').replaceAll('\n\t* ', ' ').replace(/\s+/g, ' ').trim().slice(0, 300)
}

function data(body: Uint8Array, where: string): Members {
  const members = member(parsed(body, where), 'data')
  if (isMembers(members)) return members
  throw unlike(where, 'has no data')
}

function parsed(body: Uint8Array, where: string): Members {
  let value: unknown
  try {
    value = isUtf8(body) ? JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) : undefined
  } catch {
    // The parser's own words quote the body.
    value = undefined
  }
  if (isMembers(value)) return value
  throw unlike(where, 'is no JSON object', 'what answers there may be another server, or a page to log in')
}

/** Its own members only: `__proto__` in an answer adds nothing. */
function member(value: unknown, name: string): unknown {
  return isMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(members: Members, name: string, where: string): string {
  const value = member(members, name)
  if (typeof value === 'string') return value
  throw unlike(where, `has no "${name}"`)
}

function count(members: Members, name: string, where: string): number {
  const value = member(members, name)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw unlike(where, `has no "${name}"`)
}

function flag(members: Members, name: string, where: string): boolean {
  const value = member(members, name)
  if (typeof value === 'boolean') return value
  throw unlike(where, `has no "${name}"`)
}

function flagIfThere(members: Members, name: string, where: string): boolean | undefined {
  const value = member(members, name)
  return value === undefined || value === null ? undefined : flag(members, name, where)
}

function unlike(where: string, fault: string, hint?: string): HardkeyError {
  return new HardkeyError('ERR_DEVICE_FAILED', `the answer of ${where} ${fault}`, { hint })
}
